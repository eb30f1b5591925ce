"""`/score`, the call that everything else is there for."""

from litestar import asgi
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPScope, Receive, Scope, Send

from vehicle_anomaly.adapters.inbound.http import access
from vehicle_anomaly.adapters.inbound.http.doorkeeper import permit
from vehicle_anomaly.adapters.inbound.http.negotiation import answer_to, encoding_of
from vehicle_anomaly.adapters.inbound.http.parts import HttpParts
from vehicle_anomaly.adapters.inbound.http.query import explain_of_message
from vehicle_anomaly.adapters.inbound.http.threads import in_thread
from vehicle_anomaly.adapters.inbound.http.watching import note_model
from vehicle_anomaly.adapters.inbound.wire.decoding import SCORE, Encoding
from vehicle_anomaly.adapters.inbound.wire.readings import MAX_RECORD_BYTES
from vehicle_anomaly.adapters.inbound.wire.single import SingleRequest

# Up to here decoding takes a millisecond, as long as handing it to a thread may.
_QUICKLY_DECODED_BYTES = 64 * 1024


def score_route(parts: HttpParts) -> ASGIRouteHandler:
    """Return the handler.

    It takes what ASGI gives: behind the same router, middleware and exception handlers as every other, but
    without Litestar's request, its arguments and its response, which take longer than the score (ADR 0034).
    """

    @asgi("/score", copy_scope=False, opt=access.SCORE.opt)
    async def score(scope: Scope, receive: Receive, send: Send) -> None:
        http: HTTPScope = scope  # type: ignore[assignment]  # `cast` is called each time
        if http["method"] != "POST":
            await answer_other(http, send)
            return
        encoding = encoding_of(http)
        body = await parts.bodies.read(http, receive, MAX_RECORD_BYTES)
        if len(body) > _QUICKLY_DECODED_BYTES:
            asked = await in_thread(_asked, body, encoding)
        else:
            asked = _asked(body, encoding)
        if http["query_string"]:
            in_query = explain_of_message(http)
            asked.explain = asked.explain or in_query
        permit(http, asked.name)
        model = parts.at_hand(asked.name, asked.version)
        if model is None:
            told = await in_thread(asked.answer, parts.score_telemetry)
        else:
            # It takes microseconds: less than handing it to a thread.
            told = asked.answer_by(model, parts.score_telemetry)
        note_model(http, told.model_name, told.model_version)
        await answer_to(http, told)(scope, receive, send)

    return score


def _asked(body: bytes, encoding: Encoding) -> SingleRequest:
    return SingleRequest.of(SCORE[encoding](body))


async def answer_other(scope: HTTPScope, send: Send) -> None:
    """Do what Litestar does for other methods at its own routes."""
    allow = "OPTIONS, POST"
    if scope["method"] != "OPTIONS":
        raise MethodNotAllowedException(headers={"allow": allow})
    headers = [(b"allow", allow.encode())]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
