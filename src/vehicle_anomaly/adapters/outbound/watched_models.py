"""A store whose operations are watched: timed, counted, traced."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.ports import ModelRepository, ModelVersions
from vehicle_anomaly.core.promotions import TRAINER, Promoter, Promotion
from vehicle_anomaly.core.telemetry_sample import TelemetrySample
from vehicle_anomaly.core.training_report import TrainingReport

WatchOperation = Callable[[str], AbstractContextManager[object]]
"""Takes the name of an operation and returns what stands around it."""


class WatchedModels:
    """`ModelRepository` that does what another does, each operation watched; raises what that raises."""

    def __init__(self, models: ModelRepository, watch: WatchOperation) -> None:
        """Stand before a store."""
        self._models = models
        self._watch = watch

    def publish(self, model: TrainedModel, promoted_by: str | None = TRAINER) -> ModelMetadata:
        """Publish."""
        with self._watch("publish"):
            return self._models.publish(model, promoted_by)

    def load(self, name: ModelName, version: ModelVersion) -> TrainedModel:
        """Return a version."""
        with self._watch("load"):
            return self._models.load(name, version)

    def latest(self, name: ModelName) -> ModelVersion:
        """Return the version that answers when none is named."""
        with self._watch("latest"):
            return self._models.latest(name)

    def names(self) -> list[ModelName]:
        """Return the models."""
        with self._watch("names"):
            return self._models.names()

    def versions(self, name: ModelName) -> ModelVersions:
        """Return the versions of a model."""
        with self._watch("versions"):
            return self._models.versions(name)

    def metadata(self, name: ModelName, version: ModelVersion) -> ModelMetadata:
        """Return what is known of a version."""
        with self._watch("metadata"):
            return self._models.metadata(name, version)

    def report(self, name: ModelName, version: ModelVersion) -> TrainingReport | None:
        """Return what was said of a version's training."""
        with self._watch("report"):
            return self._models.report(name, version)

    def sample(self, name: ModelName, version: ModelVersion) -> TelemetrySample | None:
        """Return some of the readings that a version was trained on."""
        with self._watch("sample"):
            return self._models.sample(name, version)

    def promote(self, name: ModelName, version: ModelVersion, promoter: Promoter) -> None:
        """Make a version the latest."""
        with self._watch("promote"):
            self._models.promote(name, version, promoter)

    def promotions(self, name: ModelName) -> list[Promotion]:
        """Return the records of what became the latest version."""
        with self._watch("promotions"):
            return self._models.promotions(name)

    def check(self) -> None:
        """Return when the store can be reached."""
        with self._watch("check"):
            self._models.check()
