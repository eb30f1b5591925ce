"""Bodies that are Arrow streams: what they name in the query, and their answers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from litestar.types import ASGIApp, HTTPScope

from vehicle_anomaly.adapters.inbound.http.answer import Answer
from vehicle_anomaly.adapters.inbound.http.doorkeeper import permit
from vehicle_anomaly.adapters.inbound.http.headers import header
from vehicle_anomaly.adapters.inbound.http.negotiation import UnsupportedMediaType, answer_to, liked_best
from vehicle_anomaly.adapters.inbound.http.parts import HttpParts
from vehicle_anomaly.adapters.inbound.http.query import (
    SCORED,
    TRAINED,
    explain_in,
    false_alarm_rate_in,
    parameters,
)
from vehicle_anomaly.adapters.inbound.http.watching import note_model
from vehicle_anomaly.adapters.inbound.wire.answers import IngestResponse, ingest_response
from vehicle_anomaly.adapters.inbound.wire.arrow import read_stream
from vehicle_anomaly.adapters.inbound.wire.arrow_requests import (
    ARROW_STREAM,
    arrow_answer,
    arrow_train_command,
    named,
    score_columns,
)
from vehicle_anomaly.adapters.inbound.wire.pyarrow_extra import ArrowMissing
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelName

Result = TypeVar("Result")


def is_arrow(scope: HTTPScope) -> bool:
    """Tell whether a request's body is an Arrow stream.

    Raises:
        UnsupportedMediaType: It is, and compressed as a whole.
    """
    if header(scope, b"content-type", "").partition(";")[0].strip().lower() != ARROW_STREAM:
        return False
    content_encoding = header(scope, b"content-encoding", "identity")
    if content_encoding.strip().lower() != "identity":
        raise UnsupportedMediaType(f"Content-Encoding: expected none, got {content_encoding[:80]!r}")
    return True


def train_on_arrow(parts: HttpParts, scope: HTTPScope, body: bytes, by: str) -> IngestResponse:
    """Train on a stream; `by` is who trains.

    Raises:
        UnsupportedMediaType: pyarrow is not installed.
        AccessDenied: The caller may not name the model.
        MalformedMessage: The stream or the query is not what it should be.
        Refusal: The core refuses the readings or the names.
    """
    given = parameters(scope, TRAINED)
    _permit(scope, given)
    name, version, rate = given.get("model_name"), given.get("model_version"), false_alarm_rate_in(given)
    command = _with_arrow(lambda: arrow_train_command(body, name, version, rate, parts.limits))
    return ingest_response(parts.train_model.published(replace(command, by=by)))


def score_arrow(parts: HttpParts, scope: HTTPScope, body: bytes) -> ASGIApp:
    """Score a stream; answer in Arrow to who likes that best. Raises as `train_on_arrow`."""
    given = parameters(scope, SCORED)
    _permit(scope, given)
    name, version = named(given.get("model_name"), given.get("model_version"))
    explain = explain_in(given)
    told = _with_arrow(lambda: read_stream(body, parts.limits))
    answer = score_columns(told, name, version, parts.score_telemetry, explain)
    note_model(scope, answer.model_name, answer.model_version)
    offered = ["application/json", "application/msgpack", ARROW_STREAM]
    if liked_best(scope, offered) == ARROW_STREAM:
        return Answer(arrow_answer(answer), ARROW_STREAM.encode(), 200)
    return answer_to(scope, answer)


def _permit(scope: HTTPScope, given: Mapping[str, str]) -> None:
    permit(scope, ModelName(given.get("model_name", DEFAULT_MODEL_NAME.value)))


def _with_arrow(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except ArrowMissing as error:
        raise UnsupportedMediaType(f"Content-Type: {error}") from error
