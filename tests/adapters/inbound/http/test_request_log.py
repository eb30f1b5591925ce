"""What the log tells of requests."""

import json
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

from tests.adapters.inbound.http.processes import Process, serving
from tests.adapters.inbound.http.service import BATCH, NAMES, READING
from tests.api_keys import an_entry

_VALUE = 123.4567


def _request(process: Process) -> dict[str, Any]:
    return process.wait_for("request")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The lines of a trained model, a verdict, a refusal, a path that nobody serves, and batches."""
    with serving(tmp_path_factory.mktemp("store")) as process:
        url = process.wait_for("listening")["url"]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            client.post("/ingest", json={**BATCH, "model_version": "v1"})
            client.post("/score", json={**READING, "feature_vector": [_VALUE, 0, 0]})
            client.post("/score", json={**READING, "feature_vector": [_VALUE]})
            client.get(f"/made-up/{_VALUE}?key=secret")
            client.post("/score/batch", json={"records": [READING]})
            arrow = {"content-type": "application/vnd.apache.arrow.stream"}
            client.post("/score/batch", content=_arrow(), headers=arrow)
        return [_request(process) for _ in range(6)]


def _arrow() -> bytes:
    moments = pa.array([0], pa.timestamp("us", "UTC"))
    table = pa.table({"vehicle_id": ["veh-017"], "timestamp": moments, **{name: [1.0] for name in NAMES}})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def test_each_request_has_a_line_with_route_status_and_duration(told: list[dict[str, Any]]) -> None:
    assert [(line["method"], line["route"], line["status"]) for line in told] == [
        ("POST", "/ingest", 201),
        ("POST", "/score", 200),
        ("POST", "/score", 400),
        ("GET", "", 404),
        ("POST", "/score/batch", 200),
        ("POST", "/score/batch", 200),
    ]
    assert all(0 < line["duration_ms"] < 60_000 for line in told)


def test_the_version_that_answered_is_told_or_the_model_that_was_asked_for(
    told: list[dict[str, Any]],
) -> None:
    versions = [(line.get("model_name"), line.get("model_version")) for line in told]
    known, refused, nowhere = ("default", "v1"), ("default", None), (None, None)
    assert versions == [known, known, refused, nowhere, known, known]


def test_nothing_that_was_measured_or_asked_for_is_told(told: list[dict[str, Any]]) -> None:
    assert str(_VALUE) not in json.dumps(told)
    assert "secret" not in json.dumps(told)
    assert "veh-017" not in json.dumps(told)


def test_whose_key_it_was_is_told_and_never_the_key(tmp_path: Path) -> None:
    past = "2020-01-01T00:00:00Z"
    entries = [
        an_entry("reader", "key-reader", "models:read"),
        an_entry("former", "key-former", "models:read", expires=past),
    ]
    with serving(tmp_path, API_KEYS=json.dumps(entries)) as process:
        url = process.wait_for("listening")["url"]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            client.get("/models", headers={"authorization": "Bearer key-reader"})
            client.post("/score", json=READING, headers={"x-api-key": "key-reader"})
            client.get("/models", headers={"x-api-key": "key-unknown"})
            client.get("/nowhere", headers={"x-api-key": "key-reader"})
            client.get("/healthz")
            for path in ("/models", "/nowhere", "/health"):
                client.get(path, headers={"x-api-key": "key-former"})
        lines = [_request(process) for _ in range(8)]
    assert [(line["status"], line.get("key_id")) for line in lines] == [
        (200, "reader"),
        (403, "reader"),
        (401, None),
        (404, "reader"),
        (200, None),
        (401, "former"),
        (401, "former"),
        (200, "former"),
    ]
    assert "key-" not in json.dumps(process.log)
    assert entries[0]["sha256"] not in json.dumps(process.log)


def test_a_key_in_the_place_of_a_model_is_not_told_nor_what_strangers_write(tmp_path: Path) -> None:
    key = f"va_{'k' * 43}"
    with serving(tmp_path, API_KEYS=json.dumps([an_entry("reader", key, "models:read")])) as process:
        url = process.wait_for("listening")["url"]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            client.get(f"/models/{key}", headers={"x-api-key": key})
            client.get(f"/models/default/versions/{key}", headers={"x-api-key": key})
            client.get("/models/from-a-stranger")
            client.get("/models/from-a-stranger", headers={"x-api-key": "unknown"})
            client.get("/models/vans", headers={"x-api-key": key})
        lines = [_request(process) for _ in range(5)]
    assert [line["status"] for line in lines] == [404, 404, 401, 401, 404]
    assert [line.get("model_name") for line in lines] == [None, None, None, None, "vans"]
    assert key not in json.dumps(process.log)


@pytest.mark.parametrize("key", [f"va_{'k' * 43}", None], ids=["with keys", "without"])
def test_the_model_that_a_refused_message_names_is_told_if_the_caller_may_name_it(
    tmp_path: Path, key: str | None
) -> None:
    secret, nothing = f"va_{'s' * 43}", {**READING, "feature_vector": [None] * len(NAMES)}
    entries = [] if key is None else [an_entry("vans", key, "score", "train", models=["vans", "va_"])]
    with serving(tmp_path, **({"API_KEYS": json.dumps(entries)} if entries else {})) as process:
        url = process.wait_for("listening")["url"]
        headers = {"x-api-key": key or ""}
        with httpx.Client(base_url=url, trust_env=False, timeout=60, headers=headers) as client:
            for name in ("vans", "trucks", secret, "not a name", 7):
                client.post("/score", json={**READING, "model_name": name})
                client.post("/score/batch", json={"records": [READING], "model_name": name})
                client.post("/ingest", json={"records": [nothing], "model_name": name})
        lines = [_request(process) for _ in range(15)]
    others = "trucks" if key is None else None
    expected = ["vans"] * 3 + [others] * 3 + [None] * 9
    assert [line.get("model_name") for line in lines] == expected
    assert all(line["status"] in {400, 403, 404, 422} for line in lines)
    assert secret not in json.dumps(process.log)


def test_the_model_that_a_path_names_is_told_and_nothing_else_that_stands_there(tmp_path: Path) -> None:
    with serving(tmp_path) as process:
        url = process.wait_for("listening")["url"]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            client.post("/ingest", json={**BATCH, "model_version": "v1"})
            client.put("/models/default/latest", json={"model_version": "v1"})
            client.put("/models/default/latest", json={"model_version": "v2"})
            client.get("/models/default")
            client.get("/models/default/versions/v1")
            client.get("/models/vans/versions/v9")
            client.get("/models/default/versions/not%20a%20version")
            client.get("/models/not%20a%20name/versions/v1")
            client.get("/models")
        lines = [_request(process) for _ in range(9)][1:]
    assert [(line["status"], line.get("model_name"), line.get("model_version")) for line in lines] == [
        (200, "default", "v1"),
        (404, "default", None),
        (200, "default", None),
        (200, "default", "v1"),
        (404, "vans", "v9"),
        (400, "default", None),
        (400, None, None),
        (200, None, None),
    ]
    assert "not a" not in json.dumps(process.log)
