"""`vehicle-anomaly serve`, the process: how it starts, says where it listens, and ends."""

import json
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.adapters.inbound.http.processes import SECONDS, SERVE, environment, serving
from tests.adapters.inbound.http.service import BATCH, NAMES, READING
from tests.fakes import a_batch
from tests.http_service import host_and_port
from vehicle_anomaly.container import Container
from vehicle_anomaly.core.train_model import TrainModelCommand
from vehicle_anomaly.settings import FilesystemStore, Settings


def test_a_training_that_has_begun_is_finished_after_sigterm(tmp_path: Path) -> None:
    body = json.dumps({**BATCH, "model_version": "v1"}).encode()
    with serving(tmp_path) as process:
        url = process.wait_for("listening")["url"]
        with socket.create_connection(host_and_port(url), SECONDS) as caller:
            head = f"POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            caller.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
            # It is asked for the body only once the request is being handled.
            assert caller.recv(1000).startswith(b"HTTP/1.1 100 ")
            process.started.send_signal(signal.SIGTERM)
            process.wait_for("stopping")
            caller.sendall(body)
            answer = b"".join(iter(lambda: caller.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 201 ")
        assert process.status() == 0
        assert (tmp_path / "default" / "LATEST").read_text().strip() == "v1"
        assert process.started.stdout is not None
        assert process.started.stdout.read() == ""


def test_sigint_ends_it_without_a_traceback(tmp_path: Path) -> None:
    with serving(tmp_path) as process:
        url = process.wait_for("listening")["url"]
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.get("/healthz").status_code == 200
            process.started.send_signal(signal.SIGINT)
            assert process.status() == 0
    assert not [entry for entry in process.log if entry["level"] == "error" or "exception" in entry]


def _fails(store: Path, **variables: str) -> str:
    ended = subprocess.run(
        SERVE,
        env=environment(store, **variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    return line


def test_a_wrong_variable_is_named_in_one_line(tmp_path: Path) -> None:
    assert _fails(tmp_path, PORT="x") == "vehicle-anomaly: error: PORT: expected an integer, got 'x'"


def test_a_port_that_is_taken_is_named_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = _fails(tmp_path, PORT=str(port))
    assert told == f"vehicle-anomaly: error: HOST 127.0.0.1, PORT {port}: Address already in use"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
def test_a_host_that_is_none_is_named_in_one_line(tmp_path: Path, host: str) -> None:
    assert _fails(tmp_path, HOST=host).startswith(f"vehicle-anomaly: error: HOST {host}, PORT 0: ")


def test_it_scores_by_a_stored_model_without_loading_scikit_learn(tmp_path: Path) -> None:
    container = Container(settings=Settings(model_store=FilesystemStore(tmp_path), n_estimators=10))
    container.train_model()(TrainModelCommand(a_batch(feature_names=NAMES)))
    with serving(tmp_path) as process:
        url = process.wait_for("listening")["url"]
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.get("/healthz").status_code == 200
            assert client.post("/score", json=READING).status_code == 200
            mapped = Path(f"/proc/{process.started.pid}/maps").read_text()
            assert "numba" in mapped
            assert "sklearn" not in mapped
            process.started.send_signal(signal.SIGTERM)
            assert process.status() == 0
