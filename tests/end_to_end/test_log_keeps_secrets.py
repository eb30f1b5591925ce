"""No line of any log holds what was measured, a key or a token, whatever fails: in processes of their own."""

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.api_keys import an_entry
from tests.echoing_aws import echoing_aws
from tests.otlp_receiver import receiving
from tests.queues import Queues, make_queues, wait_until
from tests.robustness.deployment import Program

KEY, SIGNING_KEY = "key-of-a-fleet", "0123456789abcdef" * 2
TOKEN, SECRET = "token-of-a-session", "secret-of-an-account"
VALUE, VEHICLE = 123.4567891, "vehicle-of-a-customer"
SECRETS: Final = (KEY, SIGNING_KEY, TOKEN, SECRET, str(VALUE), VEHICLE)

READING: Final[dict[str, Any]] = {
    "vehicle_id": VEHICLE,
    "timestamp": "2026-11-22T10:00:00Z",
    "feature_vector": [VALUE, -VALUE, 0.5],
}
BATCH: Final[dict[str, Any]] = {
    "records": [{**READING, "feature_vector": [VALUE, n, n % 3]} for n in range(20)]
}
BAD: Final[tuple[bytes, ...]] = (
    json.dumps({**READING, "feature_vector": [str(VALUE)]}).encode(),
    json.dumps({**READING, "colour": VALUE}).encode(),
    json.dumps({**READING, "model_name": f"{VEHICLE}/{VALUE}"}).encode(),
    json.dumps(READING).encode()[:-3],
    f"[{VALUE}".encode(),
)


@contextmanager
def program(folder: Path, command: str, **variables: str) -> Iterator[Program]:
    """Run a command while the block runs; its log stands in a file."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**inherited, "PORT": "0", "N_ESTIMATORS": "10", **variables}
    started = Program(
        command, (sys.executable, "-m", "vehicle_anomaly", command), folder / command, environment
    )
    try:
        yield started
    finally:
        started.kill()


def lines(folder: Path, command: str) -> list[dict[str, Any]]:
    """Return all that a command has written, every line of which must be JSON."""
    return [json.loads(line) for line in (folder / command).read_text(encoding="utf-8").splitlines()]


def nothing_is_told(folder: Path, command: str) -> None:
    written = (folder / command).read_text(encoding="utf-8")
    assert [secret for secret in SECRETS if secret in written] == []


@pytest.fixture
def aws(aws_environment: dict[str, str]) -> dict[str, str]:
    return {**aws_environment, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}


def test_of_a_service_whose_store_repeats_what_it_was_asked_with(
    tmp_path: Path, aws: dict[str, str], new_bucket: Callable[[], str]
) -> None:
    keys = json.dumps([an_entry("fleet", KEY, "score", "train", "models:read", "models:write")])
    with (
        echoing_aws(aws["AWS_ENDPOINT_URL"], ("S3",)) as url,
        program(
            tmp_path,
            "serve",
            **{**aws, "AWS_ENDPOINT_URL": url},
            MODEL_STORE="s3",
            MODEL_BUCKET=new_bucket(),
            MODEL_SIGNING_KEY=SIGNING_KEY,
            API_KEYS=keys,
        ) as service,
    ):
        address = service.wait_for("listening")["url"]
        with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
            client.headers["X-API-Key"] = KEY
            for path, body in (("/score", READING), ("/score/batch", BATCH), ("/ingest", BATCH)):
                assert client.post(path, json=body).status_code == 503
            for spoilt in BAD:
                refused = client.post("/score", content=spoilt, headers={"content-type": "application/json"})
                assert refused.status_code == 400
            stream = json.dumps(READING).encode() + b"\n" + BAD[0] + b"\n"
            client.post("/score/batch", content=stream, headers={"content-type": "application/x-ndjson"})
            assert client.get(f"/{VEHICLE}?{KEY}").status_code == 404
            assert client.get("/models", headers={"X-API-Key": KEY + TOKEN}).status_code == 401
        wait_until(lambda: len(service.events("request")) >= 11)
        assert service.stop() == 0
    assert len([line for line in lines(tmp_path, "serve") if line["event"] == "model store failed"]) >= 3
    nothing_is_told(tmp_path, "serve")


@contextmanager
def traced_to(collector: str, folder: Path) -> Iterator[None]:
    """Run a service that sends spans to an address of which path and query are secrets; it tells neither."""
    traced = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{collector}/{TOKEN}?key={SECRET}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "LOG_LEVEL": "DEBUG",
        "MODEL_ARTIFACT_DIR": str(folder / "models"),
    }
    with program(folder, "serve", **traced) as service:
        url = service.wait_for("listening")["url"]
        assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
        yield
        assert service.stop() == 0
    nothing_is_told(folder, "serve")


def test_of_a_service_whose_collector_refuses_connections(tmp_path: Path) -> None:
    # Bound and not listening: nobody else gets the port.
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        log = tmp_path / "serve"
        with traced_to(f"http://127.0.0.1:{closed.getsockname()[1]}", tmp_path):
            wait_until(lambda: "Transient error" in log.read_text(encoding="utf-8"))
    told = [line["event"] for line in lines(tmp_path, "serve") if line["event"].startswith("Transient error")]
    assert told[0].startswith("Transient error ConnectionError (ConnectionRefusedError) encountered")


def test_of_a_service_whose_collector_answers(tmp_path: Path) -> None:
    with receiving() as receiver, traced_to(receiver.endpoint, tmp_path):
        assert receiver.wait_for(lambda span: bool(span["name"] == "GET /healthz"))


@pytest.mark.parametrize("refused", ["ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch", "S3"])
def test_of_a_worker_whose_queues_repeat_what_they_were_asked_with(
    tmp_path: Path, aws: dict[str, str], refused: str, new_bucket: Callable[[], str]
) -> None:
    queues = make_queues(max_receive_count=2)
    _send(queues)
    with echoing_aws(aws["AWS_ENDPOINT_URL"], (refused, "ChangeMessageVisibilityBatch")) as url:
        variables = queues.environment(**{**aws, "AWS_ENDPOINT_URL": url}, MODEL_SIGNING_KEY=SIGNING_KEY)
        variables |= {name: queue.replace(aws["AWS_ENDPOINT_URL"], url) for name, queue in variables.items()}
        with program(
            tmp_path,
            "work",
            **variables,
            MODEL_STORE="s3",
            MODEL_BUCKET=new_bucket(),
            WORKER_RETRY_SECONDS="0",
            # What cannot be told is tried until then.
            WORKER_DRAIN_SECONDS="3",
        ) as worker:
            failed = {
                "ReceiveMessage": "poll failed",
                "DeleteMessageBatch": "requests not deleted",
            }.get(refused, "left in the queue")
            wait_until(lambda: bool(worker.events(failed)))
            assert worker.stop() == 0
    told = [line for line in lines(tmp_path, "work") if line["event"] in (failed, "answered")]
    assert all("queue" in line for line in told if line["event"] != failed)
    nothing_is_told(tmp_path, "work")


def _send(queues: Queues) -> None:
    queues.send({"type": "ingest", **BATCH, "model_version": "v1"})
    queues.send({"type": "score", **READING})
    for body in BAD:
        queues.send(body.decode())
