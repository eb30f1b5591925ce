"""Train and score: `/ingest`, `/score`, `/score/batch`."""

from dataclasses import replace

from litestar import post
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.types import ASGIApp, HTTPScope

from vehicle_anomaly.adapters.inbound.http.access import TRAIN
from vehicle_anomaly.adapters.inbound.http.arrow_bodies import is_arrow, train_on_arrow
from vehicle_anomaly.adapters.inbound.http.callers import actor_of
from vehicle_anomaly.adapters.inbound.http.doorkeeper import permit
from vehicle_anomaly.adapters.inbound.http.negotiation import (
    HttpRequest,
    request_encoding,
    respond,
)
from vehicle_anomaly.adapters.inbound.http.parts import HttpParts
from vehicle_anomaly.adapters.inbound.http.query import TRAINED, refuse_in_query
from vehicle_anomaly.adapters.inbound.http.score_batch_route import score_batch_route
from vehicle_anomaly.adapters.inbound.http.score_route import score_route
from vehicle_anomaly.adapters.inbound.http.training_slots import TrainingSlots
from vehicle_anomaly.adapters.inbound.http.watching import note_model
from vehicle_anomaly.adapters.inbound.wire.answers import (
    IngestResponse,
    ingest_response,
)
from vehicle_anomaly.adapters.inbound.wire.commands import (
    train_model_command,
)
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding


def telemetry_routes(parts: HttpParts, slots: TrainingSlots) -> list[HTTPRouteHandler | ASGIRouteHandler]:
    """Return the handlers."""

    def train(scope: HTTPScope, body: bytes, encoding: Encoding, by: str) -> IngestResponse:
        command = replace(train_model_command(body, encoding, parts.limits), by=by)
        permit(scope, command.model_name)
        return ingest_response(parts.train_model.published(command))

    @post("/ingest", status_code=201, opt=TRAIN.opt)
    async def ingest(request: HttpRequest) -> ASGIApp:
        by = actor_of(request.scope)
        if is_arrow(request.scope):
            body = await parts.bodies.read(request.scope, request.receive)
            published = await slots.run(lambda: train_on_arrow(parts, request.scope, body, by))
        else:
            encoding = request_encoding(request)
            refuse_in_query(request.scope, TRAINED)
            body = await parts.bodies.read(request.scope, request.receive)
            published = await slots.run(lambda: train(request.scope, body, encoding, by))
        note_model(request.scope, published.model_name, published.model_version)
        return respond(request, published, 201)

    return [ingest, score_route(parts), score_batch_route(parts)]
