"""A stream of records, one a line, answered line by line while it comes.

Nothing is asked for that could not be answered: the body is read on only when what was read before is scored
and the caller has taken the verdicts, so a slow reader slows the producer, and memory stays flat.
"""

from typing import Final
from urllib.parse import parse_qsl

from anyio.to_thread import run_sync
from litestar.types import HTTPScope, Receive, Send

from vehicle_anomaly.adapters.inbound.http.negotiation import NDJSON
from vehicle_anomaly.adapters.inbound.http.parts import HttpParts
from vehicle_anomaly.adapters.inbound.wire.line_blocks import LineBlock, LineBlocks
from vehicle_anomaly.adapters.inbound.wire.line_scoring import LineScoring
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.adapters.inbound.wire.readings import MAX_RECORD_BYTES
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelName, ModelVersion

# A problem may be a hundred times as long as its line: this bounds what is answered at once.
_LINES_AT_ONCE: Final = 1000
_PARAMETERS: Final = ("model_name", "model_version")


async def score_lines(parts: HttpParts, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Answer a stream.

    Raises:
        MalformedMessage: The query is not what it should be.
        Refusal: The names are none, or there is no such version.
        DamagedModel: The version is not what was published.
        ModelStoreUnavailable: The model could not be read.
    """
    scoring = await run_sync(_pin, parts, scope["query_string"])
    lines = LineBlocks(MAX_RECORD_BYTES)
    started = False
    more = True
    while more:
        # Before the answer begins: this asks for the body where a caller waits to be asked.
        message = await receive()
        if message["type"] != "http.request":
            # The caller is gone.
            return
        if not started:
            await send({"type": "http.response.start", "status": 200, "headers": _headers(scoring)})
            started = True
        more = message.get("more_body", False)
        await _answer(lines.feed(message["body"]), scoring, send)
    await _answer(lines.end(), scoring, send)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _answer(block: LineBlock, scoring: LineScoring, send: Send) -> None:
    for part in block.parts(_LINES_AT_ONCE):
        answered = await run_sync(scoring, part)
        if answered:
            # Waits while the caller takes nothing.
            await send({"type": "http.response.body", "body": answered, "more_body": True})


def _pin(parts: HttpParts, query: bytes) -> LineScoring:
    """Choose the version that scores the whole stream, and see to it that it loads."""
    given = _parameters(query)
    name = ModelName(given.get("model_name", DEFAULT_MODEL_NAME.value))
    version = ModelVersion(given["model_version"]) if "model_version" in given else parts.models.latest(name)
    parts.models.load(name, version)
    return LineScoring(parts.score_telemetry, name, version)


def _parameters(query: bytes) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in _PARAMETERS:
            expected = " and ".join(_PARAMETERS)
            raise MalformedMessage([Wrong(Place((name[:80],)), f"unknown parameter, expected {expected}")])
        if name in given:
            raise MalformedMessage([Wrong(Place((name,)), "stands twice in the query")])
        given[name] = value
    return given


def _headers(scoring: LineScoring) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", NDJSON.encode()),
        (b"model-name", scoring.model_name.value.encode()),
        (b"model-version", scoring.model_version.value.encode()),
        # nginx would keep verdicts until it has many.
        (b"x-accel-buffering", b"no"),
    ]
