"""What the OpenAPI document says of bodies that are no messages: streams of lines, and of Arrow.

They carry records alone, so what else a message would name stands in the query.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from vehicle_anomaly.adapters.inbound.http.negotiation import NDJSON
from vehicle_anomaly.adapters.inbound.wire.arrow import MAX_BATCHES
from vehicle_anomaly.adapters.inbound.wire.arrow_requests import ARROW_STREAM
from vehicle_anomaly.adapters.inbound.wire.fields import (
    ExplainText,
    FalseAlarmRate,
    ModelNameText,
    ModelVersionText,
)

_ARROW_COLUMNS: Final = (
    "An Arrow IPC stream: columns vehicle_id, timestamp and one per feature; null is a missing reading. "
    f"At most {MAX_BATCHES} record batches. "
    "What else a message would name stands in the query. Needs the extra `arrow`; without it, 415."
)
_ARROW_ANSWERS: Final = "An Arrow IPC stream of verdicts, a column per field, to who prefers it (`Accept`)."
_LINES: Final = (
    "One record a line, of any number; they are answered while the rest is still on its way. "
    "What else a message would name stands in the query, and one version answers the whole stream."
)
_LINE_ANSWERS: Final = (
    "One line per record, in order: its verdict, as `/score` answers it, or, where the line is wrong, the "
    "problem with the line's number as `line`."
)
_LINE_EXAMPLE: Final = {
    "vehicle_id": "veh-017",
    "timestamp": "2026-11-22T10:00:00Z",
    "feature_vector": [2150.0, 61.0, None],
}


@dataclass(frozen=True, slots=True)
class Bulk:
    """Bodies of one operation besides its messages, by media type, and what stands in the query for them."""

    request: Mapping[str, Any]
    answer: Mapping[str, Any]
    query: tuple[dict[str, Any], ...]


def _binary(description: str) -> dict[str, Any]:
    return {"schema": {"type": "string", "format": "binary", "description": description}}


def _lines(description: str, example: str | None = None) -> dict[str, Any]:
    described: dict[str, Any] = {"schema": {"type": "string", "description": description}}
    return described if example is None else {**described, "example": example}


_STREAMS_ONLY: Final = (
    "For streams only: a message names it in its body, and is refused with it in the query."
)
EXPLAIN_PARAMETER: Final[dict[str, Any]] = {
    "name": "explain",
    "in": "query",
    "required": False,
    "description": "Which verdicts are explained; what a message says in its body counts more.",
    "schema": msgspec.json.schema(ExplainText),
}


def _query(name: str, kind: Any, what: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": f"{what} {_STREAMS_ONLY}",
        "schema": msgspec.json.schema(kind),
    }


_MODEL: Final = (
    _query("model_name", ModelNameText, "The model; `default` if it is not given."),
    _query("model_version", ModelVersionText, "Its version; the latest, or one of the service's naming."),
)

BULK: Final[Mapping[str, Bulk]] = {
    "ingest": Bulk(
        {ARROW_STREAM: _binary(_ARROW_COLUMNS)},
        {},
        (*_MODEL, _query("false_alarm_rate", FalseAlarmRate, "What the model is trained for.")),
    ),
    "compareOnPosted": Bulk(
        {NDJSON: _lines("One record a line.", msgspec.json.encode(_LINE_EXAMPLE).decode() + "\n")}, {}, ()
    ),
    "scoreBatch": Bulk(
        {
            NDJSON: _lines(_LINES, msgspec.json.encode(_LINE_EXAMPLE).decode() + "\n"),
            ARROW_STREAM: _binary(_ARROW_COLUMNS),
        },
        {NDJSON: _lines(_LINE_ANSWERS), ARROW_STREAM: _binary(_ARROW_ANSWERS)},
        (*_MODEL, EXPLAIN_PARAMETER),
    ),
}
"""By operation."""
