"""What every store of files does alike: from the files of a version to what is asked of it."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Protocol

from vehicle_anomaly.adapters.outbound import model_codec
from vehicle_anomaly.adapters.outbound.model_codec import (
    FOREST,
    GUARDS,
    MANIFEST,
    MAX_FILE_BYTES,
    MAX_MANIFEST_BYTES,
    REPORT,
    Manifest,
    ModelFiles,
)
from vehicle_anomaly.core.errors import DamagedModel, InvalidModelName, UnknownModelVersion
from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.ports import VersionFiles
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

    @abstractmethod
    def _version(self, name: ModelName, version: ModelVersion) -> AbstractContextManager[StoredVersion]:
        """Tell where the files of a version are, whether or not there is one.

        Raises:
            UnknownModelVersion: There is not even such a model.
        """

    @abstractmethod
    def _add(self, name: ModelName, version: ModelVersion, files: ModelFiles, *, latest: bool) -> Manifest:
        """Add a version, and make it the latest if that is wanted; return the manifest that is stored."""

    def publish(self, model: TrainedModel) -> ModelMetadata:
        """Add a version and make it the latest."""
        name, version = model.metadata.model_name, model.metadata.model_version
        return model_codec.metadata(self._add(name, version, model_codec.encode(model), latest=True))

    def add(self, files: VersionFiles) -> None:
        """Add a version as it is; the latest version stays what it is."""
        name, version = files.model_name, files.model_version
        checked = model_codec.check_files(files.manifest, files.files, name, version)
        self._add(name, version, checked, latest=False)

    def files(self, name: ModelName, version: ModelVersion) -> VersionFiles:
        """Return the files of a version, all of them and each checked."""
        with self._version(name, version) as stored:
            manifest = stored.read(MANIFEST, MAX_MANIFEST_BYTES)
            if manifest is None:
                raise UnknownModelVersion(name.value, version.value)
            listed = model_codec.listed_files(model_codec.decode_manifest(manifest, name, version))
            files = {file: read_file(stored, file) for file in listed}
        model_codec.check_files(manifest, files, name, version)
        return VersionFiles(name, version, manifest, files)

    def load(self, name: ModelName, version: ModelVersion) -> TrainedModel:
        """Return a version, whole and checked."""
        with self._version(name, version) as stored:
            manifest = known_manifest(stored)
            forest, guards = read_serving(stored, manifest)
        return model_codec.decode(manifest, forest, guards)

    def metadata(self, name: ModelName, version: ModelVersion) -> ModelMetadata:
        """Return what is known of a version."""
        with self._version(name, version) as stored:
            manifest = known_manifest(stored)
        return model_codec.metadata(manifest)

    def report(self, name: ModelName, version: ModelVersion) -> TrainingReport | None:
        """Return what was said of a version's training."""
        with self._version(name, version) as stored:
            manifest = known_manifest(stored)
            if REPORT not in manifest.files:
                return None
            report = read_file(stored, REPORT)
        return model_codec.decode_report(manifest, report)


def find_manifest(stored: StoredVersion) -> Manifest | None:
    """Read the manifest of a version; None when there is no such version.

    Raises:
        DamagedModel: It is not readable.
    """
    data = stored.read(MANIFEST, MAX_MANIFEST_BYTES)
    return (
        None if data is None else model_codec.decode_manifest(data, stored.model_name, stored.model_version)
    )


def known_manifest(stored: StoredVersion) -> Manifest:
    """Read the manifest of a version that is asked for.

    Raises:
        UnknownModelVersion: There is no such version.
        DamagedModel: It is not readable.
    """
    manifest = find_manifest(stored)
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


def model_named(entry: str) -> ModelName | None:
    """Return the model that a folder is of; None for one that is no model's."""
    try:
        return ModelName(entry)
    except InvalidModelName:
        return None
