"""Many records → verdicts in columns: what batches and streams share.

The quick way takes records that are all right, and most are. It knows no places: what it cannot take is gone
through again one by one, where everything wrong is found and told.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from vehicle_anomaly.adapters.inbound.wire.answers import (
    ScoreBatchResponse,
    VerdictResponse,
    score_batch_response,
    verdict_responses,
)
from vehicle_anomaly.adapters.inbound.wire.bodies import decode_score_batch, scan_body
from vehicle_anomaly.adapters.inbound.wire.commands import (
    MAX_BATCH_VALUES,
    named_version,
    to_score_batch_command,
)
from vehicle_anomaly.adapters.inbound.wire.decoding import RECORD, SCORE_BATCH, Encoding
from vehicle_anomaly.adapters.inbound.wire.limits import NO_LIMITS, MessageLimits
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.moments import moments
from vehicle_anomaly.adapters.inbound.wire.packed_bodies import decode_packed_score_batch, scan_packed_body
from vehicle_anomaly.adapters.inbound.wire.readings import (
    check_record_size,
    instant,
    look_through,
    values_of,
)
from vehicle_anomaly.adapters.inbound.wire.repeated_keys import stand_once
from vehicle_anomaly.adapters.inbound.wire.requests import ScoreBatchRequest, TelemetryRecord
from vehicle_anomaly.adapters.inbound.wire.scanned import Scanned
from vehicle_anomaly.adapters.inbound.wire.verdict_texts import verdict_texts
from vehicle_anomaly.core.errors import EmptyBatch, InvalidTelemetry
from vehicle_anomaly.core.explaining import Explain
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.score_telemetry import Scores, ScoreTelemetry

# Offsets from UTC lead beyond what a datetime can hold at its ends only.
_FIRST_YEAR: Final = 2
_LAST_YEAR: Final = 9998


# Decoding holds the interpreter, and other callers wait: some milliseconds for as much as this.
_DECODED_AT_ONCE_BYTES: Final = 1024 * 1024

# Of a record decoded some ten times its size is kept: of many, only once all of them are known to be right.
_KEPT_UNSEEN: Final = 10_000

_WHOLE: Final[dict[Encoding, Any]] = {
    Encoding.JSON: msgspec.json.Decoder(ScoreBatchRequest[TelemetryRecord]),
    Encoding.MSGPACK: msgspec.msgpack.Decoder(ScoreBatchRequest[TelemetryRecord]),
}

_NOT_QUICK = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, MalformedMessage, InvalidTelemetry)


Permit = Callable[[ModelName], None]
"""Raises for a model that the caller may not name."""


def _anybody(_: ModelName) -> None:
    pass


def score_batch(
    message: bytes,
    encoding: Encoding,
    score_telemetry: ScoreTelemetry,
    permit: Permit = _anybody,
    limits: MessageLimits = NO_LIMITS,
) -> ScoreBatchResponse:
    """Answer a request to score a batch.

    Raises:
        Exception: What `permit` raises.
        MalformedMessage: The message cannot be decoded.
        Refusal: The core refuses its records, the names or the model.
        DamagedModel: The version is not what was published.
        ModelStoreUnavailable: The model could not be read.
    """
    if len(message) <= _DECODED_AT_ONCE_BYTES:
        try:
            request = _WHOLE[encoding].decode(message)
            limits.check_records(request.records)
            # `records` stands beside them; with any other name it is gone through one by one.
            if encoding is not Encoding.JSON or stand_once(message, request.records, beside=1):
                return _answer(request, request.records, score_telemetry, permit)
        except _NOT_QUICK:
            pass
    elif encoding is Encoding.MSGPACK:
        answer = _packed_answer(message, score_telemetry, permit, limits)
        if answer is not None:
            return answer
    return score_split_batch(SCORE_BATCH[encoding](message), encoding, score_telemetry, permit, limits)


def score_batch_for_json(
    message: bytes,
    score_telemetry: ScoreTelemetry,
    permit: Permit = _anybody,
    limits: MessageLimits = NO_LIMITS,
) -> "ScoreBatchResponse | SplicedScoreBatch":
    """Answer a request in JSON to score a batch, as `score_batch`, for who encodes the answer as JSON."""
    answer = _scanned_answer(message, score_telemetry, permit, limits)
    return answer or score_batch(message, Encoding.JSON, score_telemetry, permit, limits)


def _scanned_answer(
    message: bytes, score_telemetry: ScoreTelemetry, permit: Permit, limits: MessageLimits
) -> "SplicedScoreBatch | None":
    read = scan_body(message, decode_score_batch, MAX_BATCH_VALUES)
    if read is None:
        return None
    request, scanned = read
    scores = _score_scanned(request, scanned, score_telemetry, permit, limits)
    if scores is None:
        return None
    verdicts = verdict_texts(scanned, scores, b",")
    results = msgspec.Raw(b"[%b]" % verdicts[:-1])
    return SplicedScoreBatch(scores.model_name.value, scores.model_version.value, results)


def _packed_answer(
    message: bytes, score_telemetry: ScoreTelemetry, permit: Permit, limits: MessageLimits
) -> ScoreBatchResponse | None:
    read = scan_packed_body(message, decode_packed_score_batch, MAX_BATCH_VALUES)
    if read is None:
        return None
    request, scanned = read
    scores = _score_scanned(request, scanned, score_telemetry, permit, limits)
    if scores is None:
        return None
    vehicle_ids, timestamps = zip(*scanned.told(range(len(scanned))), strict=True)
    answers = verdict_responses(scores, vehicle_ids, timestamps)
    return ScoreBatchResponse(scores.model_name.value, scores.model_version.value, answers)


def _score_scanned(
    request: ScoreBatchRequest[Any],
    scanned: Scanned,
    score_telemetry: ScoreTelemetry,
    permit: Permit,
    limits: MessageLimits,
) -> Scores | None:
    limits.check_records(scanned)
    name, version = named_version(request)
    permit(name)
    try:
        return score_telemetry.score_columns(
            scanned.values, scanned.shape.names, name, version, request.explain, only_by_name=True
        )
    except InvalidTelemetry:
        # It does not say which record is wrong, nor where.
        return None


class SplicedScoreBatch(msgspec.Struct):
    """`ScoreBatchResponse`, the verdicts of which are written already."""

    model_name: str
    model_version: str
    results: msgspec.Raw


def score_split_batch(
    request: ScoreBatchRequest[msgspec.Raw],
    encoding: Encoding,
    score_telemetry: ScoreTelemetry,
    permit: Permit = _anybody,
    limits: MessageLimits = NO_LIMITS,
) -> ScoreBatchResponse:
    """Answer a request whose records are still to be decoded; raises as `score_batch`."""
    limits.check_records(request.records)
    if len(request.records) > _KEPT_UNSEEN:
        named_version(request)
        look_through(request.records, encoding)
    decode = RECORD[encoding]
    try:
        for record in request.records:
            check_record_size(record)
        return _answer(request, [decode(record) for record in request.records], score_telemetry, permit)
    except _NOT_QUICK:
        command, timestamps = to_score_batch_command(request, encoding)
        permit(command.model_name)
        return score_batch_response(score_telemetry(command), timestamps)


def _answer(
    request: ScoreBatchRequest[Any],
    records: Sequence[TelemetryRecord],
    score_telemetry: ScoreTelemetry,
    permit: Permit,
) -> ScoreBatchResponse:
    if not records:
        raise EmptyBatch
    name, version = named_version(request)
    permit(name)
    scores, answers = score_records(records, score_telemetry, name, version, request.explain)
    return ScoreBatchResponse(name.value, scores.model_version.value, answers)


def score_records(
    records: Sequence[TelemetryRecord],
    score_telemetry: ScoreTelemetry,
    name: ModelName,
    version: ModelVersion | None,
    explain: Explain | None = None,
) -> tuple[Scores, list[VerdictResponse]]:
    """Score records that have been decoded.

    Returns:
        What the model says, and the same as answers, in order.

    Raises:
        MalformedMessage: A timestamp or the values of a record are none; not told of which.
        Refusal: The core refuses a record or the model.
    """
    timestamps = _told_timestamps([record.timestamp for record in records])
    values = [values_of(record) for record in records]
    scores = score_telemetry.score_values(values, name, version, explain)
    vehicle_ids = (record.vehicle_id for record in records)
    return scores, verdict_responses(scores, vehicle_ids, timestamps)


def _told_timestamps(timestamps: list[str]) -> list[str]:
    try:
        told = moments(timestamps)
    except msgspec.ValidationError as error:
        raise MalformedMessage(()) from error
    if all(moment.tzinfo is not None and _FIRST_YEAR <= moment.year <= _LAST_YEAR for moment in told):
        return timestamps
    return [instant(timestamp)[1] for timestamp in timestamps]
