"""Callers that send the whole of a body before they read the answer to it."""

from typing import Final

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

_IS_STREAM: Final = (b"content-type", NDJSON.encode())
_READ_BYTES: Final = 256 * 1024 * 1024


class ReadBodies:
    """Reads what is left of a refused body before the answer goes, where the connection is then closed.

    Closing it with bytes unread resets it, and the caller never sees why it was refused. On a connection that
    stays open uvicorn reads on by itself. More than `_READ_BYTES` is not waited for. An answer that is a
    stream goes while the body still comes, and is let through.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP or not _is_closed_after(scope):
            await self._app(scope, receive, send)
            return
        unread = _announced_bytes(scope)

        async def watched() -> HTTPReceiveMessage | WebSocketReceiveMessage:
            nonlocal unread
            message = await receive()
            if message["type"] == "http.request" and message["more_body"]:
                unread -= len(message["body"])
            else:
                unread = 0
            return message

        async def answer(message: Message) -> None:
            nonlocal unread
            if message["type"] == "http.response.start" and _IS_STREAM in message["headers"]:
                unread = 0
            while unread > 0:
                await watched()
            await send(message)

        await self._app(scope, watched, answer)


def _is_closed_after(scope: HTTPScope) -> bool:
    connection = header(scope, b"connection", "").lower()
    return "close" in connection or (scope["http_version"] == "1.0" and "keep-alive" not in connection)


def _announced_bytes(scope: HTTPScope) -> int:
    """How many bytes are to come at most; none when they are more than would be read."""
    if header(scope, b"transfer-encoding", ""):
        return _READ_BYTES
    announced = int(header(scope, b"content-length", "0"))
    return announced if announced <= _READ_BYTES else 0
