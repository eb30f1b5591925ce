"""Traces across the queues: the context travels in message attributes, by hand.

botocore's instrumentation does not carry it over SQS. The attributes are those of W3C Trace Context
(https://www.w3.org/TR/trace-context/), the spans as OpenTelemetry's messaging conventions want them
(https://opentelemetry.io/docs/specs/semconv/messaging/sqs/).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, format_span_id, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from vehicle_anomaly.adapters.inbound.sqs.deliveries import Delivery

_propagator = TraceContextTextMapPropagator()


class QueueTracing:
    """Spans of one queue."""

    def __init__(self, queue_name: str, provider: trace.TracerProvider | None = None) -> None:
        """Trace what is received from a queue.

        Args:
            queue_name: Of the request queue.
            provider: Of tracers; None for the process's own.
        """
        self._queue_name = queue_name
        self._tracer = trace.get_tracer("vehicle_anomaly.sqs", tracer_provider=provider)

    def received(self, deliveries: Sequence[Delivery]) -> None:
        """Record a poll that brought something, linked to the producer of each message."""
        contexts = (trace.get_current_span(_context(one)).get_span_context() for one in deliveries)
        attributes = {
            **self._attributes("receive"),
            "messaging.batch.message_count": len(deliveries),
        }
        links = [Link(context) for context in contexts if context.is_valid]
        self._tracer.start_span(
            f"receive {self._queue_name}", kind=SpanKind.CLIENT, links=links, attributes=attributes
        ).end()

    @contextmanager
    def processing(self, delivery: Delivery, operation: str) -> Iterator[Span]:
        """Continue the producer's trace while a request is worked on.

        Args:
            delivery: The request.
            operation: The tag of its type.
        """
        attributes: dict[str, str | int] = {
            **self._attributes("process"),
            "messaging.message.id": delivery.request_id,
            "messaging.message.delivery_count": delivery.receive_count,
            "vehicle_anomaly.request_type": operation,
        }
        if delivery.correlation_id is not None:
            attributes["messaging.message.conversation_id"] = delivery.correlation_id
        with self._tracer.start_as_current_span(
            f"process {self._queue_name}",
            context=_context(delivery),
            kind=SpanKind.CONSUMER,
            attributes=attributes,
            # What an error says may repeat a value of the request.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def _attributes(self, operation: str) -> dict[str, str | int]:
        return {
            "messaging.system": "aws_sqs",
            "messaging.destination.name": self._queue_name,
            "messaging.operation.name": operation,
            "messaging.operation.type": operation,
        }


def carried_on() -> dict[str, str]:
    """Return the attributes that carry the current trace on; none outside any trace."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier


def sent_in(delivery: Delivery) -> Span:
    """Return the producer's span, as far as it is told; outside any trace, none that is valid."""
    return trace.get_current_span(_context(delivery))


def told_ids(span: Span) -> dict[str, str]:
    """Return what a line of the log says of its trace; nothing outside any."""
    known = span.get_span_context()
    if not known.is_valid:
        return {}
    return {"trace_id": format_trace_id(known.trace_id), "span_id": format_span_id(known.span_id)}


def _context(delivery: Delivery) -> Context:
    return _propagator.extract(delivery.attributes, context=Context())
