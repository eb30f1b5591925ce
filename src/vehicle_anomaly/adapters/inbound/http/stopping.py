"""What callers are told whose request is broken off, since it is not finished when the drain ends."""

from typing import Final

import msgspec
from litestar.types import Send

from vehicle_anomaly.adapters.inbound.http.errors import PROBLEM_JSON
from vehicle_anomaly.adapters.inbound.wire.problems import problem

_TOLD: Final = msgspec.json.encode(
    problem(
        "stopping",
        "The service stops",
        503,
        "the service stops, and this request was not finished in time (DRAIN_SECONDS): send it again",
    )
)
_HEADERS: Final = [
    (b"content-type", PROBLEM_JSON.encode()),
    (b"content-length", b"%d" % len(_TOLD)),
    (b"retry-after", b"1"),
]


async def tell_stopping(send: Send) -> None:
    """Answer a request that was broken off before there was an answer."""
    await send({"type": "http.response.start", "status": 503, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _TOLD, "more_body": False})
