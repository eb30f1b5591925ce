"""What Prometheus reads of a worker."""

import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from tests.adapters.inbound.sqs.conftest import INGEST, SCORE, Assemble
from tests.queues import COMMAND, Queues, working
from vehicle_anomaly.container import Container, tell_worker_metrics
from vehicle_anomaly.settings import Settings, SettingsError


def _value(container: Container, name: str, **labels: str) -> float:
    return container.registry().get_sample_value(f"vehicle_anomaly_queue_{name}", labels) or 0.0


def test_deliveries_results_refusals_and_time_in_queue_are_counted(
    queues: Queues, assemble: Assemble
) -> None:
    container = assemble(queues)
    queues.send(INGEST)
    with working(container.worker()):
        queues.take_results(1)
        queues.send_all([SCORE, {**SCORE, "model_name": "none"}])
        queues.take_results(2)
        queues.wait_until_all_deleted()
    assert _value(container, "received_total") == 3
    assert _value(container, "time_in_queue_seconds_count") == 3
    assert _value(container, "results_sent_total") == 3
    processed = "processing_duration_seconds_count"
    assert _value(container, processed, request_type="ingest", result_type="ingested") == 1
    assert _value(container, processed, request_type="score", result_type="scored") == 1
    assert _value(container, processed, request_type="score", result_type="refused") == 1


def test_what_fails_is_counted_each_time_and_as_a_dead_letter_at_the_last(
    queues: Queues, assemble: Assemble
) -> None:
    container = assemble(queues, worker_retry_seconds=0.0)
    queues.send("no request")
    with working(container.worker()):
        queues.take_dead_letters(1)
    left = _value(container, "left_total", reason="undecodable")
    assert left == _value(container, "received_total") > 1
    assert _value(container, "dead_letters_total") == 1


def test_the_port_is_opened_when_it_is_named_and_only_then(
    assemble: Assemble, queues: Queues, capfd: pytest.CaptureFixture[str]
) -> None:
    registry = CollectorRegistry()
    tell_worker_metrics(Settings(), registry)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"METRICS_PORT: cannot listen on port {port} of 127.0.0.1"):
            tell_worker_metrics(Settings(metrics_port=port), registry)


def test_a_worker_is_scraped(queues: Queues, tmp_path: Path, aws_environment: dict[str, str]) -> None:
    own = queues.environment(METRICS_PORT="0", MODEL_ARTIFACT_DIR=str(tmp_path), **aws_environment)
    with subprocess.Popen([str(COMMAND), "work"], env=own, stderr=subprocess.PIPE, text=True) as started:
        try:
            assert started.stderr is not None
            url = next(line for line in started.stderr if '"event": "metrics"' in line).partition('"url": "')[
                2
            ]
            told = httpx.get(url.partition('"')[0], trust_env=False).text
        finally:
            started.kill()
    assert "vehicle_anomaly_queue_received_total 0.0" in told
    assert "vehicle_anomaly_queue_dead_letters_total 0.0" in told
