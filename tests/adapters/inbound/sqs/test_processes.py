"""Workers in processes of their own, which are killed and stopped at any moment.

Each test has a short form; the long form is marked `soak` and run by `just soak`.
"""

import itertools
import json
import random
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.adapters.inbound.sqs.conftest import RECORDS, SCORE
from tests.freezing_proxy import freezing_proxy
from tests.queues import (
    COMMAND,
    Queues,
    Received,
    WorkerProcess,
    make_queues,
    wait_until,
    worker_process,
)
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.core.model import ModelName

_VISIBILITY_SECONDS = 3
_DRAIN_SECONDS = 3


@pytest.fixture
def environment(aws_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {
        **aws_environment,
        "MODEL_ARTIFACT_DIR": str(tmp_path / "artifacts"),
        "MODEL_REFRESH_SECONDS": "0",
        "N_ESTIMATORS": "10",
        "WORKER_VISIBILITY_SECONDS": str(_VISIBILITY_SECONDS),
        "WORKER_DRAIN_SECONDS": str(_DRAIN_SECONDS),
        "WORKER_RETRY_SECONDS": "0.2",
    }


@pytest.mark.parametrize("variable", ["REQUEST_QUEUE_URL", "RESULT_QUEUE_URL"])
@pytest.mark.parametrize("value", ["", "requests"])
def test_a_queue_that_is_not_named_stops_the_start_with_one_line(
    environment: dict[str, str], variable: str, value: str
) -> None:
    url = "http://127.0.0.1:1/123456789012/queue"
    given = {"REQUEST_QUEUE_URL": url, "RESULT_QUEUE_URL": url, variable: value}
    ended = subprocess.run(
        [COMMAND, "work"], env={**environment, **given}, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"vehicle-anomaly: error: {variable}: expected the URL of a queue")
    assert ended.stderr.count("\n") == 1


def test_a_result_queue_that_is_not_there_stops_the_start_with_one_line(
    environment: dict[str, str], queues: Queues
) -> None:
    given = queues.environment(RESULT_QUEUE_URL=f"{queues.results}-2")
    ended = subprocess.run(
        [COMMAND, "work"], env={**environment, **given}, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("vehicle-anomaly: error: RESULT_QUEUE_URL: there is no queue at")


def _training(name: str, version: str | None, seed: int) -> dict[str, Any]:
    shift = float(np.random.default_rng(seed).uniform(0, 100))
    records = [{**one, "feature_vector": [shift + number, shift, 1.0]} for number, one in enumerate(RECORDS)]
    request = {"type": "ingest", "records": records, "model_name": name}
    return request if version is None else {**request, "model_version": version}


def _train_first(queues: Queues, process: WorkerProcess) -> None:
    process.wait_until_polling()
    queues.send(_training("steady", "v1", 0))
    [answer] = queues.take_results(1)
    assert answer.told["type"] == "ingested"
    # A worker deletes after it has answered: killed between the two, the training would come again.
    queues.wait_until_all_deleted()


def _mixed(count: int, seed: int) -> list[dict[str, Any]]:
    """Make requests of all kinds, the last fifth of them repetitions of earlier ones."""
    choose = random.Random(seed)
    made: list[dict[str, Any]] = []
    steady = {"model_name": "steady", "model_version": "v1"}
    for number in range(count * 4 // 5):
        kind = number % 20
        if kind == 0:
            made.append(_training("named", f"n{number}", number))
        elif kind == 10:
            made.append(_training("made", None, number))
        elif kind == 5:
            made.append({"type": "score_batch", "records": RECORDS[: number % 30 + 1], **steady})
        elif kind == 15:
            made.append({**SCORE, "feature_vector": [float(number)], **steady})
        else:
            made.append({**SCORE, "vehicle_id": f"veh-{number}", **steady})
    # A producer that sends a training twice names its version: only then is it the same one.
    again = [one for one in made if one["type"] != "ingest" or "model_version" in one]
    made += choose.choices(again, k=count - len(made))
    choose.shuffle(made)
    return made


@pytest.mark.parametrize(
    ("count", "kills"),
    [(150, 1), pytest.param(2000, 10, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])],
)
def test_workers_that_are_killed_lose_nothing_and_do_nothing_twice(
    environment: dict[str, str], count: int, kills: int
) -> None:
    queues = make_queues(twice=True, max_receive_count=20)
    environment |= queues.environment()
    requests = _mixed(count, seed=count)
    choose = random.Random(count)
    with worker_process(environment) as process:
        _train_first(queues, process)

    taken: list[Received] = []
    ids = queues.send_all(requests)
    finished = threading.Event()

    def keep_killing(seed: int) -> None:
        moments = random.Random(seed)
        with ExitStack() as running:
            for _ in range(kills):
                process = WorkerProcess(environment)
                # Also before it has begun: importing takes a second or two.
                finished.wait(moments.uniform(1.0, 5.0))
                process.kill()
            process = WorkerProcess(environment)
            running.callback(process.kill)
            finished.wait()

    killers = [threading.Thread(target=keep_killing, args=(choose.random(),)) for _ in range(3)]
    for killer in killers:
        killer.start()
    try:
        taken = queues.take_results_of(ids, within_seconds=1200)
        queues.wait_until_all_deleted(within_seconds=120)
        taken += queues.take_until(queues.results, lambda _: queues.count(queues.results) == 0)
    finally:
        finished.set()
        for killer in killers:
            killer.join()

    results: dict[str, set[str]] = {}
    for one in taken:
        results.setdefault(one.told["request_id"], set()).add(one.body)
    assert set(results) == set(ids)
    assert [bodies for bodies in results.values() if len(bodies) > 1] == []
    assert queues.count(queues.dead_letters) == 0
    store = FilesystemModels(Path(environment["MODEL_ARTIFACT_DIR"]))
    trainings = {json.dumps(one): one for one in requests if one["type"] == "ingest"}.values()
    for name in ("named", "made"):
        versions = store.versions(ModelName(name))
        assert versions.damaged == ()
        assert len(versions.versions) == sum(one["model_name"] == name for one in trainings)


@pytest.mark.parametrize(
    "rounds", [2, pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)
def test_a_worker_that_is_stopped_at_any_moment_leaves_nothing_behind(
    environment: dict[str, str], rounds: int
) -> None:
    moments = random.Random(rounds)
    queues = make_queues(max_receive_count=1000)
    environment |= queues.environment()
    with worker_process(environment) as process:
        _train_first(queues, process)
    for round_number in range(rounds):
        requests: list[dict[str, Any]] = [
            {**SCORE, "vehicle_id": f"veh-{number}", "model_name": "steady"} for number in range(60)
        ]
        requests.insert(30, _training("trained", None, round_number))
        with worker_process(environment) as process:
            process.wait_until_polling()
            ids = queues.send_all(requests)
            threading.Event().wait(moments.uniform(0, 0.6))
            process.signal(moments.choice([signal.SIGTERM, signal.SIGINT]))
            signalled = time.monotonic()
            status = process.wait()
            seconds = time.monotonic() - signalled
            assert status == 0, process.log[-2000:]
            assert seconds < _DRAIN_SECONDS, f"{seconds} s: {process.log[-1000:]}"
        ended = time.monotonic()
        answered: set[str] = set()
        while queues.count(queues.results):
            answered |= {one.told["request_id"] for one in queues.take(queues.results)}
        waiting: set[str] = set()
        while queues.count(queues.requests):
            assert time.monotonic() - ended < 5, "something is still invisible"
            waiting |= {one.message_id for one in queues.take(queues.requests)}
        assert answered | waiting == set(ids)
        assert queues.count(queues.dead_letters) == 0


@pytest.mark.parametrize("slow_seconds", [0.0, 0.4], ids=["at once", "polls arrive late"])
def test_a_worker_that_is_stopped_gives_back_what_it_cannot_finish(
    environment: dict[str, str], aws_environment: dict[str, str], slow_seconds: float
) -> None:
    # A worker that received again what it gave back would use up the second delivery.
    queues = make_queues(max_receive_count=2)
    with freezing_proxy(environment["AWS_ENDPOINT_URL"], b"ReceiveMessage", slow_seconds) as proxy:
        environment |= queues.environment(
            AWS_ENDPOINT_URL_SQS=proxy.url, WORKER_VISIBILITY_SECONDS="600", N_ESTIMATORS="10000"
        )
        environment["REQUEST_QUEUE_URL"] = _through(proxy.url, queues.requests)
        environment["RESULT_QUEUE_URL"] = _through(proxy.url, queues.results)
        with worker_process(environment) as process:
            process.wait_until_polling()
            many = [{**one, "vehicle_id": f"veh-{number}"} for number in range(40) for one in RECORDS]
            sent = {queues.send({"type": "ingest", "records": many}) for _ in range(3)}
            wait_until(lambda: queues.count_visible(queues.requests) == 0)
            process.signal(signal.SIGTERM)
            signalled = time.monotonic()
            assert process.wait() == 0
            assert time.monotonic() - signalled < _DRAIN_SECONDS

    back = queues.take_until(queues.requests, lambda taken: len(taken) == len(sent), within_seconds=5)
    assert {one.message_id for one in back} == sent


def test_a_queue_that_no_longer_answers_does_not_hold_up_the_end(
    environment: dict[str, str], queues: Queues
) -> None:
    with freezing_proxy(environment["AWS_ENDPOINT_URL"]) as proxy:
        environment |= queues.environment(AWS_ENDPOINT_URL_SQS=proxy.url, N_ESTIMATORS="10000")
        environment["REQUEST_QUEUE_URL"] = _through(proxy.url, queues.requests)
        environment["RESULT_QUEUE_URL"] = _through(proxy.url, queues.results)
        with worker_process(environment) as process:
            process.wait_until_polling()
            for number in range(12):
                queues.send({"type": "ingest", "model_name": f"fleet-{number}", "records": RECORDS})
            wait_until(lambda: queues.count_visible(queues.requests) == 0)
            proxy.freeze()
            process.signal(signal.SIGTERM)
            signalled = time.monotonic()
            assert process.wait() == 0
            assert time.monotonic() - signalled < _DRAIN_SECONDS + 1


def _through(proxy_url: str, queue_url: str) -> str:
    return f"{proxy_url}/{queue_url.split('/', 3)[3]}"


def test_a_collector_that_never_answers_does_not_hold_up_the_end(
    environment: dict[str, str], queues: Queues
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as collector:
        port = collector.getsockname()[1]
        environment |= queues.environment(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")
        with worker_process(environment) as process:
            process.wait_until_polling()
            queues.send(SCORE)
            queues.take_results(1)
            process.signal(signal.SIGTERM)
            signalled = time.monotonic()
            assert process.wait() == 0
            assert time.monotonic() - signalled < _DRAIN_SECONDS


def test_a_second_signal_ends_the_drain_at_once(environment: dict[str, str], queues: Queues) -> None:
    environment |= queues.environment(WORKER_DRAIN_SECONDS="60")
    with worker_process(environment) as process:
        process.wait_until_polling()
        process.signal(signal.SIGINT)
        wait_until(lambda: '"event": "stopping"' in process.log)
        process.signal(signal.SIGINT)
        assert process.wait(10) == 0


POISON: list[Callable[[int], str]] = [
    lambda number: f"not JSON {number}",
    lambda number: json.dumps({"type": "forecast", "number": number}),
    lambda number: json.dumps({**SCORE, "colour": number}),
    lambda number: json.dumps({**SCORE, "feature_vector": [str(number)]}),
    lambda number: "[" * (1000 + number),
]


def _seconds_to_answer(
    environment: dict[str, str], good: int, poison: int
) -> tuple[list[float], Queues, list[str], list[str]]:
    """Send good requests one after the other, poison among them.

    Returns:
        How long the answer to each of the good ones took, the queues, the ids of the poison, and the ids of
        what became a dead letter.
    """
    queues = make_queues()
    with worker_process({**environment, **queues.environment()}) as process:
        _train_first(queues, process)
        sent_at: dict[str, float] = {}
        answered_at: dict[str, float] = {}
        all_sent = threading.Event()

        def take() -> None:
            deadline = time.monotonic() + 120
            while not all_sent.is_set() or len(answered_at) < good:
                assert time.monotonic() < deadline
                for one in queues.take(queues.results):
                    answered_at.setdefault(one.told["request_id"], time.monotonic())

        taker = threading.Thread(target=take)
        taker.start()
        bad = []
        makers = itertools.cycle(POISON)
        for number in range(good):
            if poison and number % (good // poison) == 0:
                bad.append(queues.send(next(makers)(number)))
            began = time.monotonic()
            request = {**SCORE, "vehicle_id": uuid.uuid4().hex, "model_name": "steady"}
            sent_at[queues.send(request)] = began
        all_sent.set()
        taker.join()
        dead = queues.take_dead_letters(len(bad)) if bad else []
        queues.wait_until_all_deleted()
        seconds = [answered_at[one] - sent_at[one] for one in sent_at]
        return seconds, queues, bad, [one.message_id for one in dead]


@pytest.mark.parametrize(
    ("good", "poison", "quantile"), [(100, 10, 0.5), pytest.param(500, 50, 0.99, marks=pytest.mark.soak)]
)
def test_poison_becomes_dead_letters_and_does_not_slow_down_the_others(
    environment: dict[str, str], good: int, poison: int, quantile: float
) -> None:
    alone, _, _, _ = _seconds_to_answer(environment, good, poison=0)
    among_poison, queues, bad, dead = _seconds_to_answer(environment, good, poison)

    assert sorted(dead) == sorted(bad)
    assert len(bad) == poison
    assert queues.count(queues.dead_letters) == 0
    before, now = float(np.quantile(alone, quantile)), float(np.quantile(among_poison, quantile))
    print(f"quantile {quantile}: {before:.4f} s alone, {now:.4f} s among poison")  # noqa: T201
    assert now < 2 * before
