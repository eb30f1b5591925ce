"""OWASP API Security Top 10, 2023: the items that no other file is about; see SECURITY.md for those."""

import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.adapters.inbound.http.service import BATCH, READING, Json, Service, problem_in, running
from tests.api_keys import an_entry
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


API6_KEYS = [
    an_entry("scorer", "key-scorer", "score", "models:read"),
    # One call, and the next in a hundred seconds.
    an_entry("trainer", "key-trainer", "train", requests_per_second=0.01),
    an_entry("promoter", "key-promoter", "models:write", requests_per_second=0.01),
]


def _flood(service: Service, method: str, path: str, body: Json, key: str) -> Counter[int]:
    """Ask twenty times, eight at once; return how often there was which status."""

    def ask(_: int) -> int:
        answer = service.client.request(method, path, json=body, headers={"X-API-Key": key})
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) > 0
        return answer.status_code

    with ThreadPoolExecutor(8) as callers:
        return Counter(callers.map(ask, range(20)))


def test_api6_who_trains_or_promotes_does_so_with_measure(tmp_path: Path) -> None:
    # What costs here is training, which takes the processor, and promoting, which changes every verdict.
    with running(tmp_path, api_keys=json.dumps(API6_KEYS), environment="production") as service:
        scorer = {"X-API-Key": "key-scorer"}
        before = service.files()
        latest, wanted = "/models/default/latest", {"model_version": "v1"}
        for key, status in (("key-scorer", 403), ("", 401)):
            assert _flood(service, "POST", "/ingest", BATCH, key) == {status: 20}
            assert _flood(service, "PUT", latest, wanted, key) == {status: 20}
        assert service.files() == before

        assert _flood(service, "POST", "/ingest", BATCH, "key-trainer") == {201: 1, 429: 19}
        known = service.client.get("/models/default", headers=scorer).json()
        assert len(known["versions"]) == 2
        assert _flood(service, "PUT", latest, wanted, "key-promoter") == {200: 1, 429: 19}
        told = service.client.get("/models/default/promotions", headers=scorer).json()["promotions"]
        assert [one["by"].partition("@")[0] for one in told[:1]] == ["promoter"]
        assert len(told) == 3
        # And a flood of one key's leaves the others what they may.
        assert service.client.post("/score", json=READING, headers=scorer).status_code == 200


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
