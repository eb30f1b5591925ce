"""A receiver of OTLP over HTTP, in a process of its own: what comes over the wire, decoded by its schema.

`python -m tests.otlp_receiver` prints its port, and then a JSON line a span.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.receivers import Handler, Received, receive, received

Span = dict[str, Any]


class _Spans(Handler):
    answer = (ExportTraceServiceResponse().SerializeToString(), "application/x-protobuf")

    def told(self, body: bytes) -> Iterator[Span]:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    attributes = {
                        each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value")
                        for each in span.attributes
                    }
                    yield {
                        "name": span.name,
                        "kind": span.kind,
                        "trace_id": span.trace_id.hex(),
                        "span_id": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "status": span.status.code,
                        "attributes": attributes,
                    }


class Receiver:
    """A receiver that runs."""

    def __init__(self, spans: Received) -> None:
        self.endpoint = f"http://127.0.0.1:{spans.port}"
        self.spans: list[Span] = []
        self._further: Iterator[Span] = iter(spans)

    def wait_for(self, wanted: Callable[[Span], bool]) -> Span:
        """Read on until a span is what is wanted."""
        for span in self.spans:
            if wanted(span):
                return span
        for span in self._further:
            self.spans.append(span)
            if wanted(span):
                return span
        raise AssertionError(f"not among {self.spans}")


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver while the block runs."""
    with received("tests.otlp_receiver") as spans:
        yield Receiver(spans)


if __name__ == "__main__":
    receive(_Spans)
