"""How many requests, how long they took by route template, and how many there are now: `/metrics`."""

import os

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from vehicle_anomaly.adapters.inbound.http.access import METRICS
from vehicle_anomaly.adapters.inbound.http.count_file import count_in_files_with_room
from vehicle_anomaly.adapters.inbound.http.safe_methods import get

# Buckets for a service whose fast path takes well under a millisecond and whose slow one trains a model.
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# Litestar adds the charset itself.
_TEXT = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")


# When a series began says nothing that its first sample does not.
disable_created_metrics()  # type: ignore[no-untyped-call]
# Before anything is counted, whoever counts it.
count_in_files_with_room()


class RequestMetrics:
    """Counts and times requests, whatever became of them.

    The metric is OpenTelemetry's `http.server.request.duration`; its `_count` is the number of requests.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Count for those who read a registry, and let them read all of it."""
        self.registry = registry or CollectorRegistry()
        self.active = Gauge(
            "http_server_active_requests",
            "HTTP requests that are being answered.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._duration = Histogram(
            "http_server_request_duration_seconds",
            "Duration of HTTP requests by route template.",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._refused = Counter(
            "http_server_connections_refused",
            "Connections refused before there was a request: headers too large or slow, or no HTTP.",
            ("http_response_status_code",),
            registry=self.registry,
        )
        self._known: dict[tuple[str, str, int], Histogram] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; a route is a template, and a method one that HTTP knows."""
        # `labels` checks and locks; routes, methods and statuses are few.
        series = self._known.get((method, route, status))
        if series is None:
            series = self._duration.labels(method, route, str(status))
            self._known[method, route, status] = series
        series.observe(seconds)

    def count_refused(self, status: int) -> None:
        """Count a connection that was refused before there was a request."""
        self._refused.labels(str(status)).inc()

    def _read(self) -> CollectorRegistry:
        # prometheus_client's own variable, with which it counts in files: of all workers, past ones too.
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return self.registry
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return everyone

    def route(self) -> HTTPRouteHandler:
        """Return the handler that Prometheus scrapes."""

        @get("/metrics", METRICS, sync_to_thread=False)
        def metrics() -> Response[bytes]:
            return Response(generate_latest(self._read()), media_type=_TEXT)

        return metrics


def forget_worker(process_id: int, folder: str) -> None:
    """Have those that read sum up no longer what a worker that died was answering.

    Args:
        process_id: Of the worker.
        folder: Where workers count.
    """
    mark_process_dead(process_id, folder)  # type: ignore[no-untyped-call]
