"""The use cases: make a version the latest, and tell who did so before."""

from dataclasses import dataclass
from datetime import datetime

from vehicle_anomaly.core.errors import DamagedModel, UnknownModelVersion
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.ports import Clock, ModelRepository
from vehicle_anomaly.core.promotions import Kind, Promoter, Promotion, kinds


@dataclass(frozen=True, slots=True)
class PromoteVersionCommand:
    """Make a version the latest: a newer one, or an older one to roll back to.

    Attributes:
        model_name: The model.
        model_version: The version.
        by: Who asks for it, as `Promoter.by`.
    """

    model_name: ModelName
    model_version: ModelVersion
    by: str


@dataclass(frozen=True, slots=True)
class PromoteVersion:
    """Makes a version the one that answers when none is named, and puts on record who wanted it."""

    models: ModelRepository
    clock: Clock

    def __call__(self, command: PromoteVersionCommand) -> None:
        """Promote.

        Raises:
            UnknownModelVersion: It was never published; the latest version stays what it is.
            DamagedModel: It does not load; the latest version stays what it is.
            ModelStoreUnavailable: Neither the latest version nor its record was changed, as far as is known.
        """
        promoter = Promoter(command.by, self.clock.now())
        self.models.promote(command.model_name, command.model_version, promoter)


@dataclass(frozen=True, slots=True)
class RecordedPromotion:
    """A change of the latest version, and what kind of change it was."""

    promotion: Promotion
    kind: Kind


@dataclass(frozen=True, slots=True)
class ListPromotions:
    """Tells which version answered from when on, and who decided it."""

    models: ModelRepository

    def __call__(self, name: ModelName) -> list[RecordedPromotion]:
        """Return what is on record of a model, the newest first.

        Raises:
            UnknownModel: There is no such model.
            DamagedModel: A record is not readable.
            ModelStoreUnavailable: The store is out of reach.
        """

        def trained_at(version: ModelVersion) -> datetime | None:
            try:
                return self.models.metadata(name, version).trained_at
            except (UnknownModelVersion, DamagedModel):
                # It answered before there were records, and cannot be asked any more.
                return None

        recorded = self.models.promotions(name)[::-1]
        told = zip(recorded, kinds(recorded, trained_at), strict=True)
        return [RecordedPromotion(promotion, kind) for promotion, kind in told]
