"""MessagePack in place of JSON, in and out."""

from typing import Any

import httpx
import msgspec
import pytest

from tests.adapters.inbound.http.service import BATCH, READING, Json, Service, problem_in

MSGPACK = "application/msgpack"


def _post(service: Service, path: str, body: bytes) -> httpx.Response:
    return service.post(path, body, content_type=MSGPACK, accept=MSGPACK)


def _told(response: httpx.Response) -> Json:
    assert response.headers["content-type"] == MSGPACK
    told: Json = msgspec.msgpack.decode(response.content)
    return told


@pytest.mark.parametrize(("path", "message"), [("/score", READING), ("/score/batch", BATCH)])
def test_the_same_verdicts_as_in_json(service: Service, path: str, message: Json) -> None:
    response = _post(service, path, msgspec.msgpack.encode(message))
    assert response.status_code == 200
    assert _told(response) == service.client.post(path, json=message).json()


def test_train(scratch: Service) -> None:
    response = _post(scratch, "/ingest", msgspec.msgpack.encode({**BATCH, "model_version": "packed"}))
    assert response.status_code == 201
    assert _told(response)["metadata"]["record_count"] == len(BATCH["records"])
    unpacked = {**BATCH, "model_version": "packed"}
    assert scratch.client.post("/ingest", json=unpacked).json() == _told(response)


def test_promote(scratch: Service) -> None:
    body = msgspec.msgpack.encode({"model_version": "v1"})
    headers = {"content-type": MSGPACK, "accept": MSGPACK}
    response = scratch.client.put("/models/default/latest", content=body, headers=headers)
    assert _told(response) == {"model_name": "default", "model_version": "v1"}


@pytest.mark.parametrize(
    "path", ["/", "/models", "/models/default", "/models/default/versions/v1", "/health"]
)
def test_whatever_is_asked_for(service: Service, path: str) -> None:
    packed = service.client.get(path, headers={"accept": MSGPACK})
    assert _told(packed) == service.client.get(path).json()


def test_the_answer_is_json_unless_it_is_asked_for_otherwise(service: Service) -> None:
    response = service.post("/score", msgspec.msgpack.encode(READING), content_type=MSGPACK)
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), float("-inf"), 3.5e38, -3.5e38, "1", True, b"1", [1.0], {"a": 1}],
    ids=repr,
)
@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/score", "feature_vector[1]"),
        ("/score/batch", "records[1].feature_vector[1]"),
        ("/ingest", "records[1].feature_vector[1]"),
    ],
)
def test_what_is_no_number(service: Service, path: str, place: str, value: Any) -> None:
    record = {**READING, "feature_vector": [1.0, value, 2.0]}
    message = record if path == "/score" else {"records": [READING, record]}
    told = problem_in(service.post(path, msgspec.msgpack.encode(message), content_type=MSGPACK))
    assert told.status == 400
    assert told.detail.startswith(f"{place}: expected a")


@pytest.mark.parametrize(
    "value", [float("nan"), "1", True, msgspec.msgpack.Ext(5, b"x")], ids=["nan", "'1'", "True", "Ext"]
)
def test_what_is_no_number_by_name(service: Service, value: Any) -> None:
    record = {"vehicle_id": "v", "timestamp": READING["timestamp"], "features": {"vehicle_speed_kmh": value}}
    told = problem_in(service.post("/score", msgspec.msgpack.encode(record), content_type=MSGPACK))
    assert told.status == 400
    assert told.detail.startswith("features.vehicle_speed_kmh: expected a")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode(READING)[:-1],
        msgspec.msgpack.encode(READING) + b"\0",
        msgspec.json.encode(READING),
        b"\x91" * 100_000,
        b"\x81\xa1x" * 100_000,
        # Announces four billion items, and holds none.
        b"\xdd\xff\xff\xff\xff",
        b"\x81\xa7records\xdd\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\x81\xaavehicle_id\xa1\xff",
    ],
)
@pytest.mark.parametrize("path", ["/ingest", "/score", "/score/batch"])
def test_what_is_no_message(service: Service, path: str, body: bytes) -> None:
    assert problem_in(_post(service, path, body)).status == 400
