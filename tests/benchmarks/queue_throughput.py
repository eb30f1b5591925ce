"""Messages a second of one worker process, beside the same requests over HTTP to one service process."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tests.aws_server import AWS_ENVIRONMENT, aws_server
from tests.benchmarks.machine import cpu_seconds
from tests.benchmarks.measure import Row, Sample, Table
from tests.benchmarks.services import running_service
from tests.queues import Queues, make_queues, worker_process

N_FEATURES = 8
N_SCORE = 1_500
N_SCORE_BATCH = 300
BATCH = 100
CONNECTIONS = 8
LONG_SECONDS = 300.0

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """How fast requests were answered.

    Attributes:
        per_second: Requests.
        cpu_milliseconds: Of the process that answers, a request.
    """

    per_second: float
    cpu_milliseconds: float


def measure() -> Iterator[Row]:
    """Measure on the real commands; SQS is moto's, on the same machine."""
    X = np.random.default_rng(0).normal(size=(2_000, N_FEATURES)).round(4)
    records = [_record(row, position) for position, row in enumerate(X.tolist())]
    requests = {
        "score": [{**records[position % len(records)]} for position in range(N_SCORE)],
        f"score_batch of {BATCH}": [{"records": records[:BATCH]}] * N_SCORE_BATCH,
    }
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "models"
        over_http = dict(_over_http(store, records, requests))
        over_queue = dict(_over_queue(store, requests))
    for kind in requests:
        queue, http = over_queue[kind], over_http[kind]
        yield Row.of_rates(
            f"`{kind}` from the queue",
            Sample.of([queue.per_second]),
            Sample.of([http.per_second]),
            unit="requests/s",
            peer="the same over HTTP",
            note=f"CPU a request: {queue.cpu_milliseconds:.2f} ms, over HTTP {http.cpu_milliseconds:.2f} ms",
        )


def _over_http(
    store: Path, records: Sequence[Body], requests: dict[str, list[Body]]
) -> Iterator[tuple[str, Measured]]:
    with running_service(store) as (address, pid):
        connection = HTTPConnection(address, timeout=60)
        _post(connection, "/ingest", json.dumps({"records": records}).encode())
        for kind, bodies in requests.items():
            path = "/score" if kind == "score" else "/score/batch"
            encoded = [json.dumps(body).encode() for body in bodies]
            _post_all(address, path, encoded[: len(encoded) // 10])
            yield kind, _measured(pid, len(bodies), partial(_post_all, address, path, encoded))


def _over_queue(store: Path, requests: dict[str, list[Body]]) -> Iterator[tuple[str, Measured]]:
    with _aws():
        for kind, bodies in requests.items():
            tag = kind.partition(" ")[0]
            queues = make_queues()
            # They are there before the worker: what is measured is not the producer.
            queues.send_all([json.dumps({"type": tag, **body}) for body in bodies])
            environment = queues.environment(MODEL_ARTIFACT_DIR=str(store))
            with worker_process(environment) as worker:
                worker.wait_until_polling()
                yield kind, _measured(worker.pid, len(bodies), partial(_wait_until_empty, queues))


def _wait_until_empty(queues: Queues) -> None:
    queues.wait_until_all_deleted(LONG_SECONDS)


def _measured(pid: int, n_requests: int, work: Callable[[], None]) -> Measured:
    began, cpu = perf_counter(), cpu_seconds(pid)
    work()
    took, used = perf_counter() - began, cpu_seconds(pid) - cpu
    return Measured(n_requests / took, used / n_requests * 1e3)


def _post_all(address: str, path: str, bodies: Sequence[bytes]) -> None:
    def post(some: Sequence[bytes]) -> None:
        connection = HTTPConnection(address, timeout=60)
        for body in some:
            _post(connection, path, body)
        connection.close()

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(post, [bodies[first::CONNECTIONS] for first in range(CONNECTIONS)]))


def _post(connection: HTTPConnection, path: str, body: bytes) -> None:
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    if response.status >= 300:
        raise RuntimeError(f"{path} answered {response.status}: {answer[:200]!r}")


@contextmanager
def _aws() -> Iterator[None]:
    """Point boto3 at a server of this run's own, here and in the processes that are started."""
    before = dict(os.environ)
    with aws_server() as url:
        os.environ.update(AWS_ENVIRONMENT, AWS_ENDPOINT_URL=url)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _record(row: list[float], position: int) -> Body:
    return {
        "vehicle_id": f"veh-{position % 50}",
        "timestamp": "2026-01-01T00:00:00Z",
        "feature_vector": row,
    }


TABLE = Table(
    "queue_throughput",
    f"Requests a second of one worker process, 200 trees × {N_FEATURES} features; moto's SQS and the callers "
    "share the machine",
    measure,
)
