"""The service without its metrics, without its line a request, with a span a request: what each costs."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final
from unittest.mock import patch

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry.propagate import extract
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

from vehicle_anomaly.adapters.inbound.http.metrics import RequestMetrics
from vehicle_anomaly.container import Container


def _without_metrics(_: Container) -> AbstractContextManager[object]:
    return patch.object(RequestMetrics, "count", lambda *_: None)


def _without_a_line(_: Container) -> AbstractContextManager[object]:
    return patch("vehicle_anomaly.container.tell_requests", lambda: None)


def _with_a_line_by_structlog(_: Container) -> AbstractContextManager[object]:
    log = structlog.get_logger("bench")
    return patch(
        "vehicle_anomaly.container.tell_requests", lambda: lambda event, fields: log.info(event, **fields)
    )


class _Dropped(SpanExporter):
    """Takes spans and sends them nowhere: what remains is what the request itself pays, and the batching."""

    def export(self, _spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class _Traced:
    """One server span a request with the attributes of OpenTelemetry's HTTP conventions."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(_Dropped()))
        self._tracer = provider.get_tracer("bench")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        attributes = {
            "http.request.method": scope["method"],
            "url.path": scope["path"],
            "url.scheme": scope["scheme"],
        }
        with self._tracer.start_as_current_span(
            scope["method"], context=extract(headers), kind=SpanKind.SERVER, attributes=attributes
        ) as span:

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, watched)
            route = scope["path_template"]
            span.set_attribute("http.route", route)
            span.update_name(f"{scope['method']} {route}")


def _wrapped(wrap: Callable[[ASGIApp], ASGIApp]) -> Callable[[Container], AbstractContextManager[object]]:
    def apply(container: Container) -> AbstractContextManager[object]:
        app = container.http_app()
        app.asgi_handler = wrap(app.asgi_handler)
        return nullcontext()

    return apply


VARIANTS: Final[Mapping[str, Callable[[Container], AbstractContextManager[object]]]] = {
    "default": lambda _: nullcontext(),
    "without metrics": _without_metrics,
    "without a log line": _without_a_line,
    "with a log line by structlog": _with_a_line_by_structlog,
    "with a span": _wrapped(_Traced),
}
