"""What this worker holds stays invisible to others, for as long as it holds it."""

import threading
from collections.abc import Iterable, Sequence
from typing import Final

import structlog

from vehicle_anomaly.adapters.inbound.sqs.deliveries import Delivery
from vehicle_anomaly.adapters.inbound.sqs.queues import BATCH, RequestQueue

# So that two beats in a row may fail before a message becomes visible to others.
_BEATS_A_VISIBILITY: Final = 3

_log = structlog.get_logger(__name__)


class Heartbeat:
    """Extends the visibility of every delivery that is held, in a thread of its own.

    A message that SQS has kept invisible for twelve hours cannot be extended any more
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html).
    """

    def __init__(self, queue: RequestQueue) -> None:
        """Hold messages of a queue."""
        self._queue = queue
        self._held: dict[str, Delivery] = {}
        self._beating = threading.Lock()
        self._stopped = threading.Event()

    def hold(self, deliveries: Iterable[Delivery]) -> None:
        """Begin to extend deliveries that were just received."""
        for delivery in deliveries:
            self._held[delivery.receipt_handle] = delivery

    def holds(self, delivery: Delivery) -> bool:
        """Tell whether a delivery is neither done nor given back."""
        return delivery.receipt_handle in self._held

    def let_go(self, deliveries: Iterable[Delivery]) -> None:
        """Stop extending deliveries that are done with."""
        for delivery in deliveries:
            self._held.pop(delivery.receipt_handle, None)

    def give_back(self, deliveries: Sequence[Delivery], seconds: int = 0) -> None:
        """Stop extending deliveries, and make them visible to others so many seconds from now."""
        # A beat that is under way would extend again what is shortened here.
        with self._beating:
            held = [one for one in deliveries if self._held.pop(one.receipt_handle, None) is not None]
        self._queue.set_visibility([(delivery, seconds) for delivery in held])

    def give_back_all(self) -> int:
        """Give back all that is held; return how many that were."""
        held = [*self._held.values()]
        self.give_back(held)
        return len(held)

    def beat(self) -> None:
        """Extend all that is held."""
        held = [*self._held.values()]
        for start in range(0, len(held), BATCH):
            # For ten at a time: who gives back waits for no more than one call.
            with self._beating:
                extended = [one for one in held[start : start + BATCH] if self.holds(one)]
                self._queue.set_visibility([(one, self._queue.visibility_seconds) for one in extended])

    def run(self) -> None:
        """Beat until stopped."""
        while not self._stopped.wait(self._queue.visibility_seconds / _BEATS_A_VISIBILITY):
            try:
                self.beat()
            except Exception:  # noqa: BLE001  # without a heartbeat, all that is held would be answered twice
                _log.exception("heartbeat failed")

    def stop(self) -> None:
        """Let `run` return."""
        self._stopped.set()
