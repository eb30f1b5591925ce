"""A receiver of OTLP over HTTP, in a process of its own: what comes over the wire, decoded by its schema.

Run as a program it prints its port, and then a JSON line a span.
"""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

Span = dict[str, Any]


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # http.server's name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    attributes = {
                        each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value")
                        for each in span.attributes
                    }
                    told = {
                        "name": span.name,
                        "kind": span.kind,
                        "trace_id": span.trace_id.hex(),
                        "span_id": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "status": span.status.code,
                        "attributes": attributes,
                    }
                    sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Receiver:
    """A receiver that runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._lines = process.stdout
        self.endpoint = f"http://127.0.0.1:{int(self._lines.readline())}"
        self.spans: list[Span] = []

    def wait_for(self, wanted: Callable[[Span], bool]) -> Span:
        """Read on until a span is what is wanted."""
        for span in self.spans:
            if wanted(span):
                return span
        for line in self._lines:
            self.spans.append(json.loads(line))
            if wanted(self.spans[-1]):
                return self.spans[-1]
        raise AssertionError(f"not among {self.spans}")


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver while the block runs."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__))], stdout=subprocess.PIPE, text=True
    ) as started:
        try:
            yield Receiver(started)
        finally:
            started.kill()


def _main() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Receiver)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    _main()
