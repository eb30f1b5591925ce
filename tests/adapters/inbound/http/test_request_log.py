"""What the log tells of requests."""

import json
from typing import Any

import httpx
import pytest

from tests.adapters.inbound.http.processes import Process, serving
from tests.adapters.inbound.http.service import BATCH, READING

_VALUE = 123.4567


def _request(process: Process) -> dict[str, Any]:
    return process.wait_for("request")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The lines of a trained model, a verdict, a refusal and a path that nobody serves."""
    with serving(tmp_path_factory.mktemp("store")) as process:
        url = process.wait_for("listening")["url"]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            client.post("/ingest", json={**BATCH, "model_version": "v1"})
            client.post("/score", json={**READING, "feature_vector": [_VALUE, 0, 0]})
            client.post("/score", json={**READING, "feature_vector": [_VALUE]})
            client.get(f"/made-up/{_VALUE}?key=secret")
        return [_request(process) for _ in range(4)]


def test_each_request_has_a_line_with_route_status_and_duration(told: list[dict[str, Any]]) -> None:
    assert [(line["method"], line["route"], line["status"]) for line in told] == [
        ("POST", "/ingest", 201),
        ("POST", "/score", 200),
        ("POST", "/score", 400),
        ("GET", "", 404),
    ]
    assert all(0 < line["duration_ms"] < 60_000 for line in told)


def test_the_version_that_answered_is_told(told: list[dict[str, Any]]) -> None:
    versions = [(line.get("model_name"), line.get("model_version")) for line in told]
    assert versions == [("default", "v1"), ("default", "v1"), (None, None), (None, None)]


def test_nothing_that_was_measured_or_asked_for_is_told(told: list[dict[str, Any]]) -> None:
    assert str(_VALUE) not in json.dumps(told)
    assert "secret" not in json.dumps(told)
    assert "veh-017" not in json.dumps(told)
