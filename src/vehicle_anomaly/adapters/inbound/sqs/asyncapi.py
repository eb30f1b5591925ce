"""The AsyncAPI 3 document, with schemas made from the very types that decode and encode.

https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from vehicle_anomaly.adapters.inbound.sqs import asyncapi_examples as examples
from vehicle_anomaly.adapters.inbound.sqs import messages
from vehicle_anomaly.adapters.inbound.sqs.object_events import EventNotification
from vehicle_anomaly.adapters.inbound.wire.requests import TelemetryRecord

_REQUESTS: Final = "requests"
_RESULTS: Final = "results"
_SCHEMA: Final = "#/components/schemas/{name}"


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of message.

    Attributes:
        identity: Its name in the document; its tag, if it has one.
        kind: The type of its body.
        example: Of its body.
        channel: The queue that it stands in.
    """

    identity: str
    kind: Any
    example: Mapping[str, Any]
    channel: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A request and what may answer it.

    Attributes:
        identity: Its name in the document.
        summary: What the worker does.
        request: The message that asks for it.
        results: The messages that answer.
    """

    identity: str
    summary: str
    request: str
    results: tuple[str, ...]


MESSAGES: Final = (
    Message("ingest", messages.IngestMessage[TelemetryRecord], examples.INGEST, _REQUESTS),
    Message("score", messages.ScoreMessage, examples.SCORE, _REQUESTS),
    Message("score_batch", messages.ScoreBatchMessage[TelemetryRecord], examples.SCORE_BATCH, _REQUESTS),
    Message("object_created", EventNotification, examples.OBJECT_CREATED, _REQUESTS),
    Message("ingested", messages.IngestedMessage, examples.INGESTED, _RESULTS),
    Message("scored", messages.ScoredMessage, examples.SCORED, _RESULTS),
    Message("scored_batch", messages.ScoredBatchMessage, examples.SCORED_BATCH, _RESULTS),
    Message("scored_object", messages.ScoredObjectMessage, examples.SCORED_OBJECT, _RESULTS),
    Message("refused", messages.RefusedMessage, examples.REFUSED, _RESULTS),
)

OPERATIONS: Final = (
    Operation("ingest", "Train a model on a batch of telemetry", "ingest", ("ingested", "refused")),
    Operation("score", "Say of one reading whether something is wrong", "score", ("scored", "refused")),
    Operation(
        "scoreBatch",
        "Say of each reading in a batch whether something is wrong",
        "score_batch",
        ("scored_batch", "refused"),
    ),
    Operation(
        "scoreObject",
        "Say of each reading in an object that lands in S3 whether something is wrong",
        "object_created",
        ("scored_object", "refused"),
    ),
)

_HEADERS: Final = {
    "type": "object",
    "description": "Message attributes, of the type String; others are ignored.",
    "properties": {
        "correlation_id": {
            "type": "string",
            "description": "What the producer knows the request by; the result has it again.",
        },
        "traceparent": {
            "type": "string",
            "description": "W3C Trace Context; the worker continues the trace.",
        },
        "tracestate": {"type": "string", "description": "W3C Trace Context."},
    },
}


def asyncapi_document(version: str) -> dict[str, Any]:
    """Return the document.

    Args:
        version: Of the service.
    """
    kinds = [each.kind for each in MESSAGES]
    references, schemas = msgspec.json.schema_components(kinds, ref_template=_SCHEMA)
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "vehicle-anomaly",
            "version": version,
            "description": "Learns what normal vehicle telemetry looks like and scores new readings against "
            "it. Delivery is at least once: a request that is delivered again has the same effect as one, "
            "and the same result under the same `request_id`. A body that is no request ends in the "
            "dead-letter queue of the request queue, untouched.",
            "license": {"name": "MIT", "url": "https://spdx.org/licenses/MIT.html"},
        },
        "defaultContentType": "application/json",
        "channels": {
            _REQUESTS: _channel(_REQUESTS, "The queue that REQUEST_QUEUE_URL names."),
            _RESULTS: _channel(_RESULTS, "The queue that RESULT_QUEUE_URL names."),
        },
        "operations": {each.identity: _operation(each) for each in OPERATIONS},
        "components": {
            "messages": {
                each.identity: _message(each, schema)
                for each, schema in zip(MESSAGES, references, strict=True)
            },
            "schemas": _either_vector_or_names(schemas),
        },
    }
    # msgspec names a generic type by its parameters; callers have no use for those.
    text = msgspec.json.encode(document).replace(b"_TelemetryRecord_", b"").replace(b"[TelemetryRecord]", b"")
    renamed: dict[str, Any] = msgspec.json.decode(text)
    return renamed


def encoded_document(version: str) -> bytes:
    """Return the document as it is published: JSON, with line ends for readers."""
    return msgspec.json.format(msgspec.json.encode(asyncapi_document(version)), indent=2) + b"\n"


def _channel(name: str, description: str) -> dict[str, Any]:
    found = [each.identity for each in MESSAGES if each.channel == name]
    told = {identity: {"$ref": f"#/components/messages/{identity}"} for identity in found}
    # Which queue it is, the deployment says.
    return {"address": None, "title": name.capitalize(), "description": description, "messages": told}


def _operation(each: Operation) -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{_REQUESTS}"},
        "summary": each.summary,
        "messages": [{"$ref": f"#/channels/{_REQUESTS}/messages/{each.request}"}],
        "reply": {
            "channel": {"$ref": f"#/channels/{_RESULTS}"},
            "messages": [{"$ref": f"#/channels/{_RESULTS}/messages/{name}"} for name in each.results],
        },
    }


def _message(each: Message, schema: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": each.identity,
        "summary": (each.kind.__doc__ or getattr(each.kind, "__origin__", each.kind).__doc__).partition("\n")[
            0
        ],
        "contentType": "application/json",
        "payload": schema,
    }
    example: dict[str, Any] = {"name": each.identity, "payload": each.example}
    if each.kind is not EventNotification:
        # S3 sends no attributes.
        told |= {"headers": _HEADERS, "correlationId": {"location": "$message.header#/correlation_id"}}
        example["headers"] = examples.HEADERS
    return {**told, "examples": [example]}


def _either_vector_or_names(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Say of records what their type cannot: one of the two fields, not both."""
    one_of = [{"required": ["feature_vector"]}, {"required": ["features"]}]
    records = (TelemetryRecord.__name__, messages.ScoreMessage.__name__)
    return {
        name: {**schema, "oneOf": one_of} if name in records else schema for name, schema in schemas.items()
    }
