"""How long to wait before the next attempt."""

import random
import threading
from dataclasses import dataclass, field

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
    """How many times in a row something that every message needs has failed; shared by threads."""

    first_pause_seconds: float
    _failures: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def failed(self) -> None:
        """Count a failure."""
        with self._lock:
            self._failures += 1

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0

    def pause(self) -> float:
        """Return how many seconds to take nothing new."""
        failures = self._failures
        return delay(failures, self.first_pause_seconds, _LONGEST_PAUSE_SECONDS) if failures else 0.0
