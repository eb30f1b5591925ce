"""A stream of records, one a line, answered line by line while it comes.

Nothing is asked for that could not be answered: no more of the body is read than one part beyond those that
are being scored, and no more is scored than the caller takes. So a slow reader slows the producer, and memory
stays flat.
"""

import asyncio
from collections import deque
from itertools import islice
from typing import Any, Final

from litestar.types import HTTPScope, Receive, Send

from vehicle_anomaly.adapters.inbound.http.doorkeeper import permit
from vehicle_anomaly.adapters.inbound.http.negotiation import NDJSON
from vehicle_anomaly.adapters.inbound.http.parts import HttpParts
from vehicle_anomaly.adapters.inbound.http.query import SCORED, explain_in, parameters
from vehicle_anomaly.adapters.inbound.http.threads import in_thread
from vehicle_anomaly.adapters.inbound.http.watching import note_model
from vehicle_anomaly.adapters.inbound.wire.line_blocks import LineBlock, LineBlocks
from vehicle_anomaly.adapters.inbound.wire.line_scoring import LineScoring
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelName, ModelVersion

# A problem may be a hundred times as long as its line: this bounds what is answered at once.
_LINES_AT_ONCE: Final = 1000
# One is decoded or encoded while the other is in the kernel, which leaves the interpreter alone.
_SIDE_BY_SIDE: Final = 2


async def score_lines(parts: HttpParts, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Answer a stream.

    Raises:
        AccessDenied: The caller may not name the model.
        MalformedMessage: The query is not what it should be.
        Refusal: The names are none, or there is no such version.
        DamagedModel: The version is not what was published.
        ModelStoreUnavailable: The model could not be read.
    """
    scoring = await in_thread(_pin, parts, scope)
    note_model(scope, scoring.model_name.value, scoring.model_version.value)
    # Before the answer begins: this asks for the body where a caller waits to be asked.
    first = await receive()
    if first["type"] != "http.request":
        # The caller is gone.
        return
    await send({"type": "http.response.start", "status": 200, "headers": _headers(scoring)})
    answers = _Answers(scoring)
    try:
        if await answers.follow(first, receive, send):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        answers.cancel()


class _Answers:
    """What has been read and is being scored: two parts side by side, while the next is received."""

    def __init__(self, scoring: LineScoring) -> None:
        self._scoring = scoring
        self._lines = LineBlocks(scoring.limits.line_bytes)
        self._waiting = LineBlock.empty(1)
        self._scored: deque[asyncio.Task[bytes]] = deque()
        self._message: asyncio.Task[Any] | None = None

    async def follow(self, first: Any, receive: Receive, send: Send) -> bool:
        """Answer all that comes; return whether it came to its end."""
        more = self._take(first)
        while more or self._scored:
            if more and self._message is None and self._waiting.n_lines < _LINES_AT_ONCE:
                self._message = asyncio.create_task(_received(receive))
            # A verdict is sent as soon as it is there, though the caller pauses and sends nothing.
            awaited = [*([self._message] if self._message else []), *islice(self._scored, 1)]
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if self._scored and self._scored[0].done():
                answered = self._scored.popleft().result()
                self._begin()
                if answered:
                    # Waits while the caller takes nothing.
                    await send({"type": "http.response.body", "body": answered, "more_body": True})
            elif self._message is not None and self._message.done():
                message = self._message.result()
                self._message = None
                if message["type"] != "http.request":
                    return False
                more = self._take(message)
        return True

    def cancel(self) -> None:
        """Receive and score nothing more."""
        for task in (*self._scored, *([self._message] if self._message else [])):
            task.cancel()

    def _take(self, message: Any) -> bool:
        more = bool(message.get("more_body", False))
        self._waiting = self._waiting.followed_by(self._lines.feed(message["body"]))
        if not more:
            self._waiting = self._waiting.followed_by(self._lines.end())
        self._begin()
        return more

    def _begin(self) -> None:
        while self._waiting.text and len(self._scored) < _SIDE_BY_SIDE:
            part, self._waiting = self._waiting.cut(_LINES_AT_ONCE)
            self._scored.append(asyncio.create_task(in_thread(self._scoring, part)))


async def _received(receive: Receive) -> Any:
    return await receive()


def _pin(parts: HttpParts, scope: HTTPScope) -> LineScoring:
    """Choose the version that scores the whole stream, and see to it that it loads."""
    given = parameters(scope, SCORED)
    explain = explain_in(given)
    name = ModelName(given.get("model_name", DEFAULT_MODEL_NAME.value))
    permit(scope, name)
    version = ModelVersion(given["model_version"]) if "model_version" in given else parts.models.latest(name)
    model = parts.models.load(name, version).metadata
    return LineScoring.by(parts.score_telemetry, model, explain, parts.limits)


def _headers(scoring: LineScoring) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", NDJSON.encode()),
        (b"model-name", scoring.model_name.value.encode()),
        (b"model-version", scoring.model_version.value.encode()),
        # nginx would keep verdicts until it has many.
        (b"x-accel-buffering", b"no"),
    ]
