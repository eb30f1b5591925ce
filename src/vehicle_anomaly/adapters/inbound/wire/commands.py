"""Messages → commands: what every driver does once it has the bytes of a request."""

from functools import lru_cache
from typing import Any

import msgspec

from vehicle_anomaly.adapters.inbound.wire import decoding
from vehicle_anomaly.adapters.inbound.wire.bodies import decode_ingest, scan_body
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.limits import NO_LIMITS, MessageLimits
from vehicle_anomaly.adapters.inbound.wire.packed_bodies import decode_packed_ingest, scan_packed_body
from vehicle_anomaly.adapters.inbound.wire.readings import decode_readings, to_batch, to_reading
from vehicle_anomaly.adapters.inbound.wire.requests import IngestRequest, ScoreBatchRequest, ScoreRequest
from vehicle_anomaly.adapters.inbound.wire.vector_batches import scanned_batch, vector_batch
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.score_telemetry import ScoreTelemetryCommand
from vehicle_anomaly.core.train_model import TrainModelCommand

MAX_BATCH_VALUES = 50_000_000
"""Of a batch in a message: 400 MB in memory, a million readings of fifty features."""


def train_model_command(
    message: bytes, encoding: Encoding, limits: MessageLimits = NO_LIMITS
) -> TrainModelCommand:
    """Read a request to train.

    Raises:
        MalformedMessage: The message cannot be decoded.
        Refusal: Its records or names are not valid, or too many.
    """
    read = (
        scan_body(message, decode_ingest, MAX_BATCH_VALUES)
        if encoding is Encoding.JSON
        else scan_packed_body(message, decode_packed_ingest, MAX_BATCH_VALUES)
    )
    if read is not None:
        request, scanned = read
        batch = scanned_batch(scanned, request.feature_names, MAX_BATCH_VALUES)
        if batch is not None:
            name, version = named_version(request)
            return limits.checked(TrainModelCommand(batch, name, version, request.false_alarm_rate))
    return to_train_model_command(decoding.INGEST[encoding](message), encoding, limits)


def to_train_model_command(
    request: IngestRequest[msgspec.Raw], encoding: Encoding, limits: MessageLimits = NO_LIMITS
) -> TrainModelCommand:
    """Read a request to train whose records are still to be decoded; raises as `train_model_command`."""
    limits.check_records(request.records)
    name, version = named_version(request)
    batch = vector_batch(request.records, request.feature_names, encoding, MAX_BATCH_VALUES)
    if batch is None:
        readings = (reading for reading, _ in decode_readings(request.records, encoding))
        batch = to_batch(readings, request.feature_names, MAX_BATCH_VALUES)
    return limits.checked(TrainModelCommand(batch, name, version, request.false_alarm_rate))


def score_command(message: bytes, encoding: Encoding) -> tuple[ScoreTelemetryCommand, str]:
    """Read a request to score one reading.

    Returns:
        The command, and the reading's timestamp as it is to be answered.

    Raises:
        MalformedMessage: The message cannot be decoded.
        Refusal: Its reading or names are not valid.
    """
    return to_score_command(decoding.SCORE[encoding](message))


def to_score_command(request: ScoreRequest) -> tuple[ScoreTelemetryCommand, str]:
    """Read a decoded request to score one reading; returns and raises as `score_command`."""
    name, version = named_version(request)
    reading, timestamp = to_reading(request)
    return ScoreTelemetryCommand((reading,), name, version, request.explain), timestamp


def score_batch_command(message: bytes, encoding: Encoding) -> tuple[ScoreTelemetryCommand, list[str]]:
    """Read a request to score a batch.

    Returns:
        The command, and the readings' timestamps as they are to be answered.

    Raises:
        MalformedMessage: The message cannot be decoded.
        Refusal: Its readings or names are not valid.
    """
    return to_score_batch_command(decoding.SCORE_BATCH[encoding](message), encoding)


def to_score_batch_command(
    request: ScoreBatchRequest[msgspec.Raw], encoding: Encoding
) -> tuple[ScoreTelemetryCommand, list[str]]:
    """Read a request to score a batch whose records are still to be decoded; as `score_batch_command`."""
    name, version = named_version(request)
    decoded = list(decode_readings(request.records, encoding))
    readings = [reading for reading, _ in decoded]
    command = ScoreTelemetryCommand(readings, name, version, request.explain)
    return command, [timestamp for _, timestamp in decoded]


def named_version(
    request: ScoreRequest | ScoreBatchRequest[Any] | IngestRequest[Any],
) -> tuple[ModelName, ModelVersion | None]:
    """Return the model that a request names, and the version if it names one.

    Raises:
        InvalidModelName: It is none.
        InvalidModelVersion: It is none.
    """
    version = request.model_version
    return model_name(request.model_name), None if version is None else ModelVersion(version)


@lru_cache(maxsize=256)
def model_name(text: str) -> ModelName:
    """Return the name that a text is; most messages name the same few.

    Raises:
        InvalidModelName: It is none.
    """
    return ModelName(text)
