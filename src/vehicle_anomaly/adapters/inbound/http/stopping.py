"""How a service stops: what readiness says, and what callers are told that are not served any more."""

from typing import Final

import msgspec
from litestar.types import Send

from vehicle_anomaly.adapters.inbound.http.errors import PROBLEM_JSON
from vehicle_anomaly.adapters.inbound.wire.problems import problem

_TITLE: Final = "The service stops"


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


def _told(detail: str, *more: tuple[bytes, bytes]) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    body = msgspec.json.encode(problem("stopping", _TITLE, 503, detail))
    headers = [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"1"),
    ]
    return body, [*headers, *more]


_BROKEN_OFF: Final = _told(
    "the service stops, and this request was not finished in time (DRAIN_SECONDS): send it again"
)
# What is sent again must not come here.
_REFUSED: Final = _told(
    "the service stops, and takes on nothing more: send it again", (b"connection", b"close")
)


async def tell_broken_off(send: Send) -> None:
    """Answer a request that was not finished when the drain ended, and has no answer yet."""
    await _tell(send, *_BROKEN_OFF)


async def tell_refused(send: Send) -> None:
    """Answer a request that came when the drain had begun."""
    await _tell(send, *_REFUSED)


async def _tell(send: Send, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
