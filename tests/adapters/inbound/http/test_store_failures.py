"""A store that goes away, or holds a version that is not what was published."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.adapters.inbound.http.service import BATCH, READING, Service, answers, problem_in, running
from tests.fakes import InMemoryModels, a_trained_model
from vehicle_anomaly.adapters.inbound.http.openapi_examples import PROBLEMS
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.core.errors import ModelStoreUnavailable

# The latest version is asked for at each call.
ALWAYS_ASK: dict[str, Any] = {"model_refresh_seconds": 0.0}


class LeavingModels(InMemoryModels):
    """A store that goes away."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.away = False
        self.failure = failure or ModelStoreUnavailable("/srv/models: Permission denied")

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name not in ("away", "failure") and self.away:
            raise self.failure
        return super().__getattribute__(name)


CALLS: list[tuple[str, str, Any]] = [
    ("POST", "/score", READING),
    ("POST", "/score", {**READING, "model_version": "v1"}),
    ("POST", "/score/batch", BATCH),
    ("POST", "/ingest", BATCH),
    ("GET", "/models", None),
    ("GET", "/models/default", None),
    ("GET", "/models/default/versions/v1", None),
    ("PUT", "/models/default/latest", {"model_version": "v1"}),
]


def test_nothing_in_memory_and_the_store_away(tmp_path: Path) -> None:
    models = LeavingModels()
    with running(tmp_path, models) as service:
        models.away = True
        for method, path, message in CALLS:
            response = service.client.request(method, path, json=message)
            assert problem_in(response).status == 503
            assert response.json() == PROBLEMS[503]["unavailable"]
            assert int(response.headers["retry-after"]) > 0
        models.away = False
        assert service.still_scores()


def test_what_is_in_memory_answers_while_the_store_is_away(tmp_path: Path) -> None:
    models = LeavingModels()
    with running(tmp_path, models, **ALWAYS_ASK) as service:
        assert service.client.get("/health/ready").json()["model_store"] == "connected"
        assert service.still_scores()
        models.away = True
        assert service.client.post("/score", json=READING).json()["model_version"] == "v1"
        ready = service.client.get("/health/ready")
        assert ready.status_code == 503
        told = ready.json()
        assert (told["status"], told["model_store"]) == ("unavailable", "unreachable")
        assert "Permission denied" in told["detail"]
        assert "out of reach" in told["degraded"]["default"]
        assert service.client.get("/healthz").json() == {"status": "ok"}
        assert service.client.get("/health").json()["status"] == "healthy"
        models.away = False
        assert service.still_scores()
        assert "degraded" not in service.client.get("/health/ready").json()


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    with running(folder, **ALWAYS_ASK) as service:
        assert service.still_scores()
        folder.rename(tmp_path / "elsewhere")
        folder.write_text("no folder")
        assert service.still_scores()
        assert service.client.get("/health/ready").status_code == 503
        assert problem_in(service.client.get("/models")).status == 503


def _damage(service: Service, version: str) -> None:
    file = service.store / "default" / version / "forest.npz"
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    file.write_bytes(damaged)


def _publish(service: Service, version: str) -> None:
    FilesystemModels(service.store).publish(a_trained_model(version))


@pytest.mark.parametrize("named", [{}, {"model_version": "v1"}], ids=["latest", "by name"])
def test_a_damaged_version_is_told_by_name(tmp_path: Path, named: dict[str, str]) -> None:
    with running(tmp_path) as service:
        _damage(service, "v1")
        told = problem_in(service.client.post("/score", json={**READING, **named}))
        assert (told.status, told.type.rpartition(":")[2]) == (503, "damaged-model")
        assert told.detail.startswith("version 'v1' of model 'default' is damaged: ")
        listed = service.client.get("/models/default").json()
        assert (listed["latest"], listed["versions"]) == (None, [])
        assert "v1" in [damaged["model_version"] for damaged in listed["damaged"]]


def test_the_version_before_a_damaged_one_keeps_answering(tmp_path: Path) -> None:
    with running(tmp_path, **ALWAYS_ASK) as service:
        assert service.still_scores()
        _publish(service, "v2")
        _damage(service, "v2")
        assert service.client.post("/score", json=READING).json()["model_version"] == "v1"
        ready = service.client.get("/health/ready")
        assert ready.status_code == 200
        assert ready.json()["status"] == "ready"
        assert "version 'v2'" in ready.json()["degraded"]["default"]
        _publish(service, "v3")
        assert service.client.post("/score", json=READING).json()["model_version"] == "v3"
        assert "degraded" not in service.client.get("/health/ready").json()


def test_a_damaged_version_is_not_promoted(tmp_path: Path) -> None:
    with running(tmp_path, **ALWAYS_ASK) as service:
        _publish(service, "v2")
        _damage(service, "v1")
        response = service.client.put("/models/default/latest", json={"model_version": "v1"})
        assert problem_in(response).type.endswith(":damaged-model")
        assert service.client.get("/models/default").json()["latest"] == "v2"


def test_a_fault_of_the_service_itself_is_told_as_one_without_its_inside(tmp_path: Path) -> None:
    models = LeavingModels(RuntimeError("an inner matter"))
    with running(tmp_path, models) as service:
        models.away = True
        response = service.client.post("/score", json=READING)
        assert problem_in(response).status == 500
        assert "inner" not in response.text
        assert answers(service, "/score") == {"500": 1}


def test_a_version_that_nobody_trusted_has_signed_is_told_by_name(tmp_path: Path) -> None:
    with running(tmp_path, model_signing_key="0123456789abcdef" * 2) as service:
        FilesystemModels(tmp_path).publish(a_trained_model("v2"))
        told = problem_in(service.client.post("/score", json={**READING, "model_version": "v2"}))
        assert (told.status, told.type.rpartition(":")[2]) == (503, "untrusted-model")
        assert told.detail == "version 'v2' of model 'default' is not trusted: manifest.json is not signed"
        assert service.client.put("/models/default/latest", json={"model_version": "v2"}).status_code == 503
        assert service.client.post("/score", json={**READING, "model_version": "v1"}).status_code == 200


def test_the_log_says_what_broke_and_where_and_nothing_that_was_sent(
    tmp_path: Path,
) -> None:
    models = LeavingModels(ValueError("could not convert 123.4567"))
    with running(tmp_path, models, **ALWAYS_ASK) as service, capture_logs() as lines:
        models.away = True
        response = service.client.post("/score", json={**READING, "feature_vector": [123.4567, 0, 0]})
        assert problem_in(response).status == 500
    (line,) = [line for line in lines if line["event"] == "request failed"]
    assert (line["method"], line["route"], line["error"]) == ("POST", "/score", "ValueError")
    assert "in latest" in line["stack"]
    assert "123.4567" not in str(lines)
