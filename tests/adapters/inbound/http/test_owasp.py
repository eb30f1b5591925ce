"""OWASP API Security Top 10, 2023: the items that no other file is about; see SECURITY.md for those."""

import json
import socket
from pathlib import Path

import pytest

from tests.adapters.inbound.http.service import BATCH, READING, problem_in, running
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.core.model import ModelName


@pytest.mark.parametrize("field", ["trained_at", "is_latest", "contamination", "by", "offset", "__class__"])
def test_api3_no_property_is_set_that_is_not_offered(tmp_path: Path, field: str) -> None:
    with running(tmp_path) as service:
        for path, body in (("/ingest", BATCH), ("/score", READING), ("/score/batch", BATCH)):
            assert problem_in(service.client.post(path, json={**body, field: "x"})).status == 400
        # And none is told that is about single readings: of which vehicle, and when.
        told = service.client.get("/models/default/versions/v1").text
        assert READING["vehicle_id"] not in told


def test_api6_training_and_promoting_are_not_for_just_anybody(tmp_path: Path) -> None:
    entry = {"id": "only.score", "scopes": ["score"], "sha256": "0" * 64}
    with running(tmp_path, api_keys=json.dumps([entry]), environment="production") as service:
        before = service.files()
        for path in ("/ingest", "/models/default/latest"):
            method = "POST" if path == "/ingest" else "PUT"
            assert problem_in(service.client.request(method, path, json=BATCH)).status == 401
        assert service.files() == before


def test_api7_no_address_in_a_request_is_called(tmp_path: Path) -> None:
    with running(tmp_path) as service, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        for field in ("model_name", "model_version"):
            for path, body in (("/ingest", BATCH), ("/score", READING), ("/score/batch", BATCH)):
                assert problem_in(service.client.post(path, json={**body, field: address})).status == 400
        answer = service.client.post("/score", json={**READING, "vehicle_id": address})
        assert answer.status_code == 200
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize(
    "path",
    ["/v1/score", "/debug", "/admin", "/openapi.json", "/docs", "/redoc", "/.env", "/train", "/predict"],
)
def test_api9_nothing_is_served_that_is_not_documented(tmp_path: Path, path: str) -> None:
    with running(tmp_path) as service:
        for method in ("GET", "POST"):
            assert problem_in(service.client.request(method, path)).status == 404


def test_api10_what_the_store_gives_is_not_trusted(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        version = tmp_path / "default" / "v1"
        forest = version / "forest.npz"
        forest.write_bytes(forest.read_bytes()[:-1] + b"x")
        assert problem_in(service.client.post("/score", json=READING)).status == 503
        assert FilesystemModels(tmp_path).versions(ModelName("default")).damaged
