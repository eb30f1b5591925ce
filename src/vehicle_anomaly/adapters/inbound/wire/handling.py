"""Messages → use cases → answers: what every driver does once it has the bytes of a request."""

from dataclasses import dataclass

from vehicle_anomaly.adapters.inbound.wire import decoding
from vehicle_anomaly.adapters.inbound.wire.answers import (
    IngestResponse,
    ScoreBatchResponse,
    VerdictResponse,
    ingest_response,
    score_batch_response,
    verdict_response,
)
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.readings import decode_readings, to_batch, to_reading
from vehicle_anomaly.adapters.inbound.wire.requests import ScoreRequest
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand


@dataclass(frozen=True, slots=True)
class Ingest:
    """Trains a model on the batch in a message."""

    train_model: TrainModel

    def __call__(self, message: bytes, encoding: Encoding) -> IngestResponse:
        """Decode, train and answer.

        Raises:
            MalformedMessage: The message cannot be decoded.
            Refusal: The core refuses it.
        """
        request = decoding.INGEST[encoding](message)
        name, version = ModelName(request.model_name), _version(request.model_version)
        readings = (one for one, _ in decode_readings(request.records, encoding))
        batch = to_batch(readings, request.feature_names)
        return ingest_response(self.train_model(TrainModelCommand(batch, name, version)))


@dataclass(frozen=True, slots=True)
class Score:
    """Scores the reading in a message."""

    score_telemetry: ScoreTelemetry

    def __call__(self, request: ScoreRequest) -> VerdictResponse:
        """Score and answer.

        Raises:
            MalformedMessage: The message holds no reading.
            Refusal: The core refuses it.
        """
        name, version = ModelName(request.model_name), _version(request.model_version)
        reading, timestamp = to_reading(request)
        verdicts = self.score_telemetry(ScoreTelemetryCommand((reading,), name, version))
        return verdict_response(verdicts, verdicts.verdicts[0], timestamp)


@dataclass(frozen=True, slots=True)
class ScoreBatch:
    """Scores the readings in a message."""

    score_telemetry: ScoreTelemetry

    def __call__(self, message: bytes, encoding: Encoding) -> ScoreBatchResponse:
        """Decode, score and answer.

        Raises:
            MalformedMessage: The message cannot be decoded.
            Refusal: The core refuses it.
        """
        request = decoding.SCORE_BATCH[encoding](message)
        name, version = ModelName(request.model_name), _version(request.model_version)
        decoded = list(decode_readings(request.records, encoding))
        readings = [reading for reading, _ in decoded]
        verdicts = self.score_telemetry(ScoreTelemetryCommand(readings, name, version))
        return score_batch_response(verdicts, [timestamp for _, timestamp in decoded])


def _version(text: str | None) -> ModelVersion | None:
    return None if text is None else ModelVersion(text)
