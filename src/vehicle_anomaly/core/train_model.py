"""The use case: learn what is normal from a batch of telemetry."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import fitting, guard_fitting, kernel
from vehicle_anomaly.core.batch_warnings import BatchWarning
from vehicle_anomaly.core.errors import (
    DamagedModel,
    FeatureWithoutValues,
    Flaw,
    InvalidFalseAlarmRate,
    UnknownModel,
    UnknownModelVersion,
)
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.forest import Forest
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.guard_warnings import guard_warnings
from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.healthy_fitting import Healthy
from vehicle_anomaly.core.model import (
    DEFAULT_MODEL_NAME,
    GuardsKind,
    ModelMetadata,
    ModelName,
    ModelVersion,
    TrainedModel,
)
from vehicle_anomaly.core.ports import Clock, ModelRepository, WatchTraining
from vehicle_anomaly.core.promotions import TRAINER
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads
from vehicle_anomaly.core.telemetry import MAX_FLAWS, TelemetryBatch
from vehicle_anomaly.core.telemetry_sample import TelemetrySample
from vehicle_anomaly.core.training_report import EarlierVersion, training_report

_ROWS_AT_ONCE = 4096
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class TrainModelCommand:
    """Train a model on a batch, as a version of the caller's naming or the service's.

    Attributes:
        batch: What to learn.
        model_name: The model.
        model_version: The version; None for one of the service's naming.
        false_alarm_rate: Share of healthy readings that may be called an anomaly; None for the service's.
        by: Who trains, as `Promoter.by`: on record as who made the version the latest.
    """

    batch: TelemetryBatch
    model_name: ModelName = DEFAULT_MODEL_NAME
    model_version: ModelVersion | None = None
    false_alarm_rate: float | None = None
    by: str = TRAINER


def _unwatched(_: ModelName) -> AbstractContextManager[object]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a training.

    Attributes:
        metadata: What is known of the version that is stored.
        warnings: What about the batch makes it worse, as its report says.
        waits: Whether it waits as a candidate: another version answers, or none, until it is promoted.
    """

    metadata: ModelMetadata
    warnings: tuple[BatchWarning, ...]
    waits: bool


@dataclass(frozen=True, slots=True)
class TrainModel:
    """Fits a forest and guards to a batch and publishes them as an immutable version.

    Attributes:
        models: Where models go.
        clock: Says when a version is made.
        parameters: How forests are grown.
        guards: How guards are made; None for the forest alone.
        threads: Where the readings that were learned from are scored.
        auto_promote: Whether a version is the latest once it is published; else it waits as a candidate.
        watch: Stands around each training.
    """

    models: ModelRepository
    clock: Clock
    parameters: ForestParameters
    guards: GuardParameters | None = None
    threads: ScoringThreads = THIS_THREAD
    auto_promote: bool = True
    watch: WatchTraining = _unwatched

    def __call__(self, command: TrainModelCommand) -> ModelMetadata:
        """Train and publish; raises as `published`, which tells more.

        Returns:
            What is known of the version that is stored.
        """
        return self.published(command).metadata

    def published(self, command: TrainModelCommand) -> Published:
        """Train and publish.

        Raises:
            InvalidFalseAlarmRate: No model can be trained for it, or none here: guards are off.
            FeatureWithoutValues: No reading has a value for a feature.
            VersionExists: The version exists with other content.
            ModelStoreUnavailable: The model could not be stored.
        """
        with self.watch(command.model_name):
            return self._train(command)

    def known(self, name: ModelName, version: ModelVersion) -> Published:
        """Tell again what became of a training.

        Raises:
            UnknownModel: There is no version of the model.
            UnknownModelVersion: There is no such version.
            DamagedModel: It is not what was published.
            ModelStoreUnavailable: It could not be read.
        """
        report = self.models.report(name, version)
        warnings = () if report is None else report.warnings
        return Published(self.models.metadata(name, version), warnings, self._waits(name, version))

    def _train(self, command: TrainModelCommand) -> Published:
        batch = command.batch
        how = self._guard_parameters(command)
        missing = _Missing.of(batch.values)
        _refuse_features_without_values(missing.per_feature == len(batch.values), batch.feature_names)
        # Column by column: what is copied to find one is small beside the batch.
        # Plus zero: 0.0 where it is -0.0, which of several zeros NumPy takes differs between processors.
        medians = np.array([np.nanmedian(column) for column in batch.values.T]) + 0.0
        forest, estimator = fitting.fit(batch.values, self.parameters, medians, self.threads)
        held_out = _held_out(batch.values, medians, forest, self.parameters)
        fitted = None if how is None else guard_fitting.fit(batch, held_out, how, self.threads)
        guards = None if fitted is None else fitted.guards
        if fitted is not None:
            healthy = Healthy.by_guards(fitted)
        else:
            grown, seed = (forest, estimator), self.parameters.random_state
            healthy = Healthy.by_the_forest(batch, medians, grown, held_out, seed)
        report = training_report(
            batch,
            medians,
            forest,
            self._version_before(command.model_name),
            0.0 if guards is None else guards.isolation_limit,
            guard_warnings(len(batch.values), how, self.parameters.contamination),
        )
        # Told after the fit: a version is named, and sorts, by when it is published.
        trained_at = self._publication_time(command.model_name)
        metadata = ModelMetadata(
            model_name=command.model_name,
            model_version=command.model_version or ModelVersion.made_at(trained_at),
            trained_at=trained_at,
            n_estimators=forest.n_trees,
            contamination=self.parameters.contamination,
            random_state=self.parameters.random_state,
            max_samples=forest.max_samples,
            n_features=forest.n_features,
            feature_names=batch.feature_names,
            record_count=len(batch.values),
            records_with_missing=missing.records,
            missing_per_feature=tuple(missing.per_feature.tolist()),
            vehicle_count=len(set(batch.vehicle_ids)),
            first_timestamp=_in_utc(batch.timestamps.min()),
            last_timestamp=_in_utc(batch.timestamps.max()),
            guards=_kind(guards),
            false_alarm_rate=None if guards is None or how is None else how.false_alarm_rate,
            percentile_readings=healthy.n_readings,
            records_without_values=missing.whole_records,
        )
        sample = TelemetrySample.of(batch)
        model = TrainedModel(metadata, forest, medians, estimator, report, guards, healthy.scores, sample)
        stored = self.models.publish(model, command.by if self.auto_promote else None)
        waits = not self.auto_promote and self._waits(stored.model_name, stored.model_version)
        return Published(stored, report.warnings, waits)

    def _waits(self, name: ModelName, version: ModelVersion) -> bool:
        try:
            # One that is sent again may have been promoted since, or passed over.
            return version in self.models.versions(name).candidates
        except DamagedModel:
            # Which one answers cannot be told: this one does not.
            return True

    def _publication_time(self, name: ModelName) -> datetime:
        """Return the time now, or where the clock went back, the moment after the version before."""
        now = self.clock.now()
        try:
            if self.auto_promote:
                before = self.models.metadata(name, self.models.latest(name)).trained_at
            else:
                # What was published last waits, and is not the latest.
                known = self.models.versions(name).versions
                before = known[0].trained_at if known else now - _TICK
        except (UnknownModel, UnknownModelVersion, DamagedModel):
            # There is none, or none that can be read.
            return now
        return max(now, before + _TICK)

    def _guard_parameters(self, command: TrainModelCommand) -> GuardParameters | None:
        if command.false_alarm_rate is None:
            return self.guards
        if self.guards is None:
            expected = "none at all, for trainings here are without guards (GUARDS=off)"
            raise InvalidFalseAlarmRate(command.false_alarm_rate, expected)
        return replace(self.guards, false_alarm_rate=command.false_alarm_rate)

    def _version_before(self, name: ModelName) -> EarlierVersion | None:
        try:
            latest = self.models.latest(name)
            report = self.models.report(name, latest)
        except (UnknownModel, UnknownModelVersion, DamagedModel):
            # A new version may well be what is to mend a damaged one: it is compared with nothing.
            return None
        return None if report is None else EarlierVersion(latest.value, report)


@dataclass(frozen=True, slots=True)
class _Missing:
    """How many readings lack something, how many all there is, and how many which feature."""

    records: int
    whole_records: int
    per_feature: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "_Missing":
        records, whole_records, per_feature = 0, 0, np.zeros(values.shape[1], np.int64)
        if kernel.any_missing(values):
            for first in range(0, len(values), _ROWS_AT_ONCE):
                missing = np.isnan(values[first : first + _ROWS_AT_ONCE])
                records += int(missing.any(axis=1).sum())
                whole_records += int(missing.all(axis=1).sum())
                per_feature += missing.sum(axis=0)
        return cls(records, whole_records, per_feature)


def _refuse_features_without_values(without: NDArray[np.bool_], names: tuple[str, ...] | None) -> None:
    empty = np.flatnonzero(without).tolist()
    if empty:
        reason = "no record has a value for it: send at least one, or leave the feature out"
        field = "feature_vector" if names is None else "features"
        raise FeatureWithoutValues(
            [
                Flaw(field, reason, item=position if names is None else names[position])
                for position in empty[:MAX_FLAWS]
            ]
        )


def _held_out(
    X: np.ndarray, medians: np.ndarray, forest: Forest, parameters: ForestParameters
) -> Callable[[np.ndarray], np.ndarray]:
    return lambda fold: fitting.held_out_scores(X, medians, fold, parameters) - forest.offset


def _kind(guards: Guards | None) -> GuardsKind:
    if guards is None:
        return "none"
    compared, features = guards.trees.guarded.size, guards.n_features
    if not compared:
        return "ranges"
    return "full" if compared == features else "partial"


def _in_utc(moment: np.datetime64) -> datetime:
    naive: datetime = moment.astype("datetime64[us]").item()
    return naive.replace(tzinfo=UTC)
