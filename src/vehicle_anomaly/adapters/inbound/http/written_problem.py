"""Problems whose bytes are there before anybody asks, answered below Litestar."""

import msgspec
from litestar.types import Send

from vehicle_anomaly.adapters.inbound.http.errors import PROBLEM_JSON
from vehicle_anomaly.adapters.inbound.wire.problems import Problem


class WrittenProblem:
    """Answers a request with a problem, by a callable that takes what ASGI gives to send with."""

    def __init__(self, told: Problem, *headers: tuple[bytes, bytes]) -> None:
        """Write it down.

        Args:
            told: The problem.
            headers: What goes with it beside its type and length.
        """
        self._body = msgspec.json.encode(told)
        self._status = told.status
        self._headers = [
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", b"%d" % len(self._body)),
            *headers,
        ]

    async def __call__(self, send: Send) -> None:
        """Answer."""
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})
