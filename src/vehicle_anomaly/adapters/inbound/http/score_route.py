"""`/score`, the call that everything else is there for."""

from typing import cast

from anyio.to_thread import run_sync
from litestar import asgi
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPScope, Receive, Scope, Send

from vehicle_anomaly.adapters.inbound.http.negotiation import answer_to, body_of, encoding_of
from vehicle_anomaly.adapters.inbound.http.parts import HttpParts
from vehicle_anomaly.adapters.inbound.wire.answers import verdict_response
from vehicle_anomaly.adapters.inbound.wire.commands import score_command
from vehicle_anomaly.adapters.inbound.wire.readings import MAX_RECORD_BYTES

# Up to here decoding takes a millisecond, as long as handing it to a thread may.
_QUICKLY_DECODED_BYTES = 64 * 1024


def score_route(parts: HttpParts, max_body_bytes: int) -> ASGIRouteHandler:
    """Return the handler.

    It takes what ASGI gives: behind the same router, middleware and exception handlers as every other, but
    without Litestar's request, its arguments and its response, which take longer than the score (ADR 0034).
    """
    max_bytes = min(MAX_RECORD_BYTES, max_body_bytes)

    @asgi("/score", copy_scope=False)
    async def score(scope: Scope, receive: Receive, send: Send) -> None:
        http = cast("HTTPScope", scope)
        if http["method"] != "POST":
            await answer_other(http, send)
            return
        encoding = encoding_of(http)
        body = await body_of(http, receive, max_bytes)
        if len(body) > _QUICKLY_DECODED_BYTES:
            command, timestamp = await run_sync(score_command, body, encoding)
        else:
            command, timestamp = score_command(body, encoding)
        # From memory it takes microseconds: less than handing it to a thread.
        if parts.in_memory(command.model_name, command.model_version):
            verdicts = parts.score_telemetry(command)
        else:
            verdicts = await run_sync(parts.score_telemetry, command)
        told = verdict_response(verdicts, verdicts.verdicts[0], timestamp)
        await answer_to(http, told)(scope, receive, send)

    return score


async def answer_other(scope: HTTPScope, send: Send) -> None:
    """Do what Litestar does for other methods at its own routes."""
    allow = "OPTIONS, POST"
    if scope["method"] != "OPTIONS":
        raise MethodNotAllowedException(headers={"allow": allow})
    headers = [(b"allow", allow.encode())]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
