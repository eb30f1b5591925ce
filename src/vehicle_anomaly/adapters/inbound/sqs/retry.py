"""How long to wait before the next attempt."""

import math
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

_LONGEST_SECONDS = 900.0
_LONGEST_PAUSE_SECONDS = 30.0


def delay(attempt: int, first_seconds: float, longest_seconds: float = _LONGEST_SECONDS) -> float:
    """Return seconds: twice as many after each attempt, less up to half of it by chance.

    By chance, so that many workers that failed together do not come back together.

    Args:
        attempt: The attempt that failed, from 1.
        first_seconds: After the first one.
        longest_seconds: However many there were.
    """
    # Beyond 2**32 there is nothing to double any more, and floats end.
    doubled = first_seconds * 2.0 ** min(attempt - 1, 32)
    return min(longest_seconds, doubled) * random.uniform(0.5, 1.0)  # noqa: S311  # no secret


@dataclass(slots=True)
class Strain:
    """Pauses while something that every message needs fails, longer each time; shared by threads.

    Messages that fail together are one failure: how many were in hand says nothing of how long it will last.
    """

    first_pause_seconds: float
    monotonic: Callable[[], float] = monotonic
    _failures: int = 0
    _paused_until: float = -math.inf
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def failed(self) -> None:
        """Begin a pause, unless one is under way."""
        with self._lock:
            now = self.monotonic()
            if now < self._paused_until:
                return
            if now > self._paused_until + _LONGEST_PAUSE_SECONDS:
                # Long ago: another failure than this one.
                self._failures = 0
            self._failures += 1
            self._paused_until = now + delay(self._failures, self.first_pause_seconds, _LONGEST_PAUSE_SECONDS)

    def succeeded(self) -> None:
        """End the pause, and forget the failures."""
        with self._lock:
            self._failures = 0
            self._paused_until = -math.inf

    def pause(self) -> float:
        """Return how many seconds from now to take nothing new."""
        return max(0.0, self._paused_until - self.monotonic())
