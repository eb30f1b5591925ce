"""What stands in the queues: the bodies of the HTTP API with a tag, and its answers with an id."""

from typing import Annotated, Generic

import msgspec
from msgspec import Meta

from vehicle_anomaly.adapters.inbound.wire.answers import IngestResponse, ScoreBatchResponse, VerdictResponse
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding, MessageDecoder
from vehicle_anomaly.adapters.inbound.wire.fields import ModelNameText, ModelVersionText
from vehicle_anomaly.adapters.inbound.wire.problems import Problem
from vehicle_anomaly.adapters.inbound.wire.requests import (
    IngestRequest,
    Record,
    ScoreBatchRequest,
    ScoreRequest,
)

TAG = "type"


class IngestMessage(IngestRequest[Record], Generic[Record], tag_field=TAG, tag="ingest"):
    """Learn from these readings; answered with `ingested`."""


class ScoreMessage(ScoreRequest, tag_field=TAG, tag="score"):
    """Score this reading; answered with `scored`."""


class ScoreBatchMessage(ScoreBatchRequest[Record], Generic[Record], tag_field=TAG, tag="score_batch"):
    """Score these readings; answered with `scored_batch`."""


RequestMessage = IngestMessage[msgspec.Raw] | ScoreMessage | ScoreBatchMessage[msgspec.Raw]
"""A body of the request queue, its records still to be decoded one by one."""

RequestId = Annotated[str, Meta(description="Message id of the request, the same however often delivered.")]
CorrelationId = Annotated[
    str | None, Meta(description="The request's message attribute of this name; null without one.")
]


class IngestedMessage(IngestResponse, frozen=True, kw_only=True, tag_field=TAG, tag="ingested"):
    """The version that was published."""

    request_id: RequestId
    correlation_id: CorrelationId


class ScoredMessage(VerdictResponse, frozen=True, kw_only=True, tag_field=TAG, tag="scored"):
    """What the model says of the reading."""

    request_id: RequestId
    correlation_id: CorrelationId


class ScoredBatchMessage(ScoreBatchResponse, frozen=True, kw_only=True, tag_field=TAG, tag="scored_batch"):
    """One verdict per record, in order."""

    request_id: RequestId
    correlation_id: CorrelationId


class ScoredObjectMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field=TAG, tag="scored_object"):
    """What the model says of an object that S3 has told of; the verdicts are NDJSON, one a line, in order."""

    request_id: RequestId
    correlation_id: CorrelationId
    bucket: Annotated[str, Meta(description="Bucket of the object and of its verdicts.")]
    key: Annotated[str, Meta(description="Key of the object.")]
    results_key: Annotated[str, Meta(description="Key of the object that holds the verdicts.")]
    model_name: ModelNameText
    model_version: ModelVersionText
    record_count: Annotated[int, Meta(ge=0, description="Readings in the object.")]
    anomaly_count: Annotated[int, Meta(ge=0, description="Readings that are anomalous.")]


class RefusedMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field=TAG, tag="refused"):
    """Why the request is refused. It has changed nothing, and sent again as it is, it is refused again.

    Unless what it names is not available (404), and is later.
    """

    request_id: RequestId
    correlation_id: CorrelationId
    problem: Problem


ResultMessage = IngestedMessage | ScoredMessage | ScoredBatchMessage | ScoredObjectMessage | RefusedMessage
"""A body of the result queue."""

decode_request: MessageDecoder[RequestMessage] = MessageDecoder(
    msgspec.json.Decoder(RequestMessage).decode, Encoding.JSON
)

_encode = msgspec.json.Encoder().encode


def encode_result(result: ResultMessage) -> str:
    """Return a result as the body of a message.

    Of what JSON leaves as it is, SQS takes all but U+FFFE and U+FFFF, which a name may hold
    (https://www.w3.org/TR/REC-xml/#charsets).
    """
    text = _encode(result).decode()
    return text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
