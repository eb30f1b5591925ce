"""What stands in for the world outside, and small things to test with."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vehicle_anomaly.core import fitting
from vehicle_anomaly.core.errors import NoVersionPromoted, UnknownModel, UnknownModelVersion, VersionExists
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import (
    DEFAULT_MODEL_NAME,
    ModelMetadata,
    ModelName,
    ModelVersion,
    TrainedModel,
    newest_first,
)
from vehicle_anomaly.core.ports import MAX_PROMOTIONS, ModelVersions
from vehicle_anomaly.core.promotions import TRAINER, Change, Promoter, Promotion, candidates
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.telemetry_sample import TelemetrySample
from vehicle_anomaly.core.training_report import EarlierVersion, TrainingReport, training_report

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = Promoter("ada@workshop", NOON)
"""Who promotes where it does not matter who does."""


@dataclass(slots=True)
class FixedClock:
    """`Clock` that stands still until it is told another time."""

    moment: datetime = NOON

    def now(self) -> datetime:
        """Return the time it was told."""
        return self.moment


@dataclass(slots=True)
class _Kept:
    versions: dict[str, TrainedModel] = field(default_factory=dict)
    reports: dict[str, TrainingReport | None] = field(default_factory=dict)
    samples: dict[str, TelemetrySample | None] = field(default_factory=dict)
    latest: ModelVersion | None = None
    promotions: list[Promotion] = field(default_factory=list)

    def change(self, change: Change) -> None:
        """Change the latest version."""
        if change.to_version != self.latest:
            self.promotions.append(change.after(len(self.promotions) + 1, self.latest))
            self.latest = change.to_version

    def ever_latest(self) -> frozenset[ModelVersion]:
        """Return what was the latest version."""
        return frozenset(each.to_version for each in self.promotions)


class InMemoryModels:
    """`ModelRepository` that forgets everything with its process."""

    def __init__(self) -> None:
        self._models: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def publish(self, model: TrainedModel, promoted_by: str | None = TRAINER) -> ModelMetadata:
        """Add a version and make it the latest."""
        name, version = model.metadata.model_name, model.metadata.model_version
        with self._lock:
            kept = self._models.setdefault(name.value, _Kept())
            stored = kept.versions.get(version.value)
            if stored is None:
                # Like any store, it gives back no estimator, and the report apart.
                stored = kept.versions[version.value] = replace(
                    model, estimator=None, report=None, sample=None
                )
                kept.reports[version.value] = model.report
                kept.samples[version.value] = model.sample
            elif stored.content_sha256() != model.content_sha256():
                raise VersionExists(name.value, version.value)
            elif kept.latest is not None:
                return stored.metadata
            if promoted_by is not None:
                promoter = Promoter(promoted_by, model.metadata.trained_at)
                kept.change(Change(promoter, version, stored.metadata.trained_at, automatic=True))
            return stored.metadata

    def load(self, name: ModelName, version: ModelVersion) -> TrainedModel:
        """Return a version."""
        with self._lock:
            kept = self._models.get(name.value)
            if kept is None or version.value not in kept.versions:
                raise UnknownModelVersion(name.value, version.value)
            return kept.versions[version.value]

    def latest(self, name: ModelName) -> ModelVersion:
        """Return the version that answers when none is named."""
        with self._lock:
            kept = self._models.get(name.value)
            if kept is None:
                raise UnknownModel(name.value)
            if kept.latest is None:
                raise NoVersionPromoted(name.value, sorted(kept.versions, reverse=True))
            return kept.latest

    def names(self) -> list[ModelName]:
        """Return the models, sorted."""
        with self._lock:
            return [ModelName(name) for name in sorted(self._models)]

    def versions(self, name: ModelName) -> ModelVersions:
        """Return the versions of a model."""
        with self._lock:
            kept = self._models.get(name.value)
            if kept is None:
                raise UnknownModel(name.value)
            known = [model.metadata for model in kept.versions.values()]
            waiting = candidates(known, kept.latest, kept.ever_latest)
            return ModelVersions(kept.latest, tuple(newest_first(known)), candidates=waiting)

    def metadata(self, name: ModelName, version: ModelVersion) -> ModelMetadata:
        """Return what is known of a version."""
        return self.load(name, version).metadata

    def report(self, name: ModelName, version: ModelVersion) -> TrainingReport | None:
        """Return what was said of a version's training."""
        self.load(name, version)
        with self._lock:
            return self._models[name.value].reports[version.value]

    def sample(self, name: ModelName, version: ModelVersion) -> TelemetrySample | None:
        """Return some of the readings that a version was trained on."""
        self.load(name, version)
        with self._lock:
            return self._models[name.value].samples[version.value]

    def promotions(self, name: ModelName) -> list[Promotion]:
        """Return the records of what became the latest version."""
        with self._lock:
            kept = self._models.get(name.value)
            if kept is None:
                raise UnknownModel(name.value)
            return kept.promotions[-MAX_PROMOTIONS:]

    def promote(self, name: ModelName, version: ModelVersion, promoter: Promoter) -> None:
        """Make a version the latest, with a record of it."""
        known = self.load(name, version).metadata
        with self._lock:
            self._models[name.value].change(Change(promoter, version, known.trained_at))

    def check(self) -> None:
        """Return: it is always there."""


def a_batch(
    values: ArrayLike | None = None,
    *,
    n_readings: int = 40,
    n_features: int = 3,
    seed: int = 0,
    feature_names: Sequence[str] | None = None,
) -> TelemetryBatch:
    """Make a batch of one vehicle, a reading a second from noon on.

    Args:
        values: Its readings; None for normally distributed ones.
        n_readings: How many of those.
        n_features: Their features.
        seed: Another seed, another batch.
        feature_names: Of the features, if they have any.
    """
    if values is None:
        matrix = np.random.default_rng(seed).normal(size=(n_readings, n_features))
    else:
        matrix = np.array(values, dtype=np.float64)
    noon = np.datetime64(NOON.replace(tzinfo=None), "us")
    timestamps = noon + np.arange(len(matrix)).astype("timedelta64[s]")
    names = None if feature_names is None else tuple(feature_names)
    return TelemetryBatch(matrix, ["vehicle-1"] * len(matrix), timestamps, names)


def a_trained_model(
    model_version: str = "v1",
    *,
    model_name: str = DEFAULT_MODEL_NAME.value,
    trained_at: datetime = NOON,
    n_estimators: int = 5,
    contamination: fitting.Contamination = 0.1,
    batch: TelemetryBatch | None = None,
    seed: int = 0,
    before: EarlierVersion | None = None,
) -> TrainedModel:
    """Train a small model without publishing it.

    Args:
        model_version: Its version.
        model_name: Its name.
        trained_at: When it was trained.
        n_estimators: Its trees.
        contamination: As in scikit-learn.
        batch: What it learns; None for a batch by `seed`.
        seed: Another seed, other content.
        before: The version that its report compares it with.
    """
    batch = a_batch(seed=seed) if batch is None else batch
    parameters = ForestParameters(n_estimators, contamination, random_state=42)
    forest, estimator = fitting.fit(batch.values, parameters)
    metadata = ModelMetadata(
        model_name=ModelName(model_name),
        model_version=ModelVersion(model_version),
        trained_at=trained_at,
        n_estimators=forest.n_trees,
        contamination=contamination,
        random_state=parameters.random_state,
        max_samples=forest.max_samples,
        n_features=forest.n_features,
        feature_names=batch.feature_names,
        record_count=len(batch.values),
        records_with_missing=0,
        missing_per_feature=(0,) * forest.n_features,
        vehicle_count=1,
        first_timestamp=NOON,
        last_timestamp=NOON,
    )
    medians = np.median(batch.values, axis=0)
    report = training_report(batch, medians, forest, before)
    return TrainedModel(metadata, forest, medians, estimator, report)


def renamed(model: TrainedModel, model_version: str, **known: Any) -> TrainedModel:
    """Return the same model under another version, and with other metadata: no fit, so it is quick."""
    metadata = replace(model.metadata, model_version=ModelVersion(model_version), **known)
    return replace(model, metadata=metadata)


def some_readings(model: TrainedModel, n_readings: int = 50) -> NDArray[np.float64]:
    """Return readings to score with a model."""
    return np.random.default_rng(7).normal(scale=2, size=(n_readings, model.metadata.n_features))
