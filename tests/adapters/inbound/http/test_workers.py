"""`vehicle-anomaly serve --workers`: several processes on one port."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.adapters.inbound.http.processes import SECONDS, Process, environment
from tests.adapters.inbound.http.service import BATCH, READING
from vehicle_anomaly.adapters.inbound.http.supervisor import Supervisor, WorkersFailed

SERVE = (sys.executable, "-m", "vehicle_anomaly", "serve")


@contextmanager
def serving(store: Path, *arguments: str, **variables: str) -> Iterator[Process]:
    with subprocess.Popen(
        (*SERVE, *arguments), env=environment(store, **variables), stderr=subprocess.PIPE, text=True
    ) as started:
        try:
            yield Process(started)
        finally:
            started.kill()


def ask(url: str, path: str) -> httpx.Response:
    """Ask on a connection of its own: the next one may reach another worker."""
    return httpx.get(url + path, trust_env=False, timeout=SECONDS)


def counted(url: str) -> float:
    """Read how often /healthz was answered."""
    families = text_string_to_metric_families(ask(url, "/metrics").text)
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name.endswith("_count") and sample.labels.get("http_route") == "/healthz"
    )


def test_all_serve_what_one_trained_and_any_tells_the_sum_of_requests(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "3", MODEL_REFRESH_SECONDS="0") as process:
        listening = process.wait_for("listening")
        url = listening["url"]
        assert listening["workers"] == 3
        assert len({event["worker"] for event in process.log if event["event"] == "worker ready"}) == 3
        trained = httpx.post(f"{url}/ingest", json=BATCH, trust_env=False, timeout=SECONDS).json()
        versions = {
            httpx.post(f"{url}/score", json=READING, trust_env=False).json()["model_version"]
            for _ in range(30)
        }
        assert versions == {trained["model_version"]}
        for _ in range(60):
            assert ask(url, "/healthz").status_code == 200
        assert [counted(url) for _ in range(10)] == [60.0] * 10
        process.started.send_signal(signal.SIGTERM)
        assert process.status() == 0


def test_a_worker_that_dies_is_replaced_and_what_it_counted_stays(tmp_path: Path) -> None:
    with serving(tmp_path, WORKERS="2") as process:
        url = process.wait_for("listening")["url"]
        for _ in range(20):
            ask(url, "/healthz")
        victim = next(event["worker"] for event in process.log if event["event"] == "worker ready")
        os.kill(victim, signal.SIGKILL)
        ended = process.wait_for("worker ended")
        assert (ended["worker"], ended["status"]) == (victim, -signal.SIGKILL)
        assert process.wait_for("worker ready")["worker"] != victim
        assert counted(url) == 20
        process.started.send_signal(signal.SIGINT)
        assert process.status() == 0


def test_workers_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as process:
        url = process.wait_for("listening")["url"]
        process.started.kill()
        # Their log is at its end only when none of them holds it open any more.
        process.read_on()
        with pytest.raises(httpx.ConnectError):
            ask(url, "/healthz")


def test_workers_that_cannot_start_are_given_up() -> None:
    command = (sys.executable, "-c", "raise SystemExit(3)")
    with pytest.raises(WorkersFailed, match="3 in a row ended before they served, the last with status 3"):
        Supervisor("127.0.0.1", 0, 2, command).run()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            (*SERVE, "--workers", "2"),
            env=environment(tmp_path, PORT=port),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    told = f"vehicle-anomaly: error: HOST 127.0.0.1, PORT {port}: Address already in use\n"
    assert (ended.returncode, ended.stderr) == (1, told)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_open_stream_is_broken_off_when_the_time_to_stop_is_over(tmp_path: Path, workers: str) -> None:
    with serving(tmp_path, WORKERS=workers, DRAIN_SECONDS="1") as process:
        url = process.wait_for("listening")["url"]
        httpx.post(f"{url}/ingest", json=BATCH, trust_env=False, timeout=SECONDS).raise_for_status()
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), SECONDS) as caller:
            caller.sendall(
                b"POST /score/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n1\r\n\n\r\n"
            )
            answer = caller.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")
            process.started.send_signal(signal.SIGTERM)
            answer += b"".join(iter(lambda: caller.recv(65536), b""))
        # Without the last chunk a caller knows that it is not all.
        assert not answer.endswith(b"0\r\n\r\n")
        assert process.status() == 0
