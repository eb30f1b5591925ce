"""The use case: say of each reading whether something is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import numpy as np

from vehicle_anomaly.core import kernel
from vehicle_anomaly.core.column_order import in_order
from vehicle_anomaly.core.errors import EmptyBatch, Flaw, UnnamedFeatures
from vehicle_anomaly.core.explaining import Explain, Explanation, explanations
from vehicle_anomaly.core.judging import judge
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.ports import ModelRepository, ScoreObserver
from vehicle_anomaly.core.reasons import Reason
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads
from vehicle_anomaly.core.telemetry import NamedValues, Reading, Vector
from vehicle_anomaly.core.telling import tell_alone

MissingFeatures = tuple[str, ...] | tuple[int, ...]
"""Features without a value: their names, or their positions when the model has no names."""


@dataclass(frozen=True, slots=True)
class ScoreTelemetryCommand:
    """Score readings with a version of a model; with its latest when none is named.

    Attributes:
        readings: What is scored.
        model_name: The model.
        model_version: Its version; None is the latest.
        explain: Which verdicts are explained; None for the service's choice.

    Raises:
        EmptyBatch: There is no reading.
    """

    readings: Sequence[Reading]
    model_name: ModelName = DEFAULT_MODEL_NAME
    model_version: ModelVersion | None = None
    explain: Explain | None = None

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
        is_anomaly: Whether there is a reason to call it one.
        missing: Features that had no value and were scored as the training median.
        reasons: Why it is an anomaly, the most telling first; none when it is not.
        percentile: Share of healthy readings that score lower, 0 to 1; None when the version does not know.
        explanation: What each feature contributed to the score; None when it is not explained.
    """

    vehicle_id: str
    timestamp: datetime
    anomaly_score: float
    is_anomaly: bool
    missing: MissingFeatures
    reasons: tuple[Reason, ...] = ()
    percentile: float | None = None
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One verdict per reading, in order, and the version that gave them."""

    model_name: ModelName
    model_version: ModelVersion
    verdicts: Sequence[Verdict]


class Score(NamedTuple):
    """What a version says of one reading.

    Attributes:
        model_name: The model.
        model_version: The version.
        anomaly_score: As in `Verdict`.
        missing: As in `Verdict`.
        reasons: As in `Verdict`.
        percentile: As in `Verdict`.
        explanation: As in `Verdict`.
    """

    model_name: ModelName
    model_version: ModelVersion
    anomaly_score: float
    missing: MissingFeatures = ()
    reasons: tuple[Reason, ...] = ()
    percentile: float | None = None
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """What a version says of many readings: columns, which cost less than as many objects.

    Attributes:
        model_name: The model.
        model_version: The version.
        anomaly_scores: One per reading.
        missing: By position of the reading, its features that had no value; only where there are any.
        reasons: By position, why it is an anomaly; only where it is one.
        percentiles: One per reading: share of healthy readings that score lower, 0 to 1; None when the
            version does not know.
        explanations: By position, what each feature contributed to the score; only where that was wanted.
    """

    model_name: ModelName
    model_version: ModelVersion
    anomaly_scores: list[float]
    missing: Mapping[int, MissingFeatures]
    reasons: Mapping[int, tuple[Reason, ...]]
    percentiles: list[float] | None
    explanations: Mapping[int, Explanation]

    def of(self, positions: Sequence[int]) -> "Scores":
        """Return what it says of some of the readings, which have new positions then."""
        return replace(
            self,
            anomaly_scores=[self.anomaly_scores[position] for position in positions],
            missing={new: self.missing[old] for new, old in enumerate(positions) if old in self.missing},
            reasons={new: self.reasons[old] for new, old in enumerate(positions) if old in self.reasons},
            percentiles=None
            if self.percentiles is None
            else [self.percentiles[position] for position in positions],
            explanations={
                new: self.explanations[old] for new, old in enumerate(positions) if old in self.explanations
            },
        )


@dataclass(frozen=True, slots=True)
class ScoreTelemetry:
    """Scores readings against a model.

    Attributes:
        models: Where models come from.
        guarded: Whether a model's guards take part; without, the forest decides alone.
        threads: Where large batches are scored.
        explain: Which verdicts are explained when a request does not say.
        observer: Is told of every score; None when nobody wants to know.
    """

    models: ModelRepository
    guarded: bool = True
    threads: ScoringThreads = THIS_THREAD
    explain: Explain = "anomalies"
    observer: ScoreObserver | None = None

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
        if len(command.readings) == 1:
            reading = command.readings[0]
            one = self.score_one(reading.values, command.model_name, command.model_version, command.explain)
            verdict = Verdict(
                reading.vehicle_id,
                reading.timestamp,
                one.anomaly_score,
                bool(one.reasons),
                one.missing,
                one.reasons,
                one.percentile,
                one.explanation,
            )
            return Verdicts(one.model_name, one.model_version, (verdict,))
        values = [reading.values for reading in command.readings]
        scores = self.score_values(values, command.model_name, command.model_version, command.explain)
        percentiles = scores.percentiles
        verdicts = [
            Verdict(
                reading.vehicle_id,
                reading.timestamp,
                score,
                position in scores.reasons,
                scores.missing.get(position, ()),
                scores.reasons.get(position, ()),
                None if percentiles is None else percentiles[position],
                scores.explanations.get(position),
            )
            for position, (reading, score) in enumerate(
                zip(command.readings, scores.anomaly_scores, strict=True)
            )
        ]
        return Verdicts(scores.model_name, scores.model_version, verdicts)

    def score_one(
        self,
        values: Vector | NamedValues,
        name: ModelName,
        version: ModelVersion | None,
        explain: Explain | None = None,
    ) -> Score:
        """Score what one reading measured; raises as `__call__`.

        Args:
            values: In the model's order, or by name.
            name: The model.
            version: Its version; None is the latest.
            explain: Whether it is explained; None for the service's choice.
        """
        return self.score_by(self.models.load(name, version or self.models.latest(name)), values, explain)

    def score_by(
        self, model: TrainedModel, values: Vector | NamedValues, explain: Explain | None = None
    ) -> Score:
        """Score what one reading measured, by a version that is at hand.

        Args:
            model: The version.
            values: In the model's order, or by name.
            explain: Whether it is explained; None for the service's choice.

        Raises:
            Refusal: As `__call__`.
        """
        explain = explain or self.explain
        alone = model.score_alone(values, guarded=self.guarded)
        if alone is not None:
            score, is_anomaly, is_incomplete = alone
            missing = model.missing(values) if is_incomplete else ()
            if is_anomaly or explain == "always":
                return self._told_alone(model, values, score, missing, explain)
            known = model.metadata
            if self.observer is not None:
                self.observer.scored_one(known.model_name, score)
            healthy = model.healthy_scores
            percentile = None if healthy is None else healthy.percentile(score)
            return Score(known.model_name, known.model_version, score, missing, percentile=percentile)
        scores = self._scores(model, model.matrix([values]), explain)
        return Score(
            scores.model_name,
            scores.model_version,
            scores.anomaly_scores[0],
            scores.missing.get(0, ()),
            scores.reasons.get(0, ()),
            None if scores.percentiles is None else scores.percentiles[0],
            scores.explanations.get(0),
        )

    def _told_alone(
        self,
        model: TrainedModel,
        values: Vector | NamedValues,
        score: float,
        missing: MissingFeatures,
        explain: Explain,
    ) -> Score:
        """Say of a reading whose score is there all that there is to say."""
        reasons, explanation = tell_alone(model, values, score, explain, guarded=self.guarded)
        known = model.metadata
        if self.observer is not None:
            self.observer.scored(known.model_name, np.array([score]), (0,) if reasons else ())
        healthy = model.healthy_scores
        percentile = None if healthy is None else healthy.percentile(score)
        return Score(
            known.model_name,
            known.model_version,
            score,
            missing,
            reasons,
            percentile,
            explanation,
        )

    def score_values(
        self,
        values: Sequence[Vector | NamedValues],
        name: ModelName,
        version: ModelVersion | None,
        explain: Explain | None = None,
    ) -> Scores:
        """Score what readings measured, whoever measured it and when.

        Args:
            values: Of each reading: in the model's order, or by name.
            name: The model.
            version: Its version; None is the latest.
            explain: Which verdicts are explained; None for the service's choice.

        Raises:
            Refusal: As `__call__`.
            DamagedModel: The version is not what was published.
            ModelStoreUnavailable: The model could not be read.
        """
        model = self.models.load(name, version or self.models.latest(name))
        X = model.matrix(values)
        return self._scores(model, X, explain or self.explain)

    def score_columns(  # noqa: PLR0913  # what is to be scored, and by what, and how it is told
        self,
        values: np.ndarray,
        names: Sequence[str] | None,
        name: ModelName,
        version: ModelVersion | None,
        explain: Explain | None = None,
        *,
        only_by_name: bool = False,
    ) -> Scores:
        """Score columns: by name, or by position when the model's features have no names.

        Args:
            values: Shape (n_readings, len(names)), float64; NaN is a missing reading.
            names: Of the columns; a feature without a column is missing in every reading. None: the columns
                are the features in the model's order.
            name: The model.
            version: Its version; None is the latest.
            explain: Which verdicts are explained; None for the service's choice.
            only_by_name: Whether columns that have names are taken by these only.

        Raises:
            UnnamedFeatures: The features have no names, and columns are taken by name only.
            WrongFeatureCount: There are no names, and columns are not as many as the features.
            UnknownFeature: The model does not have a column's feature.
            DamagedModel: The version is not what was published.
            ModelStoreUnavailable: The model could not be read.
        """
        model = self.models.load(name, version or self.models.latest(name))
        feature_names = model.metadata.feature_names
        if only_by_name and names is not None and feature_names is None:
            reason = "expected columns in order: the features have no names, only positions"
            raise UnnamedFeatures([Flaw("features", reason)])
        X = in_order(values, names, model.metadata.n_features, feature_names)
        return self._scores(model, X, explain or self.explain)

    def _scores(self, model: TrainedModel, X: np.ndarray, explain: Explain) -> Scores:
        scores = model.score(X, self.threads)
        reasons = judge(model, X, scores, self.threads, guarded=self.guarded)
        if self.observer is not None:
            self.observer.scored(model.metadata.model_name, scores, reasons.keys())
        explained = {"never": (), "always": range(len(X)), "anomalies": list(reasons)}[explain]
        healthy = model.healthy_scores
        return Scores(
            model.metadata.model_name,
            model.metadata.model_version,
            scores.tolist(),
            _missing(X, model.metadata.feature_names),
            reasons,
            None if healthy is None else healthy.percentiles(scores).tolist(),
            explanations(model, X, explained, reasons, guarded=self.guarded),
        )


def _missing(X: np.ndarray, names: tuple[str, ...] | None) -> dict[int, MissingFeatures]:
    if not kernel.any_missing(X):
        return {}
    isnan = np.isnan(X)
    missing: dict[int, MissingFeatures] = {}
    for row in np.flatnonzero(isnan.any(axis=1)).tolist():
        positions = np.flatnonzero(isnan[row]).tolist()
        missing[row] = tuple(positions) if names is None else tuple(names[position] for position in positions)
    return missing
