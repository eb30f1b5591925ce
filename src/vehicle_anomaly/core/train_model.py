"""The use case: learn what is normal from a batch of telemetry."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import fitting, kernel
from vehicle_anomaly.core.errors import FeatureWithoutValues, Flaw
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import (
    DEFAULT_MODEL_NAME,
    ModelMetadata,
    ModelName,
    ModelVersion,
    TrainedModel,
)
from vehicle_anomaly.core.ports import Clock, ModelRepository
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads
from vehicle_anomaly.core.telemetry import MAX_FLAWS, TelemetryBatch

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class TrainModelCommand:
    """Train a model on a batch, as a version of the caller's naming or the service's."""

    batch: TelemetryBatch
    model_name: ModelName = DEFAULT_MODEL_NAME
    model_version: ModelVersion | None = None


@dataclass(frozen=True, slots=True)
class TrainModel:
    """Fits a forest to a batch and publishes it as an immutable version.

    Attributes:
        models: Where models go.
        clock: Says when a version is made.
        parameters: How forests are grown.
        threads: Where the readings that were learned from are scored.
    """

    models: ModelRepository
    clock: Clock
    parameters: ForestParameters
    threads: ScoringThreads = THIS_THREAD

    def __call__(self, command: TrainModelCommand) -> ModelMetadata:
        """Train and publish.

        Returns:
            What is known of the version that is stored.

        Raises:
            FeatureWithoutValues: No reading has a value for a feature.
            VersionExists: The version exists with other content.
            ModelStoreUnavailable: The model could not be stored.
        """
        batch = command.batch
        missing = _Missing.of(batch.values)
        _refuse_features_without_values(missing.per_feature == len(batch.values), batch.feature_names)
        # Column by column: what is copied to find one is small beside the batch.
        medians = np.array([np.nanmedian(column) for column in batch.values.T])
        forest, estimator = fitting.fit(batch.values, self.parameters, medians, self.threads)
        # Read after the fit: a version is named, and sorts, by when it is published.
        trained_at = self.clock.now()
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
        )
        return self.models.publish(TrainedModel(metadata, forest, medians, estimator))


@dataclass(frozen=True, slots=True)
class _Missing:
    """How many readings lack something, and how many lack which feature."""

    records: int
    per_feature: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "_Missing":
        records, per_feature = 0, np.zeros(values.shape[1], np.int64)
        if kernel.any_missing(values):
            for first in range(0, len(values), _ROWS_AT_ONCE):
                missing = np.isnan(values[first : first + _ROWS_AT_ONCE])
                records += int(missing.any(axis=1).sum())
                per_feature += missing.sum(axis=0)
        return cls(records, per_feature)


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


def _in_utc(moment: np.datetime64) -> datetime:
    naive: datetime = moment.astype("datetime64[us]").item()
    return naive.replace(tzinfo=UTC)
