"""Traces of a service, as a collector gets them over the wire."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapters.inbound.http.processes import Process, serving
from tests.adapters.inbound.http.service import BATCH, READING
from tests.otlp_receiver import Receiver, Span, receiving

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
_CANARY = 123.4567
_SERVER, _CLIENT = 2, 3  # SpanKind in OTLP


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture(scope="module")
def told(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The lines of requests that were traced: a training, a verdict, a stream, a refusal and a wrong path."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with serving(tmp_path_factory.mktemp("store"), **variables) as process:
        url = process.wait_for("listening")["url"]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            client.post("/ingest", json={**BATCH, "model_version": "v1"})
            reading = {**READING, "feature_vector": [_CANARY, 0, 0]}
            client.post("/score", json=reading, headers={"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"})
            lines = {"content-type": "application/x-ndjson"}
            client.post("/score/batch", content=json.dumps(reading).encode(), headers=lines)
            client.post("/score", json={**READING, "feature_vector": [_CANARY]})
            client.get(f"/nowhere?key={_CANARY}")
        found = [process.wait_for("request") for _ in range(5)]
        for line in found:
            receiver.wait_for(lambda span, line=line: bool(span["span_id"] == line["span_id"]))  # type: ignore[misc]
    return found


def _of(line: dict[str, Any]) -> Callable[[Span], bool]:
    return lambda span: bool(span["span_id"] == line["span_id"])


def test_spans_are_named_by_method_and_template(receiver: Receiver, told: list[dict[str, Any]]) -> None:
    spans = [receiver.wait_for(_of(line)) for line in told]
    assert [span["name"] for span in spans] == [
        "POST /ingest",
        "POST /score",
        "POST /score/batch",
        "POST /score",
        "GET",
    ]
    assert {span["kind"] for span in spans} == {_SERVER}
    assert [span["attributes"]["http.response.status_code"] for span in spans] == [201, 200, 200, 400, 404]
    assert spans[1]["attributes"]["http.route"] == "/score"
    assert spans[1]["attributes"]["http.request.method"] == "POST"
    assert "http.route" not in spans[4]["attributes"]


def test_the_callers_trace_is_continued_down_to_the_store(
    receiver: Receiver, told: list[dict[str, Any]]
) -> None:
    request = receiver.wait_for(_of(told[1]))
    assert (request["trace_id"], request["parent"]) == (TRACE_ID, PARENT_ID)
    scoring = receiver.wait_for(lambda span: span["name"] == "score telemetry")
    assert (scoring["trace_id"], scoring["parent"]) == (TRACE_ID, request["span_id"])
    store = receiver.wait_for(
        lambda span: span["trace_id"] == TRACE_ID and span["name"] == "model store latest"
    )
    assert store["parent"] == scoring["span_id"]
    assert store["kind"] == _CLIENT


def test_a_training_is_in_the_trace_of_its_request(receiver: Receiver, told: list[dict[str, Any]]) -> None:
    request = receiver.wait_for(_of(told[0]))
    training = receiver.wait_for(lambda span: span["name"] == "train model")
    assert training["parent"] == request["span_id"]
    published = receiver.wait_for(lambda span: span["name"] == "model store publish")
    assert published["parent"] == training["span_id"]


def test_lines_name_trace_and_model_also_of_streams(told: list[dict[str, Any]]) -> None:
    assert told[1]["trace_id"] == TRACE_ID
    assert all(len(line["trace_id"]) == 32 and len(line["span_id"]) == 16 for line in told)
    assert (told[2]["model_name"], told[2]["model_version"]) == ("default", "v1")


def test_nothing_that_was_measured_or_asked_for_is_in_spans_or_lines(
    receiver: Receiver, told: list[dict[str, Any]]
) -> None:
    assert receiver.spans
    assert str(_CANARY) not in json.dumps([receiver.spans, told])


def test_a_key_in_the_place_of_a_model_is_not_in_spans(tmp_path: Path) -> None:
    key = f"va_{'k' * 43}"
    with receiving() as receiver:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}
        with serving(tmp_path, **variables) as process:
            url = process.wait_for("listening")["url"]
            with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
                for path in (f"/models/{key}", f"/models/{key}/versions/v1", f"/nowhere/{key}"):
                    assert client.get(path).status_code == 404
                assert client.post("/score", json={**READING, "model_name": key}).status_code == 404
            # The last of them, behind whatever it is made of.
            receiver.wait_for(lambda span: bool(span["attributes"].get("url.path") == "/score"))
        spans = receiver.spans
    paths = {span["attributes"].get("url.path") for span in spans}
    redacted = {"/models/REDACTED", "/models/REDACTED/versions/v1", "/nowhere/REDACTED"}
    assert redacted | {"/score"} <= paths
    assert "score telemetry" in {span["name"] for span in spans}
    assert key not in json.dumps(spans)


def _serve_and_stop(process: Process) -> int:
    url = process.wait_for("listening")["url"]
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        assert client.post("/ingest", json=BATCH).status_code == 201
        assert {client.post("/score", json=READING).status_code for _ in range(50)} == {200}
    process.started.send_signal(signal.SIGTERM)
    return process.status()


def test_a_dead_collector_harms_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # Takes connections, and never answers.
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}
        with serving(tmp_path, **variables) as process:
            assert _serve_and_stop(process) == 0


def test_nobody_listening_harms_nothing_either(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with serving(tmp_path, **variables) as process:
        assert _serve_and_stop(process) == 0


def test_without_an_endpoint_nothing_is_imported_for_it(tmp_path: Path) -> None:
    program = (
        "import sys; from vehicle_anomaly.container import Container; "
        "from vehicle_anomaly.settings import load_settings; "
        "app = Container(settings=load_settings({})).http_app(); "
        "print([name for name in sys.modules "
        "if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter')) "
        "or name.endswith(('http.tracing', 'outbound.tracing'))])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path, env={}
    )
    assert ran.stdout == "[]\n"
