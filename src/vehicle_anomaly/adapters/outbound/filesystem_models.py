"""Models in a folder, shared by any number of processes.

A version is built whole in a temporary folder beside its place and renamed into it, so it is there with all
its files or not at all. `.lock` in the model's folder is held from the look at whether the version is taken
until LATEST points at it; readers need no lock.
"""

import errno
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import time_ns
from typing import Final

from vehicle_anomaly.adapters.outbound import model_codec
from vehicle_anomaly.adapters.outbound.model_codec import (
    FOREST,
    LATEST,
    MANIFEST,
    MAX_FOREST_BYTES,
    MAX_MANIFEST_BYTES,
    Manifest,
    ModelFiles,
)
from vehicle_anomaly.adapters.outbound.sealed_folder import SealedFolder, TooLarge
from vehicle_anomaly.core.errors import (
    DamagedModel,
    InvalidModelName,
    InvalidModelVersion,
    ModelStoreUnavailable,
    UnknownModel,
    UnknownModelVersion,
    VersionExists,
)
from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion, TrainedModel, newest_first
from vehicle_anomaly.core.ports import DamagedVersion, ModelVersions

_LOCK: Final = ".lock"
_TEMPORARY: Final = ".tmp-"
_MAX_LATEST_BYTES: Final = 1024
_ABANDONED_AFTER: Final = timedelta(hours=1)
_NOT_A_FOLDER = (errno.ELOOP, errno.ENOTDIR)


class FilesystemModels:
    """`ModelRepository` on a POSIX file system, local or shared."""

    def __init__(self, folder: Path) -> None:
        """Keep models in a folder, which is made when it is first needed."""
        self._path = folder

    def publish(self, model: TrainedModel) -> ModelMetadata:
        """Add a version and make it the latest."""
        name, version = model.metadata.model_name, model.metadata.model_version
        files = model_codec.encode(model)
        with self._store_errors():
            self._path.mkdir(parents=True, exist_ok=True)
            with SealedFolder.opened(self._path) as root:
                _make_model_folder(root, name)
                with self._model_folder(root, name) as folder:
                    stored = _manifest(folder, name, version)
                    if stored is None:
                        stored = self._publish_new(folder, name, version, files)
                    else:
                        with folder.locked(_LOCK):
                            self._publish_again(folder, name, version, stored, files)
        return model_codec.metadata(stored)

    def load(self, name: ModelName, version: ModelVersion) -> TrainedModel:
        """Return a version, whole and checked."""
        with self._store_errors(), self._version_folder(name, version) as folder:
            manifest = _manifest_in(folder, name, version)
            if manifest is None:
                raise UnknownModelVersion(name.value, version.value)
            try:
                forest = folder.read(FOREST, MAX_FOREST_BYTES)
            except (FileNotFoundError, TooLarge) as error:
                raise DamagedModel(name.value, version.value, f"{FOREST}: {error}") from error
        return model_codec.decode(manifest, forest)

    def latest(self, name: ModelName) -> ModelVersion:
        """Return the version that answers when none is named."""
        with self._store_errors(), self._existing_model_folder(name) as folder:
            latest = _read_latest(folder, name)
            if latest is None:
                raise UnknownModel(name.value)
            if not _has_manifest(folder, latest.value):
                raise DamagedModel(name.value, latest.value, f"{LATEST} points at it, and it does not exist")
            return latest

    def names(self) -> list[ModelName]:
        """Return the models that have at least one version, sorted."""
        names = []
        with self._store_errors():
            try:
                with SealedFolder.opened(self._path) as root:
                    for entry in root.folders():
                        name = _name_of(entry)
                        if name is not None and _has_versions(root, name):
                            names.append(name)
            except FileNotFoundError:
                return []
        return names

    def versions(self, name: ModelName) -> ModelVersions:
        """Return the versions of a model."""
        versions, damaged = [], []
        with self._store_errors(), self._existing_model_folder(name) as folder:
            for entry in folder.folders():
                try:
                    version = ModelVersion(entry)
                    manifest = _manifest(folder, name, version)
                    if manifest is None:
                        continue
                    _check_size(folder, manifest, name, version)
                    versions.append(model_codec.metadata(manifest))
                except InvalidModelVersion:
                    continue
                except DamagedModel as error:
                    damaged.append(DamagedVersion(entry, error.reason))
            if not versions and not damaged:
                raise UnknownModel(name.value)
            try:
                latest = _read_latest(folder, name)
            except DamagedModel as error:
                latest = None
                damaged.append(DamagedVersion(LATEST, error.reason))
        return ModelVersions(latest, tuple(newest_first(versions)), tuple(damaged))

    def metadata(self, name: ModelName, version: ModelVersion) -> ModelMetadata:
        """Return what is known of a version."""
        with self._store_errors(), self._version_folder(name, version) as folder:
            manifest = _manifest_in(folder, name, version)
        if manifest is None:
            raise UnknownModelVersion(name.value, version.value)
        return model_codec.metadata(manifest)

    def promote(self, name: ModelName, version: ModelVersion) -> None:
        """Make a version the latest, forward or back."""
        self.load(name, version)
        with self._store_errors(), self._existing_model_folder(name) as folder, folder.locked(_LOCK):
            _point_latest(folder, version)

    def check(self) -> None:
        """Return when the folder can be read; make it when it is not there."""
        with self._store_errors():
            self._path.mkdir(parents=True, exist_ok=True)
            with SealedFolder.opened(self._path) as root:
                root.names()

    def _publish_new(
        self, folder: SealedFolder, name: ModelName, version: ModelVersion, files: ModelFiles
    ) -> Manifest:
        temporary = f"{_TEMPORARY}{uuid.uuid4().hex}"
        folder.make_folder(temporary)
        try:
            with folder.folder(temporary) as building:
                for file, data in files.files.items():
                    building.write(file, data)
                building.write(MANIFEST, files.manifest)
                building.sync()
            with folder.locked(_LOCK):
                stored = _manifest(folder, name, version)
                if stored is not None:
                    self._publish_again(folder, name, version, stored, files)
                    return stored
                _remove_abandoned(folder)
                if folder.exists(version.value):
                    # Without a manifest it is no version: what is left of a copy by hand, say.
                    folder.rename(version.value, f"{_TEMPORARY}{uuid.uuid4().hex}")
                folder.touch(temporary, time_ns())
                folder.rename(temporary, version.value)
                folder.sync()
                _point_latest(folder, version)
        finally:
            if folder.exists(temporary):
                folder.remove_folder(temporary)
        return model_codec.decode_manifest(files.manifest, name, version)

    def _publish_again(
        self,
        folder: SealedFolder,
        name: ModelName,
        version: ModelVersion,
        stored: Manifest,
        files: ModelFiles,
    ) -> None:
        if stored.content_sha256 != files.content_sha256:
            raise VersionExists(name.value, version.value)
        # LATEST that was last written before this version came: whoever published it died in between.
        # LATEST that was written since is somebody's decision, and stays.
        if not folder.exists(LATEST) or folder.modified_ns(LATEST) < folder.modified_ns(version.value):
            _point_latest(folder, version)

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = f"{self._path}: {error.strerror or error}"
            raise ModelStoreUnavailable(reason) from error

    @contextmanager
    def _model_folder(self, root: SealedFolder, name: ModelName) -> Iterator[SealedFolder]:
        with _no_link(name.value, "all", name.value), root.folder(name.value) as folder:
            yield folder

    @contextmanager
    def _existing_model_folder(self, name: ModelName) -> Iterator[SealedFolder]:
        try:
            with SealedFolder.opened(self._path) as root, self._model_folder(root, name) as folder:
                yield folder
        except FileNotFoundError as error:
            raise UnknownModel(name.value) from error

    @contextmanager
    def _version_folder(self, name: ModelName, version: ModelVersion) -> Iterator[SealedFolder]:
        try:
            with (
                SealedFolder.opened(self._path) as root,
                self._model_folder(root, name) as model,
                _no_link(name.value, version.value, version.value),
                model.folder(version.value) as folder,
            ):
                yield folder
        except FileNotFoundError as error:
            raise UnknownModelVersion(name.value, version.value) from error


@contextmanager
def _no_link(model_name: str, model_version: str, entry: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_A_FOLDER:
            reason = f"{entry} is a symbolic link or no folder, and the store follows no links"
            raise DamagedModel(model_name, model_version, reason) from error
        raise


def _make_model_folder(root: SealedFolder, name: ModelName) -> None:
    try:
        root.make_folder(name.value)
    except FileExistsError:
        return
    root.sync()


def _has_manifest(folder: SealedFolder, version: str) -> bool:
    try:
        with folder.folder(version) as inner:
            return inner.exists(MANIFEST)
    except OSError as error:
        if isinstance(error, FileNotFoundError) or error.errno in _NOT_A_FOLDER:
            return False
        raise


def _has_versions(root: SealedFolder, name: ModelName) -> bool:
    with root.folder(name.value) as folder:
        return any(_has_manifest(folder, version) for version in folder.folders())


def _manifest(folder: SealedFolder, name: ModelName, version: ModelVersion) -> Manifest | None:
    """Read the manifest of a version in a model's folder; None when there is no such version."""
    try:
        with _no_link(name.value, version.value, version.value), folder.folder(version.value) as inner:
            return _manifest_in(inner, name, version)
    except FileNotFoundError:
        return None


def _manifest_in(folder: SealedFolder, name: ModelName, version: ModelVersion) -> Manifest | None:
    try:
        with _no_link(name.value, version.value, MANIFEST):
            data = folder.read(MANIFEST, MAX_MANIFEST_BYTES)
    except FileNotFoundError:
        return None
    except (TooLarge, IsADirectoryError) as error:
        raise DamagedModel(name.value, version.value, f"{MANIFEST}: {error}") from error
    return model_codec.decode_manifest(data, name, version)


def _check_size(folder: SealedFolder, manifest: Manifest, name: ModelName, version: ModelVersion) -> None:
    with folder.folder(version.value) as inner:
        for file, entry in manifest.files.items():
            if not inner.exists(file) or inner.size(file) != entry.size:
                reason = f"{file} does not have the size that {MANIFEST} lists"
                raise DamagedModel(name.value, version.value, reason)


def _read_latest(folder: SealedFolder, name: ModelName) -> ModelVersion | None:
    try:
        with _no_link(name.value, LATEST, LATEST):
            return ModelVersion(folder.read(LATEST, _MAX_LATEST_BYTES).decode("ascii").strip())
    except FileNotFoundError:
        return None
    except (TooLarge, IsADirectoryError, UnicodeDecodeError, InvalidModelVersion) as error:
        raise DamagedModel(name.value, LATEST, f"{LATEST} names no version: {error}") from error


def _point_latest(folder: SealedFolder, version: ModelVersion) -> None:
    temporary = f"{_TEMPORARY}{uuid.uuid4().hex}"
    folder.write(temporary, version.value.encode("ascii"))
    folder.touch(temporary, time_ns())
    folder.rename(temporary, LATEST)
    folder.sync()


def _remove_abandoned(folder: SealedFolder) -> None:
    """Remove what publishers that died left behind, once it is old enough to be nobody's."""
    oldest = time_ns() - int(_ABANDONED_AFTER.total_seconds() * 1e9)
    folders = set(folder.folders())
    for entry in folder.names():
        if entry.startswith(_TEMPORARY) and folder.modified_ns(entry) < oldest:
            (folder.remove_folder if entry in folders else folder.remove)(entry)


def _name_of(entry: str) -> ModelName | None:
    try:
        return ModelName(entry)
    except InvalidModelName:
        return None
