"""The use case: take a version that was trained in one store into another, bit by bit."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.ports import ModelArchive, VersionFiles
from vehicle_anomaly.core.promotions import Promoter


class CopyStep(Enum):
    """What copying is at, in this order."""

    READING = "reading"
    WRITING = "writing"
    CHECKING = "checking"
    PROMOTING = "promoting"


@dataclass(frozen=True, slots=True)
class CopyVersionCommand:
    """Copy a version, and make it the latest there if that is wanted.

    Attributes:
        model_name: The model.
        model_version: The version.
        promoter: Who makes it the latest there; None leaves the latest there what it is.
        sign: Whether the copy gets the destination's own signature. The source must then be one that asks
            for none: who signs vouches for what is there, whoever put it there.
    """

    model_name: ModelName
    model_version: ModelVersion
    promoter: Promoter | None = None
    sign: bool = False


@dataclass(frozen=True, slots=True)
class CopyVersion:
    """Copies a version from one store to another."""

    source: ModelArchive
    destination: ModelArchive

    def __call__(
        self, command: CopyVersionCommand, progress: Callable[[CopyStep], None] = lambda _: None
    ) -> VersionFiles:
        """Copy, and check every hash before and after; a version that is there with this content is fine.

        Args:
            command: What to copy.
            progress: Told of each step as it begins.

        Returns:
            The files as they are in the destination now.

        Raises:
            UnknownModelVersion: The source does not have it.
            DamagedModel: It is damaged, in the source or, if it was there already, in the destination.
            VersionExists: The destination has it with other content.
            ModelStoreUnavailable: One of the stores is out of reach.
        """
        name, version = command.model_name, command.model_version
        progress(CopyStep.READING)
        # Loaded, too: hashes that fit do not make it a model.
        self.source.load(name, version)
        files = self.source.files(name, version)
        progress(CopyStep.WRITING)
        self.destination.add(files, sign=command.sign)
        progress(CopyStep.CHECKING)
        self.destination.load(name, version)
        copied = self.destination.files(name, version)
        if command.promoter is not None:
            progress(CopyStep.PROMOTING)
            self.destination.promote(name, version, command.promoter)
        return copied
