"""The use case: say what would be answered differently if another version answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.errors import (
    Flaw,
    IncomparableVersions,
    NoTrainingSample,
    UnknownFeature,
    UnnamedFeatures,
    WrongFeatureCount,
)
from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.core.reasons import Reason
from vehicle_anomaly.core.score_telemetry import Scores, ScoreTelemetry
from vehicle_anomaly.core.telemetry import MAX_FLAWS, TelemetryBatch

MAX_EXAMPLES: Final = 5
"""Of each change."""

Source = Literal["training_sample", "posted"]
Difference = Literal["newly_anomalous", "no_longer_anomalous"]


@dataclass(frozen=True, slots=True, eq=False)
class CompareVersionsCommand:
    """Compare a version with another.

    Attributes:
        model_name: The model.
        model_version: The version that might answer.
        other: The one it is compared with; None is the latest.
        batch: What both score; None: a sample of what `model_version` was trained on. Vectors are in the
            order of `model_version`.
    """

    model_name: ModelName
    model_version: ModelVersion
    other: ModelVersion | None = None
    batch: TelemetryBatch | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A reading that the two versions judge differently.

    Attributes:
        record: Where it stood in the batch.
        vehicle_id: Of the reading; None in a training sample, which does not keep it.
        timestamp: Of the reading; None likewise.
        difference: What changes.
        anomaly_score: By the version.
        other_anomaly_score: By the other.
        reasons: Of whichever calls it an anomaly.
    """

    record: int
    vehicle_id: str | None
    timestamp: datetime | None
    difference: Difference
    anomaly_score: float
    other_anomaly_score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class ScoreShift:
    """How much higher the version scores than the other; above 0 is more normal."""

    mean: float
    lowest: float
    median: float
    highest: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What would be answered differently.

    Attributes:
        model_name: The model.
        model_version: The version that might answer.
        other_version: The one it is compared with.
        source: Where the readings are from.
        n_readings: That were scored by both.
        newly_anomalous: Anomalies by the version alone.
        no_longer_anomalous: Anomalies by the other alone.
        both_anomalous: Anomalies by both.
        shift: Of the scores.
        added_features: That the other version does not have.
        removed_features: That only the other version has.
        examples: Of readings that are judged differently, those whose score moves most first.
        guarded: Whether guards took part; else the forest alone has judged.
    """

    model_name: ModelName
    model_version: ModelVersion
    other_version: ModelVersion
    source: Source
    n_readings: int
    newly_anomalous: int
    no_longer_anomalous: int
    both_anomalous: int
    shift: ScoreShift
    added_features: tuple[str, ...]
    removed_features: tuple[str, ...]
    examples: tuple[Example, ...]
    guarded: bool


@dataclass(frozen=True, slots=True)
class CompareVersions:
    """Scores the same readings with two versions, as each would be answered."""

    score_telemetry: ScoreTelemetry
    models: ModelRepository

    def __call__(self, command: CompareVersionsCommand) -> Comparison:
        """Compare.

        Raises:
            UnknownModel: No version is the latest, and none was named.
            UnknownModelVersion: There is no such version.
            NoTrainingSample: The version kept no reading of its training, and none was sent.
            IncomparableVersions: The features of the two cannot be told to be the same.
            InvalidTelemetry: The readings do not fit the version.
            DamagedModel: A version is not what was published.
            ModelStoreUnavailable: The store is out of reach.
        """
        name = command.model_name
        known = self.models.metadata(name, command.model_version)
        other = self.models.metadata(name, command.other or self.models.latest(name))
        _refuse_incomparable(known, other)
        batch = command.batch
        if batch is None:
            sample = self.models.sample(name, command.model_version)
            if sample is None:
                raise NoTrainingSample(name.value, command.model_version.value)
            values, records = sample.values, sample.records
            names: Sequence[str] | None = known.feature_names
        else:
            values, records = batch.values, np.arange(len(batch.values))
            names = _names(batch, known, other)
        scores = self._scores(known, values, names)
        others = self._scores(other, values, names)
        shift = np.array(scores.anomaly_scores) - np.array(others.anomaly_scores)
        mine, theirs = scores.reasons.keys(), others.reasons.keys()
        examples = [
            _example(row, difference, batch, records, scores, others)
            for difference, rows in _differences(mine - theirs, theirs - mine)
            for row in sorted(rows, key=lambda row: (-abs(shift[row]), row))[:MAX_EXAMPLES]
        ]
        return Comparison(
            model_name=name,
            model_version=known.model_version,
            other_version=other.model_version,
            source="training_sample" if batch is None else "posted",
            n_readings=len(values),
            newly_anomalous=len(mine - theirs),
            no_longer_anomalous=len(theirs - mine),
            both_anomalous=len(mine & theirs),
            shift=_shift(shift),
            added_features=_without(known.feature_names, other.feature_names),
            removed_features=_without(other.feature_names, known.feature_names),
            examples=tuple(examples),
            guarded=self.score_telemetry.guarded,
        )

    def _scores(
        self, version: ModelMetadata, values: NDArray[np.float64], names: Sequence[str] | None
    ) -> Scores:
        if names is not None and version.feature_names is not None:
            # What the version does not know it ignores; what is not there is missing, as in any reading.
            known = frozenset(version.feature_names)
            kept = [column for column, name in enumerate(names) if name in known]
            values, names = values[:, kept], [names[column] for column in kept]
        return self.score_telemetry.score_columns(
            values, names, version.model_name, version.model_version, "never"
        )


def _refuse_incomparable(known: ModelMetadata, other: ModelMetadata) -> None:
    if known.feature_names is not None and other.feature_names is not None:
        if not frozenset(known.feature_names) & frozenset(other.feature_names):
            raise _incomparable(known, other, "they have no feature in common")
    elif known.feature_names is not None or other.feature_names is not None:
        raise _incomparable(known, other, "the features of only one of them have names")
    elif known.n_features != other.n_features:
        counts = f"{known.n_features} and {other.n_features}"
        raise _incomparable(known, other, f"they have {counts} features without names")


def _incomparable(known: ModelMetadata, other: ModelMetadata, reason: str) -> IncomparableVersions:
    name = known.model_name.value
    return IncomparableVersions(name, known.model_version.value, other.model_version.value, reason)


def _names(batch: TelemetryBatch, known: ModelMetadata, other: ModelMetadata) -> Sequence[str] | None:
    """Return the names of a batch's columns; those of the version, for vectors."""
    if batch.feature_names is None:
        if batch.values.shape[1] != known.n_features:
            reason = f"expected {known.n_features} numbers, got {batch.values.shape[1]}"
            raise WrongFeatureCount([Flaw("feature_vector", reason, 0)])
        return known.feature_names
    if known.feature_names is None or other.feature_names is None:
        reason = "expected feature_vector: the features have no names, only positions"
        raise UnnamedFeatures([Flaw("features", reason, 0)])
    strangers = (
        frozenset(batch.feature_names) - frozenset(known.feature_names) - frozenset(other.feature_names)
    )
    if strangers:
        reason = "unknown name: neither version has such a feature"
        raise UnknownFeature([Flaw("features", reason, item=name) for name in sorted(strangers)[:MAX_FLAWS]])
    return batch.feature_names


def _differences(newly: set[int], no_longer: set[int]) -> list[tuple[Difference, set[int]]]:
    return [("newly_anomalous", newly), ("no_longer_anomalous", no_longer)]


def _example(  # noqa: PLR0913, PLR0917  # one of many readings, and all that is known of them
    row: int,
    difference: Difference,
    batch: TelemetryBatch | None,
    records: NDArray[np.int64],
    scores: Scores,
    others: Scores,
) -> Example:
    return Example(
        record=int(records[row]),
        vehicle_id=None if batch is None else batch.vehicle_ids[row],
        timestamp=None
        if batch is None
        else batch.timestamps[row].astype("datetime64[us]").item().replace(tzinfo=UTC),
        difference=difference,
        anomaly_score=scores.anomaly_scores[row],
        other_anomaly_score=others.anomaly_scores[row],
        reasons=(scores if difference == "newly_anomalous" else others).reasons[row],
    )


def _shift(shift: NDArray[np.float64]) -> ScoreShift:
    return ScoreShift(
        mean=float(shift.mean()),
        lowest=float(shift.min()),
        median=float(np.median(shift)),
        highest=float(shift.max()),
    )


def _without(names: tuple[str, ...] | None, others: tuple[str, ...] | None) -> tuple[str, ...]:
    if names is None or others is None:
        return ()
    known = frozenset(others)
    return tuple(name for name in names if name not in known)
