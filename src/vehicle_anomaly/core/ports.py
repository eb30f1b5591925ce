"""What the core needs from outside. The docstrings are the contract; `tests/contract` holds stores to it."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.promotions import TRAINER, Promoter, Promotion
from vehicle_anomaly.core.telemetry_sample import TelemetrySample
from vehicle_anomaly.core.training_report import TrainingReport

MAX_PROMOTIONS: Final = 1000
"""Records that are returned at once, at most."""


WatchTraining = Callable[[ModelName], AbstractContextManager[object]]
"""Takes the model that is trained and returns what stands around its training."""


class ScoreObserver(Protocol):
    """Is told what readings were given for scores. It takes no time to speak of, and raises nothing."""

    def scored_one(self, name: ModelName, score: float) -> None:
        """Hear of one reading that is no anomaly."""
        ...

    def scored(self, name: ModelName, scores: NDArray[np.float64], anomalies: Collection[int]) -> None:
        """Hear of readings.

        Args:
            name: The model.
            scores: Shape (n,).
            anomalies: Positions of those that are anomalies.
        """
        ...


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time now, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class DamagedVersion:
    """A version that is in the store and is not what was published."""

    model_version: str
    reason: str


@dataclass(frozen=True, slots=True)
class ModelVersions:
    """The versions of one model.

    Attributes:
        latest: The version that answers when none is named; None when that is none of `versions`.
        versions: Newest first; what scores in each of them has the size and the hash it was published with.
        damaged: Those that are not what was published, or `LATEST`, when it names none that is there.
        candidates: Those of `versions` that wait to be promoted: not older than the latest, and never the
            latest themselves, as far as it is on record.
    """

    latest: ModelVersion | None
    versions: tuple[ModelMetadata, ...]
    damaged: tuple[DamagedVersion, ...] = ()
    candidates: frozenset[ModelVersion] = frozenset()


@dataclass(frozen=True, slots=True)
class VersionFiles:
    """A version as the bytes that a store keeps.

    Attributes:
        model_name: The model.
        model_version: The version.
        manifest: What vouches for the files.
        files: The files, by name, in the order they are written in.
    """

    model_name: ModelName
    model_version: ModelVersion
    manifest: bytes
    files: Mapping[str, bytes]

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return len(self.manifest) + sum(map(len, self.files.values()))


class ModelRepository(Protocol):
    """Keeps immutable, versioned models. Safe to use from many threads and processes at once.

    Any method may raise `ModelStoreUnavailable`.
    """

    def publish(self, model: TrainedModel, promoted_by: str | None = TRAINER) -> ModelMetadata:
        """Add a version and make it the latest; all of it or nothing, and once this returns, for good.

        Publishing the same content again succeeds and rewrites nothing; the latest version stays what it is,
        unless the first attempt died before it could make this one the latest, or there is none.

        Args:
            model: The version.
            promoted_by: Who makes it the latest, as `Promoter.by`, for the record; None leaves the latest
                version what it is, and this one a candidate.

        Returns:
            What is known of the version that is stored: of the first attempt, if this is another.

        Raises:
            VersionExists: The version exists with other content.
        """
        ...

    def load(self, name: ModelName, version: ModelVersion) -> TrainedModel:
        """Return a version, whole and checked.

        Raises:
            UnknownModelVersion: It was never published.
            DamagedModel: It is not what was published.
        """
        ...

    def latest(self, name: ModelName) -> ModelVersion:
        """Return the version that answers when none is named.

        Raises:
            UnknownModel: There is no version.
            NoVersionPromoted: There are versions, and none was ever made the latest.
            DamagedModel: The pointer to the latest version is unreadable, or names one that does not exist.
        """
        ...

    def names(self) -> list[ModelName]:
        """Return the models that have at least one version, sorted."""
        ...

    def versions(self, name: ModelName) -> ModelVersions:
        """Return the versions of a model.

        Raises:
            UnknownModel: There is none.
        """
        ...

    def metadata(self, name: ModelName, version: ModelVersion) -> ModelMetadata:
        """Return what is known of a version.

        Raises:
            UnknownModelVersion: It was never published.
            DamagedModel: Its manifest is unreadable.
        """
        ...

    def report(self, name: ModelName, version: ModelVersion) -> TrainingReport | None:
        """Return what was said of a version's training; None when it was published without a report.

        Raises:
            UnknownModelVersion: It was never published.
            DamagedModel: Its manifest or its report is not what was published.
        """
        ...

    def sample(self, name: ModelName, version: ModelVersion) -> TelemetrySample | None:
        """Return some of the readings that a version was trained on; None when it was published without.

        Raises:
            UnknownModelVersion: It was never published.
            DamagedModel: Its manifest or its sample is not what was published.
        """
        ...

    def promote(self, name: ModelName, version: ModelVersion, promoter: Promoter) -> None:
        """Make a version the latest, forward or back, with a record of it.

        The record is kept before the change can be seen, or in the same step: there is no change without
        one. Making the latest version the latest is no change.

        Raises:
            UnknownModelVersion: It was never published; the latest version stays what it is.
            DamagedModel: It does not load; the latest version stays what it is.
        """
        ...

    def promotions(self, name: ModelName) -> list[Promotion]:
        """Return the records of what became the latest version, in the order in which it did.

        Nothing changes or removes one. What became the latest before there were records has none, and what
        was written by hand neither.

        Returns:
            The newest `MAX_PROMOTIONS`, the oldest of them first.

        Raises:
            UnknownModel: There is no version of the model.
            DamagedModel: A record is not readable.
        """
        ...

    def check(self) -> None:
        """Return when the store can be reached; raise `ModelStoreUnavailable` when not."""
        ...


class ModelArchive(ModelRepository, Protocol):
    """A `ModelRepository` that keeps versions as files, and gives and takes them bit by bit."""

    def files(self, name: ModelName, version: ModelVersion) -> VersionFiles:
        """Return the files of a version, all of them and each checked.

        Raises:
            UnknownModelVersion: It was never published.
            DamagedModel: It is not what was published.
        """
        ...

    def add(self, files: VersionFiles, *, sign: bool = False) -> None:
        """Add a version as it is, all of it or nothing; the latest version stays what it is.

        The same content again succeeds and rewrites nothing.

        Args:
            files: The version.
            sign: Whether it gets this store's own signature, in the place of any that it has.

        Raises:
            DamagedModel: The files are not what was published.
            VersionExists: The version exists with other content.
        """
        ...
