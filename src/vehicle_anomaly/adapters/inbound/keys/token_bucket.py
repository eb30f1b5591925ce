"""How often somebody may call."""


class TokenBucket:
    """So many calls a second on average, and as many at once after a pause of a second.

    A token bucket (RFC 2697 has them with colours): it fills at the rate, holds a second of it but at least
    one call, and every call takes one out.
    """

    __slots__ = ("_at", "_holds", "_size", "rate")

    def __init__(self, rate: float) -> None:
        """Make a full one.

        Args:
            rate: Calls a second, above 0.
        """
        self.rate = rate
        self._size = max(1.0, rate)
        self._holds = self._size
        self._at = 0.0

    def take(self, now: float) -> float:
        """Take one call out, if it is there.

        Args:
            now: Seconds of a clock that never goes back.

        Returns:
            0 when it was; otherwise in how many seconds it will be.
        """
        self._holds = min(self._size, self._holds + (now - self._at) * self.rate)
        self._at = now
        if self._holds >= 1.0:
            self._holds -= 1.0
            return 0.0
        return (1.0 - self._holds) / self.rate
