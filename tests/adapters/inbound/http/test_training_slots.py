"""Trainings that run, wait and find no room; the test holds each up for as long as it wants."""

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import httpx
import pytest

from tests.adapters.inbound.http.service import BATCH, READING, Service, problem_in, running
from tests.fakes import InMemoryModels
from vehicle_anomaly.adapters.inbound.http.openapi_examples import PROBLEMS
from vehicle_anomaly.core.model import ModelMetadata, TrainedModel
from vehicle_anomaly.core.promotions import TRAINER

SECONDS = 30


class HeldModels(InMemoryModels):
    """A store in which nothing is published before the test lets it; `v1` is."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.may_publish = threading.Event()

    def publish(self, model: TrainedModel, promoted_by: str | None = TRAINER) -> ModelMetadata:
        """Wait, then publish."""
        if model.metadata.model_version.value != "v1":
            self.begun.release()
            assert self.may_publish.wait(SECONDS)
        return super().publish(model, promoted_by)


@pytest.fixture
def held() -> HeldModels:
    return HeldModels()


@pytest.fixture
def callers(held: HeldModels) -> Iterator[ThreadPoolExecutor]:
    """Callers at once; whatever becomes of a test, what it held up goes on."""
    with ThreadPoolExecutor(8) as threads:
        try:
            yield threads
        finally:
            held.may_publish.set()


def _train(service: Service) -> httpx.Response:
    return service.client.post("/ingest", json=BATCH)


def test_no_room(tmp_path: Path, held: HeldModels, callers: ThreadPoolExecutor) -> None:
    with running(tmp_path, held, training_slots=1, training_queue=0) as service:
        runs = callers.submit(_train, service)
        assert held.begun.acquire(timeout=SECONDS)
        refused = _train(service)
        assert problem_in(refused).status == 429
        assert int(refused.headers["retry-after"]) > 0
        held.may_publish.set()
        assert runs.result(SECONDS).status_code == 201
        assert _train(service).status_code == 201


def test_room_to_wait_for_one(tmp_path: Path, held: HeldModels, callers: ThreadPoolExecutor) -> None:
    with running(tmp_path, held, training_slots=2, training_queue=1) as service:
        sent = {callers.submit(_train, service) for _ in range(4)}
        done, rest = wait(sent, SECONDS, FIRST_COMPLETED)
        assert [response.result().status_code for response in done] == [429]
        held.may_publish.set()
        assert [response.result(SECONDS).status_code for response in rest] == [201, 201, 201]
        assert len(service.client.get("/models/default").json()["versions"]) == 4


def test_the_documented_example_is_what_is_said(
    tmp_path: Path, held: HeldModels, callers: ThreadPoolExecutor
) -> None:
    with running(tmp_path, held, training_slots=1, training_queue=2) as service:
        sent = {callers.submit(_train, service) for _ in range(4)}
        done, _ = wait(sent, SECONDS, FIRST_COMPLETED)
        told = next(iter(done)).result().json()
        example = PROBLEMS[429]["busy"]
        assert told == {**example, "detail": example["detail"].replace("32 wait", "2 wait")}
        held.may_publish.set()
        wait(sent, SECONDS)


def test_scoring_goes_on_while_a_model_is_trained(
    tmp_path: Path, held: HeldModels, callers: ThreadPoolExecutor
) -> None:
    with running(tmp_path, held) as service:
        trained = callers.submit(_train, service)
        assert held.begun.acquire(timeout=SECONDS)
        for path, message in (("/score", READING), ("/score/batch", BATCH)):
            assert service.client.post(path, json=message).json()["model_version"] == "v1"
        assert not trained.done()
        held.may_publish.set()
        assert trained.result(SECONDS).status_code == 201


def test_a_malformed_batch_gives_its_room_back(tmp_path: Path, held: HeldModels) -> None:
    held.may_publish.set()
    with running(tmp_path, held, training_slots=1, training_queue=0) as service:
        for _ in range(3):
            assert problem_in(service.post("/ingest", b"{")).status == 400
        assert _train(service).status_code == 201
