"""Train and score: `/ingest`, `/score`, `/score/batch`."""

from anyio.to_thread import run_sync
from litestar import post
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.types import ASGIApp

from vehicle_anomaly.adapters.inbound.http.negotiation import (
    HttpRequest,
    read_body,
    request_encoding,
    respond,
)
from vehicle_anomaly.adapters.inbound.http.parts import HttpParts
from vehicle_anomaly.adapters.inbound.http.score_route import score_route
from vehicle_anomaly.adapters.inbound.http.training_slots import TrainingSlots
from vehicle_anomaly.adapters.inbound.wire.answers import (
    IngestResponse,
    ScoreBatchResponse,
    ingest_response,
    score_batch_response,
)
from vehicle_anomaly.adapters.inbound.wire.commands import (
    score_batch_command,
    train_model_command,
)
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding


def telemetry_routes(
    parts: HttpParts, slots: TrainingSlots, max_body_bytes: int
) -> list[HTTPRouteHandler | ASGIRouteHandler]:
    """Return the handlers."""

    def train(body: bytes, encoding: Encoding) -> IngestResponse:
        return ingest_response(parts.train_model(train_model_command(body, encoding)))

    def score_all(body: bytes, encoding: Encoding) -> ScoreBatchResponse:
        command, timestamps = score_batch_command(body, encoding)
        return score_batch_response(parts.score_telemetry(command), timestamps)

    @post("/ingest", status_code=201)
    async def ingest(request: HttpRequest) -> ASGIApp:
        encoding = request_encoding(request)
        body = await read_body(request)
        published = await slots.run(lambda: train(body, encoding))
        return respond(request, published, 201)

    @post("/score/batch", status_code=200)
    async def score_batch(request: HttpRequest) -> ASGIApp:
        encoding = request_encoding(request)
        return respond(request, await run_sync(score_all, await read_body(request), encoding))

    return [ingest, score_route(parts, max_body_bytes), score_batch]
