"""Callers that send the whole of a body before they read the answer to it."""

import asyncio
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPReceiveMessage,
    HTTPScope,
    Message,
    Receive,
    Scope,
    Send,
    WebSocketReceiveMessage,
)

from vehicle_anomaly.adapters.inbound.http.headers import header
from vehicle_anomaly.adapters.inbound.http.negotiation import NDJSON
from vehicle_anomaly.adapters.inbound.http.stopping import Stopping

_IS_STREAM: Final = (b"content-type", NDJSON.encode())
_READ_BYTES: Final = 256 * 1024 * 1024


class ReadBodies:
    """Reads what is left of a refused body behind its answer, where the connection is then closed.

    Closing it with bytes unread resets it, and the caller never sees why it was refused. On a connection that
    stays open uvicorn reads on by itself. More than `_READ_BYTES` is not waited for. An answer that is a
    stream goes while the body still comes, and is let through.

    Attributes:
        reading: Tasks that do nothing but that; what answers has ended.
    """

    def __init__(self, app: ASGIApp, stopping: Stopping) -> None:
        """Stand before an application; when it refuses what is new, it closes connections that stay open."""
        self._app = app
        self._stopping = stopping
        self.reading: set[asyncio.Task[Any] | None] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP or not (self._stopping.refuses or _is_closed_after(scope)):
            await self._app(scope, receive, send)
            return
        unread = _announced_bytes(scope)
        held_back = False

        async def watched() -> HTTPReceiveMessage | WebSocketReceiveMessage:
            nonlocal unread
            message = await receive()
            if message["type"] == "http.request" and message["more_body"]:
                unread -= len(message["body"])
            else:
                unread = 0
            return message

        async def answer(message: Message) -> None:
            nonlocal unread, held_back
            if message["type"] == "http.response.start":
                if _IS_STREAM in message["headers"]:
                    unread = 0
            elif unread > 0 and not message.get("more_body", False):
                # All of the answer but its end, at which the connection is closed.
                held_back = True
                message = {**message, "more_body": True}  # type: ignore[assignment]
            await send(message)

        await self._app(scope, watched, answer)
        if not held_back:
            return
        # The application is done with it: nothing there waits, or counts, for a caller that drips.
        task = asyncio.current_task()
        self.reading.add(task)
        try:
            while unread > 0 and not self._stopping.breaks_off:
                await watched()
        except asyncio.CancelledError:
            # The service stops: it was answered.
            pass
        finally:
            self.reading.discard(task)
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _is_closed_after(scope: HTTPScope) -> bool:
    connection = header(scope, b"connection", "").lower()
    return "close" in connection or (scope["http_version"] == "1.0" and "keep-alive" not in connection)


def _announced_bytes(scope: HTTPScope) -> int:
    """How many bytes are to come at most; none when they are more than would be read."""
    if header(scope, b"transfer-encoding", ""):
        return _READ_BYTES
    announced = int(header(scope, b"content-length", "0"))
    return announced if announced <= _READ_BYTES else 0
