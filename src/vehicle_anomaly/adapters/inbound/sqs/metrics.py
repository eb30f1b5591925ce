"""What a worker receives, answers, refuses and leaves, counted; and the port where that is read."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from vehicle_anomaly.adapters.inbound.sqs.deliveries import Delivery

_WAITING_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)
_WORKING_SECONDS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
    60,
    300,
)


class QueueMetrics:
    """Counts the messages of one request queue. Labels are types of messages and reasons, which are few."""

    def __init__(self, registry: CollectorRegistry, max_receives: int | None = None) -> None:
        """Count for those who read this registry.

        Args:
            registry: The registry.
            max_receives: How often the redrive policy lets a message be received; None when it has none, or
                is not known: then dead letters are not counted.
        """
        self._max_receives = max_receives
        self._received = Counter(
            "vehicle_anomaly_queue_received", "Deliveries, repeated ones included.", registry=registry
        )
        self._time_in_queue = Histogram(
            "vehicle_anomaly_queue_time_in_queue_seconds",
            "From when the queue took a request to when it was delivered, by the clocks of both.",
            buckets=_WAITING_SECONDS,
            registry=registry,
        )
        self._processing = Histogram(
            "vehicle_anomaly_queue_processing_duration_seconds",
            "Duration of the work on requests that have a result, by types; that of a refusal is refused.",
            ("request_type", "result_type"),
            buckets=_WORKING_SECONDS,
            registry=registry,
        )
        self._sent = Counter("vehicle_anomaly_queue_results_sent", "Results sent.", registry=registry)
        self._left = Counter(
            "vehicle_anomaly_queue_left",
            "Deliveries that failed and were left to the redrive policy, by reason.",
            ("reason",),
            registry=registry,
        )
        self._dead = Counter(
            "vehicle_anomaly_queue_dead_letters",
            "Requests that failed as often as the redrive policy allows.",
            registry=registry,
        )
        self._poll_failures = Counter(
            "vehicle_anomaly_queue_poll_failures", "Polls that failed.", registry=registry
        )

    def received(self, deliveries: Sequence[Delivery]) -> None:
        """Count what a poll brought."""
        now = datetime.now(UTC)
        self._received.inc(len(deliveries))
        for delivery in deliveries:
            # The queue's clock may be ahead of this one.
            self._time_in_queue.observe(max(0.0, (now - delivery.sent_at).total_seconds()))

    def poll_failed(self) -> None:
        """Count a poll that failed."""
        self._poll_failures.inc()

    def answered(self, request_type: str, result_type: str, seconds: float) -> None:
        """Count a request that was worked on to its result."""
        self._processing.labels(request_type, result_type).observe(seconds)

    def sent(self, results: int) -> None:
        """Count results that the result queue has taken."""
        self._sent.inc(results)

    def left(self, delivery: Delivery, reason: str) -> None:
        """Count a delivery that failed, and the message if SQS will not deliver it once more."""
        self._left.labels(reason).inc()
        if self._max_receives is not None and delivery.receive_count >= self._max_receives:
            self._dead.inc()


def serve_metrics(registry: CollectorRegistry, host: str, port: int) -> str:
    """Let Prometheus scrape a registry, from a daemon thread; return the address.

    Raises:
        OSError: The address cannot be listened on.
    """
    server, _ = start_http_server(port, host, registry)
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{server.server_port}/metrics"
