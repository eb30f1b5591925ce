"""How a service stops: what readiness says, and what callers are told that are not served any more."""

from typing import Final

from vehicle_anomaly.adapters.inbound.http.written_problem import WrittenProblem
from vehicle_anomaly.adapters.inbound.wire.problems import Problem, problem


class Stopping:
    """How far a service is on its way out.

    It is told to stop, and readiness says so; for `delay_seconds` all is served as before, so that load
    balancers can look elsewhere. Then it refuses what is new, and finishes what it has begun. All of it takes
    at most `drain_seconds`, and no time at all where nothing was begun and there is no delay.

    Attributes:
        delay_seconds: From being told to refusing.
        drain_seconds: From being told to breaking off what is not finished by then.
        is_told: Whether it has been told.
        refuses: Whether it refuses.
        breaks_off: Whether what is not finished by now is broken off.
    """

    def __init__(self, delay_seconds: float = 0, drain_seconds: int = 30) -> None:
        """Serve until told."""
        self.delay_seconds = delay_seconds
        self.drain_seconds = drain_seconds
        self.is_told = False
        self.refuses = False
        self.breaks_off = False


def _problem(detail: str) -> Problem:
    return problem("stopping", "The service stops", 503, detail)


_RETRY: Final = (b"retry-after", b"1")

tell_broken_off: Final = WrittenProblem(
    _problem("the service stops, and this request was not finished in time (DRAIN_SECONDS): send it again"),
    _RETRY,
)
"""Answers a request that was not finished when the drain ended, and has no answer yet."""

tell_refused: Final = WrittenProblem(
    _problem("the service stops, and takes on nothing more: send it again"),
    _RETRY,
    # What is sent again must not come here.
    (b"connection", b"close"),
)
"""Answers a request that came when the drain had begun."""
