"""The trace of a request, from its producer to its result."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id

from tests.adapters.inbound.sqs.conftest import INGEST, SCORE, Assemble
from tests.otlp_receiver import receiving
from tests.queues import COMMAND, Queues, working
from vehicle_anomaly.adapters.inbound.sqs.tracing import QueueTracing
from vehicle_anomaly.adapters.inbound.sqs.worker import Worker
from vehicle_anomaly.container import Container, describe_worker, drive_queue

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
CONTEXT = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01", "tracestate": "vendor=value"}


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def _traced_worker(container: Container, spans: InMemorySpanExporter) -> Worker:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    settings = container.settings()
    parts = drive_queue(
        container.train_model(),
        container.score_telemetry(),
        container.models(),
        settings,
        container.registry(),
    )
    traced = replace(parts, tracing=QueueTracing("requests", provider))
    return Worker(traced, describe_worker(settings))


def test_the_worker_continues_the_producers_trace_and_the_result_carries_it_on(
    queues: Queues, assemble: Assemble, spans: InMemorySpanExporter
) -> None:
    with working(_traced_worker(assemble(queues), spans)):
        queues.send(INGEST)
        queues.take_results(1)
        spans.clear()
        sent = queues.send(SCORE, {**CONTEXT, "correlation_id": "c"})
        [answer] = queues.take_results(1)

    found = {span.name: span for span in spans.get_finished_spans()}
    process, receive = found["process requests"], found["receive requests"]
    assert format_trace_id(process.context.trace_id) == TRACE_ID
    assert process.parent is not None
    assert format_span_id(process.parent.span_id) == PARENT_ID
    assert process.kind is SpanKind.CONSUMER
    assert process.attributes is not None
    assert process.attributes["messaging.message.id"] == sent
    assert process.attributes["messaging.message.conversation_id"] == "c"
    assert [format_span_id(link.context.span_id) for link in receive.links] == [PARENT_ID]
    span_id = format_span_id(process.context.span_id)
    assert answer.attributes == {
        "correlation_id": "c",
        "traceparent": f"00-{TRACE_ID}-{span_id}-01",
        "tracestate": "vendor=value",
    }


def test_without_an_exporter_the_result_carries_the_producers_context(
    queues: Queues, assemble: Assemble
) -> None:
    with working(assemble(queues).worker()):
        queues.send(SCORE, CONTEXT)
        [answer] = queues.take_results(1)

    assert answer.attributes == CONTEXT


def test_a_context_that_is_none_is_left_alone(
    queues: Queues, assemble: Assemble, spans: InMemorySpanExporter
) -> None:
    with working(_traced_worker(assemble(queues), spans)):
        queues.send(SCORE, {"traceparent": "nonsense"})
        [answer] = queues.take_results(1)

    assert answer.told["type"] == "refused"
    assert answer.attributes["traceparent"].startswith("00-")


def test_spans_say_nothing_of_the_telemetry(
    queues: Queues, assemble: Assemble, spans: InMemorySpanExporter
) -> None:
    with working(_traced_worker(assemble(queues), spans)):
        queues.send({**INGEST, "records": [{**SCORE, "timestamp": "123456.75"}]})
        queues.send({**SCORE, "timestamp": "123456.75"})
        queues.take_dead_letters(2)

    failed = [span for span in spans.get_finished_spans() if span.name == "process requests"]
    assert {span.status.description for span in failed} == {"MalformedMessage"}
    assert all("123456.75" not in span.to_json() for span in failed)


def test_a_worker_tells_a_collector_and_its_log_of_the_producers_trace(
    queues: Queues, tmp_path: Path, aws_environment: dict[str, str]
) -> None:
    with receiving() as receiver:
        own = queues.environment(
            MODEL_ARTIFACT_DIR=str(tmp_path),
            N_ESTIMATORS="10",
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
            OTEL_BSP_SCHEDULE_DELAY="50",
            **aws_environment,
        )
        with subprocess.Popen([str(COMMAND), "work"], env=own, stderr=subprocess.PIPE, text=True) as started:
            try:
                queues.send(INGEST)
                queues.take_results(1)
                queues.send({**SCORE, "feature_vector": [123.4567, 1.0, 90.0]}, CONTEXT)
                process = receiver.wait_for(
                    lambda span: span["trace_id"] == TRACE_ID and span["name"].startswith("process ")
                )
                scoring = receiver.wait_for(
                    lambda span: span["trace_id"] == TRACE_ID and span["name"] == "score telemetry"
                )
                assert started.stderr is not None
                lines = (json.loads(line) for line in started.stderr)
                line = next(each for each in lines if each.get("trace_id") == TRACE_ID)
            finally:
                started.kill()
    assert process["parent"] == PARENT_ID
    assert scoring["parent"] == process["span_id"]
    assert (line["event"], line["span_id"]) == ("answered", process["span_id"])
    assert (line["request"], line["model_name"], line["model_version"]) == ("score", "default", "v1")
    assert line["seconds"] > 0
    assert "123.4567" not in json.dumps([receiver.spans, line])
