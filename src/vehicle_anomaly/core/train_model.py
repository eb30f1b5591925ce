"""The use case: learn what is normal from a batch of telemetry."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from vehicle_anomaly.core import fitting
from vehicle_anomaly.core.errors import (
    DamagedModel,
    FeatureWithoutValues,
    Flaw,
    UnknownModel,
    UnknownModelVersion,
)
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import (
    DEFAULT_MODEL_NAME,
    ModelMetadata,
    ModelName,
    ModelVersion,
    TrainedModel,
)
from vehicle_anomaly.core.ports import Clock, ModelRepository
from vehicle_anomaly.core.telemetry import MAX_FLAWS, TelemetryBatch
from vehicle_anomaly.core.training_report import EarlierVersion, training_report


@dataclass(frozen=True, slots=True, eq=False)
class TrainModelCommand:
    """Train a model on a batch, as a version of the caller's naming or the service's."""

    batch: TelemetryBatch
    model_name: ModelName = DEFAULT_MODEL_NAME
    model_version: ModelVersion | None = None


@dataclass(frozen=True, slots=True)
class TrainModel:
    """Fits a forest to a batch and publishes it as an immutable version."""

    models: ModelRepository
    clock: Clock
    parameters: ForestParameters

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
        missing = np.isnan(batch.values)
        _refuse_features_without_values(missing, batch.feature_names)
        medians = np.nanmedian(batch.values, axis=0)
        forest, estimator = fitting.fit(np.where(missing, medians, batch.values), self.parameters)
        report = training_report(batch, medians, forest, self._version_before(command.model_name))
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
            records_with_missing=int(missing.any(axis=1).sum()),
            missing_per_feature=tuple(missing.sum(axis=0).tolist()),
            vehicle_count=len(set(batch.vehicle_ids)),
            first_timestamp=_in_utc(batch.timestamps.min()),
            last_timestamp=_in_utc(batch.timestamps.max()),
        )
        return self.models.publish(TrainedModel(metadata, forest, medians, estimator, report))

    def _version_before(self, name: ModelName) -> EarlierVersion | None:
        try:
            latest = self.models.latest(name)
            report = self.models.report(name, latest)
        except (UnknownModel, UnknownModelVersion, DamagedModel):
            # A new version may well be what is to mend a damaged one: it is compared with nothing.
            return None
        return None if report is None else EarlierVersion(latest.value, report)


def _refuse_features_without_values(missing: np.ndarray, names: tuple[str, ...] | None) -> None:
    empty = np.flatnonzero(missing.all(axis=0)).tolist()
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
