"""Who works on what next. Threads of two kinds share it: quick ones, and long ones for what takes minutes."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from vehicle_anomaly.adapters.inbound.sqs.deliveries import Delivery
from vehicle_anomaly.adapters.inbound.sqs.handlers import Pace
from vehicle_anomaly.adapters.inbound.sqs.queues import BATCH, OutgoingResult

# A result waits this long for others to be sent with it, while there is other work.
_LONGEST_WAIT_SECONDS: Final = 0.02


@dataclass(slots=True, eq=False)
class Lane:
    """Deliveries that are answered one after the other: those of one message group, or a single one.

    Attributes:
        deliveries: The first is the one that is worked on.
        pace: Of the first one, as far as it is known.
    """

    deliveries: deque[Delivery]
    pace: Pace = Pace.QUICK

    @property
    def first(self) -> Delivery:
        """The delivery that is worked on."""
        return self.deliveries[0]


@dataclass(slots=True)
class Finished:
    """A delivery that is answered, its results still to be sent: one, but for notifications of S3."""

    lane: Lane
    results: tuple[OutgoingResult, ...]
    at: float


class Board:
    """What is in hand, and at which stage.

    Quick requests have `quick_places`. A request that turns out to be long leaves its place for the backlog
    of long ones; when that is full, nothing is received until one of them is done.
    """

    def __init__(self, quick_places: int, long_places: int) -> None:
        """Make an empty board.

        Args:
            quick_places: Messages in hand, long ones aside.
            long_places: Long ones in hand, running or waiting.
        """
        self._places = {Pace.QUICK: quick_places, Pace.LONG: long_places}
        self._in_hand = {Pace.QUICK: 0, Pace.LONG: 0}
        self._lanes: dict[Pace, deque[Lane]] = {Pace.QUICK: deque(), Pace.LONG: deque()}
        self._finished: deque[Finished] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._closed = False

    def wait_for_places(self) -> int:
        """Return how many messages there is room for, at least one; none once the board is stopping."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._free() > 0)
            return 0 if self._stopping else self._free()

    def add(self, lanes: Sequence[Lane]) -> None:
        """Put messages that were received into their places."""
        with self._changed:
            for lane in lanes:
                self._in_hand[Pace.QUICK] += len(lane.deliveries)
                self._lanes[Pace.QUICK].append(lane)
            self._changed.notify_all()

    def next_quick(self) -> Lane | list[Finished] | None:
        """Wait for the next thing to do for a quick thread: a lane, or results to send; None: go home."""
        with self._changed:
            while not self._closed:
                if self._finished and (
                    not self._lanes[Pace.QUICK]
                    or len(self._finished) >= BATCH
                    or monotonic() - self._finished[0].at > _LONGEST_WAIT_SECONDS
                ):
                    count = min(BATCH, len(self._finished))
                    return [self._finished.popleft() for _ in range(count)]
                if self._lanes[Pace.QUICK]:
                    return self._lanes[Pace.QUICK].popleft()
                self._changed.wait()
            return None

    def next_long(self) -> Lane | None:
        """Wait for a lane whose first delivery is long; None: go home."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._lanes[Pace.LONG]))
            return None if self._closed else self._lanes[Pace.LONG].popleft()

    def turn_long(self, lane: Lane) -> bool:
        """Put a lane whose first delivery is long where long ones wait; not when the board is stopping."""
        with self._changed:
            if self._stopping:
                return False
            self._in_hand[Pace.QUICK] -= 1
            self._in_hand[Pace.LONG] += 1
            lane.pace = Pace.LONG
            self._lanes[Pace.LONG].append(lane)
            self._changed.notify_all()
            return True

    def finish(self, lane: Lane, results: tuple[OutgoingResult, ...]) -> None:
        """Hand in the results of the first delivery of a lane."""
        with self._changed:
            self._finished.append(Finished(lane, results, monotonic()))
            self._changed.notify_all()

    def done(self, lane: Lane) -> None:
        """Take the first delivery of a lane off the board; the next one of its lane may begin."""
        with self._changed:
            lane.deliveries.popleft()
            self._in_hand[lane.pace] -= 1
            lane.pace = Pace.QUICK
            if lane.deliveries:
                self._lanes[Pace.QUICK].append(lane)
            self._changed.notify_all()

    def drop(self, lane: Lane) -> None:
        """Take a lane off the board with all its deliveries."""
        with self._changed:
            self._in_hand[lane.pace] -= 1
            self._in_hand[Pace.QUICK] -= len(lane.deliveries) - 1
            self._changed.notify_all()

    def stop(self) -> list[Lane]:
        """Receive nothing more and begin nothing long; return the long lanes that had not begun."""
        with self._changed:
            self._stopping = True
            not_begun = [*self._lanes[Pace.LONG]]
            self._lanes[Pace.LONG].clear()
            self._changed.notify_all()
            return not_begun

    def wait_until_empty(self) -> None:
        """Wait until nothing is in hand."""
        with self._changed:
            self._changed.wait_for(lambda: not any(self._in_hand.values()))

    def close(self) -> None:
        """Send the threads home, whatever is in hand."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _free(self) -> int:
        # What is received may be long, all of it.
        return min(places - self._in_hand[pace] for pace, places in self._places.items())
