"""How often a client may try again without becoming a part of the problem."""

import threading
from typing import Final

_SHARE: Final = 0.1
_RESERVE: Final = 10.0


class RetryBudget:
    """Lets further attempts be a tenth of the first ones, with ten to spare.

    A store that is in trouble is asked a tenth more often than one that is well, not several times as often;
    see "Timeouts, retries, and backoff with jitter" in the Amazon Builders' Library. Safe to use from many
    threads.
    """

    def __init__(self) -> None:
        self._left = _RESERVE
        self._lock = threading.Lock()

    def asked(self) -> None:
        """Take note of a first attempt."""
        with self._lock:
            self._left = min(self._left + _SHARE, _RESERVE)

    def may_ask_again(self) -> bool:
        """Take one further attempt, if there is one."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True
