"""A span for each request, as OpenTelemetry's HTTP conventions want it.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/; the context is taken from the headers of
W3C Trace Context. Imported only where traces are on: a request pays nothing otherwise.
"""

from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, format_span_id, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from vehicle_anomaly.adapters.inbound.http.watching import METHODS, note_trace
from vehicle_anomaly.adapters.inbound.keys.entries import KEY_PREFIX, looks_like_key

_propagator: Final = TraceContextTextMapPropagator()


def traced(app: ASGIApp, provider: trace.TracerProvider | None = None) -> ASGIApp:
    """Return an application that does what another does, in a span a request.

    Spans are named by method and route template. Nothing of headers, query and body is in them: there may be
    keys, and telemetry.

    Args:
        app: The other.
        provider: Of tracers; None for the process's own.
    """
    tracer = trace.get_tracer("vehicle_anomaly.http", tracer_provider=provider)

    async def trace_request(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        with tracer.start_as_current_span(
            _shown(method),
            context=_sent(scope),
            kind=SpanKind.SERVER,
            attributes=_attributes(scope, method),
            # What an error says may repeat a value of the request.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        span.set_attribute("error.type", str(status))
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            known = span.get_span_context()
            note_trace(scope, format_trace_id(known.trace_id), format_span_id(known.span_id))
            try:
                await app(scope, receive, watched)
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise
            finally:
                route = scope.get("path_template", "")
                if route:
                    span.set_attribute("http.route", route)
                    span.update_name(f"{_shown(method)} {route}")

    return trace_request


def _shown(method: str) -> str:
    return "HTTP" if method == "_OTHER" else method


def _sent(scope: HTTPScope) -> Context:
    carrier = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in (b"traceparent", b"tracestate")
    }
    return _propagator.extract(carrier, context=Context())


def _scrubbed(path: str) -> str:
    """Return a path without keys, which somebody may put in the place of a model's name."""
    if KEY_PREFIX not in path:
        return path
    return "/".join("REDACTED" if looks_like_key(part) else part for part in path.split("/"))


def _attributes(scope: HTTPScope, method: str) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "url.scheme": scope["scheme"],
        "url.path": _scrubbed(scope["path"]),
        "network.protocol.version": scope["http_version"],
    }
    if scope["client"] is not None:
        attributes["client.address"], attributes["client.port"] = scope["client"]
    if scope["server"] is not None:
        attributes["server.address"] = scope["server"][0]
        if scope["server"][1] is not None:
            attributes["server.port"] = scope["server"][1]
    return attributes
