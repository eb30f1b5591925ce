"""What every store of files does alike: from the files of a version to what is asked of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from vehicle_anomaly.adapters.outbound import model_codec
from vehicle_anomaly.adapters.outbound.model_codec import (
    FOREST,
    GUARDS,
    LATEST,
    MANIFEST,
    MAX_FILE_BYTES,
    MAX_MANIFEST_BYTES,
    REPORT,
    SAMPLE,
    Manifest,
    ModelFiles,
)
from vehicle_anomaly.adapters.outbound.signatures import Signatures
from vehicle_anomaly.core.errors import (
    DamagedModel,
    InvalidModelName,
    NoVersionPromoted,
    UnknownModel,
    UnknownModelVersion,
)
from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion, TrainedModel, newest_first
from vehicle_anomaly.core.ports import DamagedVersion, ModelVersions, VersionFiles
from vehicle_anomaly.core.promotions import TRAINER, Change, Promoter, candidates
from vehicle_anomaly.core.telemetry_sample import TelemetrySample
from vehicle_anomaly.core.training_report import TrainingReport


class StoredVersion(Protocol):
    """Where the files of a version are, if there is such a version."""

    @property
    def model_name(self) -> ModelName:
        """The model."""
        ...

    @property
    def model_version(self) -> ModelVersion:
        """The version."""
        ...

    def read(self, file: str, max_bytes: int) -> bytes | None:
        """Return a file; None when it is not there.

        Raises:
            DamagedModel: It holds more than `max_bytes`, or is no file.
        """
        ...


class StoredVersions(ABC):
    """The part of `ModelArchive` that needs no more than files by name."""

    def __init__(self, signatures: Signatures) -> None:
        """Sign what is published, and refuse what is not signed as it should be."""
        self._signatures = signatures

    @abstractmethod
    def _version(self, name: ModelName, version: ModelVersion) -> AbstractContextManager[StoredVersion]:
        """Tell where the files of a version are, whether or not there is one.

        Raises:
            UnknownModelVersion: There is not even such a model.
        """

    @abstractmethod
    def _add(
        self, name: ModelName, version: ModelVersion, files: ModelFiles, change: Change | None
    ) -> Manifest:
        """Add a version, and make it the latest if `change` says so; return the manifest that is stored."""

    def publish(self, model: TrainedModel, promoted_by: str | None = TRAINER) -> ModelMetadata:
        """Add a version and make it the latest."""
        known, change = model.metadata, None
        if promoted_by is not None:
            promoter = Promoter(promoted_by, known.trained_at)
            change = Change(promoter, known.model_version, known.trained_at, automatic=True)
        encoded = self._signatures.signed(model_codec.encode(model))
        return model_codec.metadata(self._add(known.model_name, known.model_version, encoded, change))

    def add(self, files: VersionFiles, *, sign: bool = False) -> None:
        """Add a version as it is; the latest version stays what it is."""
        name, version = files.model_name, files.model_version
        checked = model_codec.check_files(files.manifest, files.files, name, version)
        if sign:
            checked = self._signatures.signed(checked)
        self._signatures.check(model_codec.decode_manifest(checked.manifest, name, version))
        self._add(name, version, checked, None)

    def files(self, name: ModelName, version: ModelVersion) -> VersionFiles:
        """Return the files of a version, all of them and each checked."""
        with self._version(name, version) as stored:
            manifest = stored.read(MANIFEST, MAX_MANIFEST_BYTES)
            if manifest is None:
                raise UnknownModelVersion(name.value, version.value)
            decoded = self._signatures.check(model_codec.decode_manifest(manifest, name, version))
            listed = model_codec.listed_files(decoded)
            files = {file: read_file(stored, file) for file in listed}
        model_codec.check_files(manifest, files, name, version)
        return VersionFiles(name, version, manifest, files)

    def load(self, name: ModelName, version: ModelVersion) -> TrainedModel:
        """Return a version, whole and checked."""
        with self._version(name, version) as stored:
            manifest = known_manifest(stored, self._signatures)
            forest, guards = read_serving(stored, manifest)
        return model_codec.decode(manifest, forest, guards)

    def metadata(self, name: ModelName, version: ModelVersion) -> ModelMetadata:
        """Return what is known of a version."""
        with self._version(name, version) as stored:
            manifest = known_manifest(stored, self._signatures)
        return model_codec.metadata(manifest)

    def report(self, name: ModelName, version: ModelVersion) -> TrainingReport | None:
        """Return what was said of a version's training."""
        with self._version(name, version) as stored:
            manifest = known_manifest(stored, self._signatures)
            if REPORT not in manifest.files:
                return None
            report = read_file(stored, REPORT)
        return model_codec.decode_report(manifest, report)

    def sample(self, name: ModelName, version: ModelVersion) -> TelemetrySample | None:
        """Return some of the readings that a version was trained on."""
        with self._version(name, version) as stored:
            manifest = known_manifest(stored, self._signatures)
            if SAMPLE not in manifest.files:
                return None
            sample = read_file(stored, SAMPLE)
        return model_codec.decode_sample(manifest, sample)


def find_manifest(stored: StoredVersion, signatures: Signatures) -> Manifest | None:
    """Read the manifest of a version; None when there is no such version.

    Raises:
        DamagedModel: It is not readable, or not to be trusted.
    """
    data = stored.read(MANIFEST, MAX_MANIFEST_BYTES)
    if data is None:
        return None
    return signatures.check(model_codec.decode_manifest(data, stored.model_name, stored.model_version))


def known_manifest(stored: StoredVersion, signatures: Signatures) -> Manifest:
    """Read the manifest of a version that is asked for.

    Raises:
        UnknownModelVersion: There is no such version.
        DamagedModel: It is not readable, or not to be trusted.
    """
    manifest = find_manifest(stored, signatures)
    if manifest is None:
        raise UnknownModelVersion(stored.model_name.value, stored.model_version.value)
    return manifest


def read_serving(stored: StoredVersion, manifest: Manifest) -> tuple[bytes, bytes | None]:
    """Read the forest, and the guards of a version that has some.

    Raises:
        DamagedModel: One of them is not there.
    """
    forest = read_file(stored, FOREST)
    return forest, read_file(stored, GUARDS) if GUARDS in manifest.files else None


def read_file(stored: StoredVersion, file: str) -> bytes:
    """Read a file that a manifest lists.

    Raises:
        DamagedModel: It is not there.
    """
    data = stored.read(file, MAX_FILE_BYTES[file])
    if data is None:
        raise DamagedModel(stored.model_name.value, stored.model_version.value, f"{file} is not there")
    return data


def listed(
    versions: Mapping[ModelVersion, ModelMetadata],
    damaged: Sequence[DamagedVersion],
    latest: Callable[[], ModelVersion | None],
    ever_latest: Callable[[], frozenset[ModelVersion]],
) -> ModelVersions:
    """Say which versions of a model there are.

    Args:
        versions: Those that can be read.
        damaged: Those that cannot.
        latest: Returns which is the latest; raises `DamagedModel` when LATEST is damaged.
        ever_latest: As `promotions.candidates` has it.
    """
    try:
        found = latest()
    except DamagedModel as error:
        found, damaged = None, [*damaged, DamagedVersion(LATEST, error.reason)]
    readable = found if found in versions else None
    newest = tuple(newest_first([*versions.values()]))
    waiting = candidates(newest, readable, ever_latest) - {found}
    return ModelVersions(readable, newest, tuple(damaged), waiting)


def no_latest(name: ModelName, published: Sequence[ModelVersion]) -> UnknownModel:
    """Say why no version answers, though nothing is damaged.

    Args:
        name: The model.
        published: Its versions.
    """
    if not published:
        return UnknownModel(name.value)
    # Versions that the service names sort by time: the newest first.
    return NoVersionPromoted(name.value, sorted((version.value for version in published), reverse=True))


def model_named(entry: str) -> ModelName | None:
    """Return the model that a folder is of; None for one that is no model's."""
    try:
        return ModelName(entry)
    except InvalidModelName:
        return None
