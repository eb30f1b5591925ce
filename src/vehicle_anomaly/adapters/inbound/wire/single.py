"""One reading from request to answer, for who answers at once and keeps neither command nor verdicts."""

from dataclasses import dataclass
from typing import Self

from vehicle_anomaly.adapters.inbound.wire.answers import (
    VerdictResponse,
    explanation_response,
    reason_responses,
)
from vehicle_anomaly.adapters.inbound.wire.commands import named_version
from vehicle_anomaly.adapters.inbound.wire.readings import instant, values_of
from vehicle_anomaly.adapters.inbound.wire.requests import ScoreRequest
from vehicle_anomaly.core.explaining import Explain
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.score_telemetry import Score, ScoreTelemetry
from vehicle_anomaly.core.telemetry import NamedValues, Vector


@dataclass(slots=True)
class SingleRequest:
    """A request to score one reading, checked as `commands.score_command` checks it.

    Attributes:
        vehicle_id: Of the reading.
        timestamp: Of the reading, as it is to be answered.
        values: What was measured.
        name: The model.
        version: Its version; None is the latest.
        explain: Whether the verdict is explained; None for the service's choice.
    """

    vehicle_id: str
    timestamp: str
    values: Vector | NamedValues
    name: ModelName
    version: ModelVersion | None
    explain: Explain | None

    @classmethod
    def of(cls, request: ScoreRequest) -> Self:
        """Check a decoded request.

        Raises:
            MalformedMessage: Its timestamp or its values are none.
            Refusal: Its names are not valid.
        """
        name, version = named_version(request)
        _, timestamp = instant(request.timestamp)
        return cls(request.vehicle_id, timestamp, values_of(request), name, version, request.explain)

    def answer(self, score_telemetry: ScoreTelemetry) -> VerdictResponse:
        """Score the reading and say its verdict; raises as `ScoreTelemetry`."""
        return self._told(score_telemetry.score_one(self.values, self.name, self.version, self.explain))

    def answer_by(self, model: TrainedModel, score_telemetry: ScoreTelemetry) -> VerdictResponse:
        """Do the same by a version that is at hand.

        Raises:
            Refusal: As `ScoreTelemetry`.
        """
        return self._told(score_telemetry.score_by(model, self.values, self.explain))

    def _told(self, score: Score) -> VerdictResponse:
        return VerdictResponse(
            self.vehicle_id,
            self.timestamp,
            score.model_name.value,
            score.model_version.value,
            score.anomaly_score,
            bool(score.reasons),
            score.missing,
            reason_responses(score.reasons) if score.reasons else (),
            score.percentile,
            None if score.explanation is None else explanation_response(score.explanation),
        )
