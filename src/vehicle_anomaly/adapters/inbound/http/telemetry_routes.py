"""Train and score: `/ingest`, `/score`, `/score/batch`."""

from anyio.to_thread import run_sync
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from vehicle_anomaly.adapters.inbound.http.negotiation import (
    HttpRequest,
    read_body,
    request_encoding,
    respond,
)
from vehicle_anomaly.adapters.inbound.http.parts import HttpParts
from vehicle_anomaly.adapters.inbound.http.training_slots import TrainingSlots
from vehicle_anomaly.adapters.inbound.wire.answers import (
    IngestResponse,
    ScoreBatchResponse,
    ingest_response,
    score_batch_response,
    verdict_response,
)
from vehicle_anomaly.adapters.inbound.wire.commands import (
    score_batch_command,
    score_command,
    train_model_command,
)
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.readings import MAX_RECORD_BYTES

# Up to here decoding takes a millisecond, as long as handing it to a thread may.
_QUICKLY_DECODED_BYTES = 64 * 1024


def telemetry_routes(parts: HttpParts, slots: TrainingSlots, max_body_bytes: int) -> list[HTTPRouteHandler]:
    """Return the handlers."""

    def train(body: bytes, encoding: Encoding) -> IngestResponse:
        return ingest_response(parts.train_model(train_model_command(body, encoding)))

    def score_all(body: bytes, encoding: Encoding) -> ScoreBatchResponse:
        command, timestamps = score_batch_command(body, encoding)
        return score_batch_response(parts.score_telemetry(command), timestamps)

    @post("/ingest", status_code=201)
    async def ingest(request: HttpRequest) -> Response[bytes]:
        encoding = request_encoding(request)
        body = await read_body(request)
        published = await slots.run(lambda: train(body, encoding))
        return respond(request, published, 201)

    @post("/score", status_code=200, request_max_body_size=min(MAX_RECORD_BYTES, max_body_bytes))
    async def score(request: HttpRequest) -> Response[bytes]:
        encoding = request_encoding(request)
        body = await read_body(request)
        if len(body) > _QUICKLY_DECODED_BYTES:
            command, timestamp = await run_sync(score_command, body, encoding)
        else:
            command, timestamp = score_command(body, encoding)
        # From memory it takes microseconds: less than handing it to a thread.
        if parts.in_memory(command.model_name, command.model_version):
            verdicts = parts.score_telemetry(command)
        else:
            verdicts = await run_sync(parts.score_telemetry, command)
        return respond(request, verdict_response(verdicts, verdicts.verdicts[0], timestamp))

    @post("/score/batch", status_code=200)
    async def score_batch(request: HttpRequest) -> Response[bytes]:
        encoding = request_encoding(request)
        return respond(request, await run_sync(score_all, await read_body(request), encoding))

    return [ingest, score, score_batch]
