"""The clock of the machine."""

from datetime import UTC, datetime


class SystemClock:
    """`Clock` on the operating system's time."""

    def now(self) -> datetime:
        """Return the time now, in UTC."""
        return datetime.now(UTC)
