"""How many requests, and how long they took, by route template: `/metrics`."""

import os
from time import perf_counter

from litestar import Response
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from vehicle_anomaly.adapters.inbound.http.safe_methods import get

# Buckets for a service whose fast path takes well under a millisecond and whose slow one trains a model.
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# Litestar adds the charset itself.
_TEXT = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
_UNFINISHED = "499"  # nginx's status for a caller that left before the answer


# When a series began says nothing that its first sample does not.
disable_created_metrics()  # type: ignore[no-untyped-call]


class RequestMetrics(ASGIMiddleware):
    """Counts and times each request that a route takes, whatever became of it.

    The metric is OpenTelemetry's `http.server.request.duration`; its `_count` is the number of requests.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._duration = Histogram(
            "http_server_request_duration_seconds",
            "Duration of HTTP requests by route template.",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._known: dict[tuple[str, ...], Histogram] = {}

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Time one request."""
        status = _UNFINISHED

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        began = perf_counter()
        try:
            await next_app(scope, receive, watched)
        finally:
            # The template, not the path: a caller must not be able to make up label values.
            route = scope["path_template"]
            method = scope["method"]  # type: ignore[typeddict-item]  # HTTP scopes only, see `scopes`
            self._series(method, route, status).observe(perf_counter() - began)

    def _series(self, *labels: str) -> Histogram:
        # `labels` checks and locks; routes, methods and statuses are few.
        series = self._known.get(labels)
        if series is None:
            series = self._known[labels] = self._duration.labels(*labels)
        return series

    def _read(self) -> CollectorRegistry:
        # prometheus_client's own variable, with which it counts in files: of all workers, past ones too.
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return self.registry
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return everyone

    def route(self) -> HTTPRouteHandler:
        """Return the handler that Prometheus scrapes."""

        @get("/metrics", sync_to_thread=False)
        def metrics() -> Response[bytes]:
            return Response(generate_latest(self._read()), media_type=_TEXT)

        return metrics
