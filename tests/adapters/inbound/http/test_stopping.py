"""SIGTERM: what was begun is finished, or refused with nothing half published; readiness tells."""

import json
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.adapters.inbound.http.processes import Process, serving
from tests.adapters.inbound.http.service import READING, problem_in
from tests.http_service import host_and_port
from tests.line_streams import streaming
from tests.queues import wait_until
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.core.model import ModelName

DEFAULT = ModelName("default")
# What some ten thousand trees learn from takes half a minute or more; five hundred, a second.
LONG, SHORT = "10000", "500"
RECORDS = [{**READING, "feature_vector": [i / 7, i % 3, -i]} for i in range(2000)]
# What ending takes beside the drain, on a machine that does other things too.
_LEAVING_SECONDS = 5


def _train(url: str, version: str) -> httpx.Response:
    with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
        return client.post("/ingest", json={"records": RECORDS, "model_version": version})


def _wait_until_asked(url: str, requests: int) -> None:
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        # Itself included.
        wait_until(lambda: f"http_server_active_requests {requests + 1}.0" in client.get("/metrics").text)


def _stopped(process: Process) -> float:
    """Tell a service to stop; return how long it takes to end, in seconds."""
    began = monotonic()
    process.started.send_signal(signal.SIGTERM)
    assert process.status() == 0
    return monotonic() - began


def test_a_training_that_can_be_finished_is(tmp_path: Path) -> None:
    with serving(tmp_path, N_ESTIMATORS=SHORT) as process, ThreadPoolExecutor() as callers:
        url = process.wait_for("listening")["url"]
        asked = callers.submit(_train, url, "v1")
        _wait_until_asked(url, 1)
        assert _stopped(process) < 30 + _LEAVING_SECONDS
        assert asked.result().status_code == 201
    models = FilesystemModels(tmp_path)
    assert models.load(DEFAULT, models.latest(DEFAULT)).metadata.n_estimators == int(SHORT)


def test_trainings_that_cannot_are_refused_and_nothing_is_half_published(tmp_path: Path) -> None:
    with serving(tmp_path, N_ESTIMATORS="10") as process, ThreadPoolExecutor() as callers:
        url = process.wait_for("listening")["url"]
        assert _train(url, "v1").status_code == 201
        assert _stopped(process) < 30
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))

    with (
        serving(tmp_path, N_ESTIMATORS=LONG, DRAIN_SECONDS="1", LOG_LEVEL="INFO") as process,
        ThreadPoolExecutor() as callers,
    ):
        url = process.wait_for("listening")["url"]
        # One runs, the other waits for its slot.
        asked = [callers.submit(_train, url, version) for version in ("v2", "v3")]
        _wait_until_asked(url, 2)
        assert _stopped(process) < 1 + _LEAVING_SECONDS
        for each in asked:
            refused = each.result()
            told = problem_in(refused)
            assert (told.status, told.type.rpartition(":")[2]) == (503, "stopping")
            assert int(refused.headers["retry-after"]) > 0
        assert [line["status"] for line in process.log if line.get("route") == "/ingest"] == [503, 503]
        assert not any("exception" in line for line in process.log)

    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
    models = FilesystemModels(tmp_path)
    assert models.latest(DEFAULT).value == "v1"
    assert models.versions(DEFAULT).damaged == ()


def _readiness(url: str) -> tuple[int, str] | None:
    """Ask on a connection of its own; None where it was closed before there was an answer."""
    try:
        told = httpx.get(f"{url}/health/ready", timeout=60, trust_env=False)
    except httpx.TransportError:
        # Of several processes, one that had nothing to finish goes at once.
        return None
    return told.status_code, told.json()["status"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_begun_is_finished_and_the_rest_is_told_to_go_elsewhere(
    tmp_path: Path, workers: str
) -> None:
    line = json.dumps(READING).encode() + b"\n"
    with serving(tmp_path, WORKERS=workers, DRAIN_SECONDS="50") as process:
        url = process.wait_for("listening")["url"]
        assert _train(url, "v1").status_code == 201
        with streaming(url) as stream:
            stream.send(line)
            answers = stream.lines()
            assert next(answers)["model_version"] == "v1"
            process.started.send_signal(signal.SIGTERM)
            wait_until(lambda: _readiness(url) == (503, "stopping"))
            assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
            refused = httpx.post(f"{url}/score", json=READING, trust_env=False)
            told = problem_in(refused)
            assert (told.status, told.type.rpartition(":")[2]) == (503, "stopping")
            assert (refused.headers["retry-after"], refused.headers["connection"]) == ("1", "close")
            assert process.started.poll() is None
            stream.send(line)
            assert next(answers)["model_version"] == "v1"
            stream.end()
            assert list(answers) == []
        assert process.status() == 0


def test_for_a_while_only_readiness_says_that_it_stops(tmp_path: Path) -> None:
    with serving(tmp_path, SHUTDOWN_DELAY_SECONDS="3590", DRAIN_SECONDS="3600") as process:
        url = process.wait_for("listening")["url"]
        assert _train(url, "v1").status_code == 201
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            process.started.send_signal(signal.SIGTERM)
            wait_until(lambda: _readiness(url) == (503, "stopping"))
            assert client.post("/score", json=READING).status_code == 200
        # Who does not want to wait says so once more.
        process.started.send_signal(signal.SIGINT)
        assert process.status() == 0


def _sent(url: str, *headers: str, body: bytes = b"{") -> socket.socket:
    """Announce a body of which only a part comes."""
    caller = socket.create_connection(host_and_port(url), 60)
    lines = ["POST /ingest HTTP/1.1", "Host: x", "Content-Type: application/json", *headers, "", ""]
    caller.sendall("\r\n".join(lines).encode() + body)
    return caller


def _status_told(caller: socket.socket) -> int:
    return int(caller.recv(1000).split(b" ")[1])


def test_who_comes_late_and_drips_does_not_keep_it(tmp_path: Path) -> None:
    with serving(tmp_path, DRAIN_SECONDS="600") as process:
        url = process.wait_for("listening")["url"]
        with _sent(url, "Content-Length: 2") as begun:
            _wait_until_asked(url, 1)
            process.started.send_signal(signal.SIGTERM)
            wait_until(lambda: _readiness(url) == (503, "stopping"))
            with _sent(url, "Content-Length: 1000000", "Connection: close") as late:
                assert _status_told(late) == 503
                begun.sendall(b"}")
                assert _status_told(begun) == 400
                # Long before the end of the drain, and of the body.
                assert process.status() == 0
    assert not [line for line in process.log if line["level"] == "error"]


def test_the_whole_of_a_large_body_may_be_sent_before_it_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as process:
        url = process.wait_for("listening")["url"]
        with _sent(url, "Content-Length: 2") as begun:
            _wait_until_asked(url, 1)
            process.started.send_signal(signal.SIGTERM)
            wait_until(lambda: _readiness(url) == (503, "stopping"))
            for _ in range(5):
                # It reads no answer before it has sent all.
                caller = HTTPConnection(*host_and_port(url), timeout=60)
                caller.request("POST", "/ingest", bytes(10_000_000), {"content-type": "application/json"})
                assert caller.getresponse().status == 503
                caller.close()
            begun.sendall(b"}")
            assert process.status() == 0


def test_who_takes_too_long_is_told_while_it_stops(tmp_path: Path) -> None:
    with serving(tmp_path, DRAIN_SECONDS="600", BODY_SECONDS="3") as process:
        url = process.wait_for("listening")["url"]
        with _sent(url, "Content-Length: 1000") as slow:
            _wait_until_asked(url, 1)
            process.started.send_signal(signal.SIGTERM)
            assert _status_told(slow) == 408
            assert process.status() == 0


def test_told_while_workers_start_is_no_failure(tmp_path: Path) -> None:
    with serving(tmp_path, WORKERS="2") as process:
        process.wait_for("listening")
        first = next(line["worker"] for line in process.log if line["event"] == "worker ready")
        os.kill(first, signal.SIGKILL)
        process.wait_for("worker ended")
        # The other serves, and the one in its place does not yet.
        process.started.send_signal(signal.SIGTERM)
        assert process.status() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_told_before_it_serves_it_ends_at_once(tmp_path: Path, workers: str) -> None:
    # The program waits for nothing but this: it is told as soon as there is a process that knows of it.
    with serving(tmp_path, WORKERS=workers) as process:
        catches = Path(f"/proc/{process.started.pid}/status")
        wait_until(lambda: _catches(catches.read_text(), signal.SIGTERM))
        process.started.send_signal(signal.SIGTERM)
        assert process.status() == 0


def _catches(status: str, number: int) -> bool:
    """Tell from proc(5) whether a process has a handler for a signal."""
    (mask,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask, 16) >> (number - 1) & 1)
