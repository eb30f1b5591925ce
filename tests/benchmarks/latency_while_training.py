"""How long /score takes at rest, and while a batch of 200,000 × 10 trains in the same process."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter, sleep

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.measure import Row, Sample, Table
from tests.benchmarks.services import running_service

N_READINGS = 200_000
N_FEATURES = 10
REPEATS = 3
# A caller that asks every 5 ms, not one that saturates the service: what is measured is the wait.
INTERVAL_SECONDS = 0.005
REST_SECONDS = 5.0
HEADERS = {"Content-Type": "application/json"}


def measure() -> Iterator[Row]:
    """Measure on the real command, from another process than the one that serves."""
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder) / "models") as (address, _):
        _post(HTTPConnection(address, timeout=60), "/ingest", _batch(2_000))
        rest_until = perf_counter() + REST_SECONDS
        yield from _rows("at rest", [_latencies(address, lambda: perf_counter() > rest_until)])
        large = Path(folder) / "large.json"
        large.write_bytes(_batch(N_READINGS))
        trainings = [_while_training(address, large) for _ in range(REPEATS)]
        yield Row(
            f"`POST /ingest` of {N_READINGS:,} × {N_FEATURES}",
            Sample.of([took for took, _ in trainings]),
            "s",
        )
        yield from _rows("while it trains", [waits for _, waits in trainings])


def _while_training(address: str, large: Path) -> tuple[float, NDArray[np.float64]]:
    url = f"http://{address}/ingest"
    header = f"Content-Type: {HEADERS['Content-Type']}"
    began = perf_counter()
    # curl, so that sending does not take turns with measuring in one interpreter.
    curl = [
        "curl",
        "--silent",
        "--fail",
        "--output",
        os.devnull,
        "-H",
        header,
        "--data-binary",
        f"@{large}",
        url,
    ]
    with subprocess.Popen(curl) as training:
        waits = _latencies(address, lambda: training.poll() is not None)
    if training.returncode:
        raise RuntimeError("the training failed")
    return perf_counter() - began, waits


def _latencies(address: str, done: Callable[[], bool]) -> NDArray[np.float64]:
    connection = HTTPConnection(address, timeout=60)
    reading = {
        "vehicle_id": "veh-1",
        "timestamp": "2026-01-01T00:00:00Z",
        "feature_vector": [0.1] * N_FEATURES,
    }
    body = json.dumps(reading).encode()
    waits = []
    due = perf_counter()
    while not done():
        due = max(due + INTERVAL_SECONDS, perf_counter())
        sleep(due - perf_counter() if due > perf_counter() else 0)
        began = perf_counter()
        _post(connection, "/score", body)
        waits.append(perf_counter() - began)
    connection.close()
    return np.array(waits)


def _post(connection: HTTPConnection, path: str, body: bytes) -> None:
    connection.request("POST", path, body, HEADERS)
    response = connection.getresponse()
    answer = response.read()
    if response.status >= 300:
        raise RuntimeError(f"{path} answered {response.status}: {answer!r}")


def _batch(n_readings: int) -> bytes:
    X = np.random.default_rng(0).normal(size=(n_readings, N_FEATURES)).round(4).tolist()
    timestamp = "2026-01-01T00:00:00Z"
    records = [
        {"vehicle_id": f"veh-{position % 50}", "timestamp": timestamp, "feature_vector": row}
        for position, row in enumerate(X)
    ]
    return json.dumps({"records": records}).encode()


def _rows(when: str, runs: list[NDArray[np.float64]]) -> Iterator[Row]:
    for name, quantile in (("p50", 0.5), ("p99", 0.99), ("longest", 1.0)):
        yield Row(
            f"{when}, {name}", Sample.of([float(np.quantile(run, quantile)) * 1e3 for run in runs]), "ms"
        )


TABLE = Table(
    "latency_while_training",
    f"How long `/score` takes one caller, every {INTERVAL_SECONDS * 1e3:.0f} ms, at rest and while "
    f"{N_READINGS:,} × {N_FEATURES} train in the same process",
    measure,
)
