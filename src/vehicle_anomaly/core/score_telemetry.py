"""The use case: say of each reading whether something is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from vehicle_anomaly.core import kernel
from vehicle_anomaly.core.errors import EmptyBatch
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelName, ModelVersion
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads
from vehicle_anomaly.core.telemetry import Reading


@dataclass(frozen=True, slots=True)
class ScoreTelemetryCommand:
    """Score readings with a version of a model; with its latest when none is named.

    Raises:
        EmptyBatch: There is no reading.
    """

    readings: Sequence[Reading]
    model_name: ModelName = DEFAULT_MODEL_NAME
    model_version: ModelVersion | None = None

    def __post_init__(self) -> None:
        if not self.readings:
            raise EmptyBatch


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the model says of one reading.

    Attributes:
        vehicle_id: Of the reading.
        timestamp: Of the reading.
        anomaly_score: scikit-learn's `decision_function`: negative is anomalous.
        is_anomaly: Whether something is wrong.
        missing: Features that had no value and were scored as the training median: their names, or their
            positions when the model has no names.
    """

    vehicle_id: str
    timestamp: datetime
    anomaly_score: float
    is_anomaly: bool
    missing: tuple[str, ...] | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One verdict per reading, in order, and the version that gave them."""

    model_name: ModelName
    model_version: ModelVersion
    verdicts: Sequence[Verdict]


@dataclass(frozen=True, slots=True)
class ScoreTelemetry:
    """Scores readings against a model.

    Attributes:
        models: Where models come from.
        threads: Where large batches are scored.
    """

    models: ModelRepository
    threads: ScoringThreads = THIS_THREAD

    def __call__(self, command: ScoreTelemetryCommand) -> Verdicts:
        """Score.

        Raises:
            UnknownModel: The model has no version.
            UnknownModelVersion: The model has no such version.
            WrongFeatureCount: A vector is not as long as the model wants it.
            UnknownFeature: A reading names a feature that the model does not have.
            UnnamedFeatures: A reading names features and the model's have no names.
            InvalidReading: A value is infinite or beyond float32.
            DamagedModel: The version is not what was published.
            ModelStoreUnavailable: The model could not be read.
        """
        name = command.model_name
        model = self.models.load(name, command.model_version or self.models.latest(name))
        X = model.matrix([reading.values for reading in command.readings])
        scores = model.score(X, self.threads).tolist()
        missing = _missing(X, model.metadata.feature_names)
        verdicts = [
            Verdict(reading.vehicle_id, reading.timestamp, score, score < 0, absent)
            for reading, score, absent in zip(command.readings, scores, missing, strict=True)
        ]
        return Verdicts(name, model.metadata.model_version, verdicts)


def _missing(X: np.ndarray, names: tuple[str, ...] | None) -> list[tuple[str, ...] | tuple[int, ...]]:
    missing: list[tuple[str, ...] | tuple[int, ...]] = [()] * len(X)
    if not kernel.any_missing(X):
        return missing
    isnan = np.isnan(X)
    for row in np.flatnonzero(isnan.any(axis=1)).tolist():
        positions = np.flatnonzero(isnan[row]).tolist()
        missing[row] = tuple(positions) if names is None else tuple(names[position] for position in positions)
    return missing
