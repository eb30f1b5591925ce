"""`/score/batch`: a body of records at once, or a stream of lines."""

from dataclasses import replace
from functools import partial
from typing import cast

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from vehicle_anomaly.adapters.inbound.http import access
from vehicle_anomaly.adapters.inbound.http.arrow_bodies import is_arrow, score_arrow
from vehicle_anomaly.adapters.inbound.http.doorkeeper import permit
from vehicle_anomaly.adapters.inbound.http.line_stream import score_lines
from vehicle_anomaly.adapters.inbound.http.negotiation import (
    NDJSON,
    answer_to,
    encoding_of,
    is_of_lines,
    likes_msgpack,
)
from vehicle_anomaly.adapters.inbound.http.parts import HttpParts
from vehicle_anomaly.adapters.inbound.http.query import explain_of_message
from vehicle_anomaly.adapters.inbound.http.score_route import answer_other
from vehicle_anomaly.adapters.inbound.http.threads import in_thread
from vehicle_anomaly.adapters.inbound.http.watching import note_model
from vehicle_anomaly.adapters.inbound.wire.bulk import score_batch, score_batch_for_json
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding


def score_batch_route(parts: HttpParts) -> ASGIRouteHandler:
    """Return the handler; it takes what ASGI gives, as that of `/score`."""

    @asgi("/score/batch", copy_scope=False, opt=access.SCORE.opt)
    async def score_all(scope: Scope, receive: Receive, send: Send) -> None:
        http = cast("HTTPScope", scope)
        if http["method"] != "POST":
            await answer_other(http, send)
            return
        if is_of_lines(http):
            await score_lines(parts, http, receive, send)
            return
        if is_arrow(http):
            body = await parts.bodies.read(http, receive)
            answer = await in_thread(score_arrow, parts, http, body)
            await answer(scope, receive, send)
            return
        encoding = encoding_of(http, NDJSON)
        body = await parts.bodies.read(http, receive)
        # Two readings are work for half as long as handing it to a thread; hundreds would hold up others.
        answer = await in_thread(_answer, parts, http, body, encoding)
        await answer(scope, receive, send)

    return score_all


def _answer(parts: HttpParts, scope: HTTPScope, body: bytes, encoding: Encoding) -> ASGIApp:
    permitted = partial(permit, scope)
    score_telemetry = parts.score_telemetry
    explain = explain_of_message(scope) if scope["query_string"] else None
    if explain is not None:
        # In place of the service's choice, which holds where the body does not say.
        score_telemetry = replace(score_telemetry, explain=explain)
    told = (
        score_batch_for_json(body, score_telemetry, permitted, parts.limits)
        if encoding is Encoding.JSON and not likes_msgpack(scope)
        else score_batch(body, encoding, score_telemetry, permitted, parts.limits)
    )
    note_model(scope, told.model_name, told.model_version)
    return answer_to(scope, told)
