"""Models in a folder, shared by any number of processes.

A version is built whole in a temporary folder beside its place and renamed into it, so it is there with all
its files or not at all. `.lock` in the model's folder is held from the look at whether the version is taken
until LATEST points at it; readers need no lock. What LATEST is about to become stands in `.next` before the
version is in its place: whoever dies in between leaves it there, and the next publishing of that version
takes the step that is missing.
"""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from time import time_ns
from typing import Final

from vehicle_anomaly.adapters.outbound import model_codec
from vehicle_anomaly.adapters.outbound.model_codec import (
    FOREST,
    GUARDS,
    LATEST,
    MANIFEST,
    MAX_FOREST_BYTES,
    MAX_GUARDS_BYTES,
    MAX_MANIFEST_BYTES,
    MAX_REPORT_BYTES,
    REPORT,
    Manifest,
    ModelFiles,
)
from vehicle_anomaly.adapters.outbound.sealed_folder import Misplaced, SealedFolder, TooLarge, make_path
from vehicle_anomaly.core.errors import (
    DamagedModel,
    InvalidModelName,
    InvalidModelVersion,
    ModelStoreUnavailable,
    Refusal,
    UnknownModel,
    UnknownModelVersion,
    VersionExists,
)
from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion, TrainedModel, newest_first
from vehicle_anomaly.core.ports import DamagedVersion, ModelVersions, VersionFiles
from vehicle_anomaly.core.training_report import TrainingReport

_LOCK: Final = ".lock"
_NEXT: Final = ".next"
_TEMPORARY: Final = ".tmp-"
_MAX_LATEST_BYTES: Final = 1024
_ABANDONED_AFTER: Final = timedelta(hours=1)


class FilesystemModels:
    """`ModelArchive` on a POSIX file system, local or shared."""

    def __init__(self, folder: Path) -> None:
        """Keep models in a folder, which is made when it is first needed."""
        self._path = folder

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
        unknown = UnknownModelVersion(name.value, version.value)
        with self._store_errors(), self._model_folder(name, unknown) as folder:
            try:
                manifest = _read(folder, name, version, MANIFEST, MAX_MANIFEST_BYTES)
            except FileNotFoundError as error:
                raise unknown from error
            listed = model_codec.listed_files(model_codec.decode_manifest(manifest, name, version))
            files = {
                file: _file(folder, name, version, file, max_bytes) for file, max_bytes in listed.items()
            }
        model_codec.check_files(manifest, files, name, version)
        return VersionFiles(name, version, manifest, files)

    def load(self, name: ModelName, version: ModelVersion) -> TrainedModel:
        """Return a version, whole and checked."""
        unknown = UnknownModelVersion(name.value, version.value)
        with self._store_errors(), self._model_folder(name, unknown) as folder:
            manifest = _manifest(folder, name, version)
            if manifest is None:
                raise unknown
            forest, guards = _serving(folder, name, version, manifest)
        return model_codec.decode(manifest, forest, guards)

    def latest(self, name: ModelName) -> ModelVersion:
        """Return the version that answers when none is named."""
        with self._store_errors(), self._model_folder(name, UnknownModel(name.value)) as folder:
            latest = _read_latest(folder, name)
            if latest is None:
                raise UnknownModel(name.value)
            return latest

    def names(self) -> list[ModelName]:
        """Return the models that have at least one version, sorted."""
        names = []
        with self._store_errors(), ExitStack() as opened:
            try:
                root = opened.enter_context(SealedFolder.opened(self._path))
            except FileNotFoundError:
                return []
            for entry in root.folders():
                name = _name_of(entry)
                if name is not None and _has_versions(root, name):
                    names.append(name)
        return names

    def versions(self, name: ModelName) -> ModelVersions:
        """Return the versions of a model."""
        versions, damaged = {}, []
        with self._store_errors(), self._model_folder(name, UnknownModel(name.value)) as folder:
            for version in _version_entries(folder):
                try:
                    manifest = _manifest(folder, name, version)
                    if manifest is None:
                        continue
                    model_codec.check_serving(manifest, *_serving(folder, name, version, manifest))
                    versions[version] = model_codec.metadata(manifest)
                except DamagedModel as error:
                    damaged.append(DamagedVersion(version.value, error.reason))
            if not versions and not damaged:
                raise UnknownModel(name.value)
            try:
                latest = _read_latest(folder, name)
            except DamagedModel as error:
                latest = None
                damaged.append(DamagedVersion(LATEST, error.reason))
        readable = latest if latest in versions else None
        return ModelVersions(readable, tuple(newest_first([*versions.values()])), tuple(damaged))

    def metadata(self, name: ModelName, version: ModelVersion) -> ModelMetadata:
        """Return what is known of a version."""
        unknown = UnknownModelVersion(name.value, version.value)
        with self._store_errors(), self._model_folder(name, unknown) as folder:
            manifest = _manifest(folder, name, version)
        if manifest is None:
            raise unknown
        return model_codec.metadata(manifest)

    def report(self, name: ModelName, version: ModelVersion) -> TrainingReport | None:
        """Return what was said of a version's training."""
        unknown = UnknownModelVersion(name.value, version.value)
        with self._store_errors(), self._model_folder(name, unknown) as folder:
            manifest = _manifest(folder, name, version)
            if manifest is None:
                raise unknown
            if REPORT not in manifest.files:
                return None
            report = _file(folder, name, version, REPORT, MAX_REPORT_BYTES)
        return model_codec.decode_report(manifest, report)

    def promote(self, name: ModelName, version: ModelVersion) -> None:
        """Make a version the latest, forward or back."""
        self.load(name, version)
        unknown = UnknownModelVersion(name.value, version.value)
        with self._store_errors(), self._model_folder(name, unknown) as folder, folder.locked(_LOCK):
            _point_latest(folder, version)

    def check(self) -> None:
        """Return when the folder can be read; make it when it is not there."""
        with self._store_errors():
            make_path(self._path)
            with SealedFolder.opened(self._path) as root:
                root.names()

    def _add(self, name: ModelName, version: ModelVersion, files: ModelFiles, *, latest: bool) -> Manifest:
        with self._store_errors():
            make_path(self._path)
            with SealedFolder.opened(self._path) as root:
                _make_model_folder(root, name)
            with self._model_folder(name, UnknownModel(name.value)) as folder:
                stored = _manifest(folder, name, version)
                if stored is None:
                    return self._add_new(folder, name, version, files, latest=latest)
                with folder.locked(_LOCK):
                    _add_again(folder, stored, files, latest=latest)
                return stored

    def _add_new(
        self,
        folder: SealedFolder,
        name: ModelName,
        version: ModelVersion,
        files: ModelFiles,
        *,
        latest: bool,
    ) -> Manifest:
        temporary = _temporary()
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
                    _add_again(folder, stored, files, latest=latest)
                    return stored
                if folder.exists(version.value):
                    # Without a manifest it is no version: what is left of a copy by hand, say.
                    folder.rename(version.value, _temporary())
                if latest:
                    _prepare_latest(folder, version)
                folder.rename(temporary, version.value)
                if latest:
                    _switch_latest(folder)
                else:
                    folder.sync()
                _remove_abandoned(folder)
        finally:
            # Gone when it was published. If not, the answer matters more than what is left of it, which
            # a later publisher removes.
            with suppress(OSError):
                folder.remove_folder(temporary)
        return model_codec.decode_manifest(files.manifest, name, version)

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = f"{self._path}: {error.strerror or error}"
            raise ModelStoreUnavailable(reason) from error

    @contextmanager
    def _model_folder(self, name: ModelName, unknown: Refusal) -> Iterator[SealedFolder]:
        with ExitStack() as opened:
            # Around the opening alone: a file that is not found later is no unknown model.
            try:
                root = opened.enter_context(SealedFolder.opened(self._path))
                folder = opened.enter_context(root.folder(name.value))
            except FileNotFoundError as error:
                raise unknown from error
            except Misplaced as error:
                raise DamagedModel(name.value, "all", str(error)) from error
            yield folder


def _make_model_folder(root: SealedFolder, name: ModelName) -> None:
    with suppress(FileExistsError):
        root.make_folder(name.value)
    # Also when it was there: whoever made it may not have come this far yet.
    root.sync()


def _version_entries(folder: SealedFolder) -> list[ModelVersion]:
    """Return what stands under a version's name; a file never was one, a link claims to be."""
    files = set(folder.files())
    versions = []
    for entry in folder.names():
        if entry not in files:
            with suppress(InvalidModelVersion):
                versions.append(ModelVersion(entry))
    return versions


def _has_manifest(folder: SealedFolder, version: ModelVersion) -> bool:
    try:
        with folder.folder(version.value) as inner:
            return inner.exists(MANIFEST)
    except (FileNotFoundError, Misplaced):
        return False


def _has_versions(root: SealedFolder, name: ModelName) -> bool:
    with root.folder(name.value) as folder:
        return any(_has_manifest(folder, version) for version in _version_entries(folder))


def _manifest(folder: SealedFolder, name: ModelName, version: ModelVersion) -> Manifest | None:
    """Read the manifest of a version in a model's folder; None when there is no such version."""
    try:
        data = _read(folder, name, version, MANIFEST, MAX_MANIFEST_BYTES)
    except FileNotFoundError:
        return None
    return model_codec.decode_manifest(data, name, version)


def _serving(
    folder: SealedFolder, name: ModelName, version: ModelVersion, manifest: Manifest
) -> tuple[bytes, bytes | None]:
    """Read the forest, and the guards of a version that has some."""
    forest = _file(folder, name, version, FOREST, MAX_FOREST_BYTES)
    if GUARDS not in manifest.files:
        return forest, None
    return forest, _file(folder, name, version, GUARDS, MAX_GUARDS_BYTES)


def _file(folder: SealedFolder, name: ModelName, version: ModelVersion, file: str, max_bytes: int) -> bytes:
    try:
        return _read(folder, name, version, file, max_bytes)
    except FileNotFoundError as error:
        raise DamagedModel(name.value, version.value, f"{file} is not there") from error


def _read(folder: SealedFolder, name: ModelName, version: ModelVersion, file: str, max_bytes: int) -> bytes:
    try:
        with folder.folder(version.value) as inner:
            return inner.read(file, max_bytes)
    except (TooLarge, Misplaced) as error:
        raise DamagedModel(name.value, version.value, str(error)) from error


def _add_again(folder: SealedFolder, stored: Manifest, files: ModelFiles, *, latest: bool) -> None:
    """Finish, under the lock, what the first publisher of the same content may have left undone."""
    name, version = stored.metadata.model_name, stored.metadata.model_version
    if stored.content_sha256 != files.content_sha256:
        raise VersionExists(name, version)
    if latest and (not folder.exists(LATEST) or _next(folder) == version):
        _point_latest(folder, ModelVersion(version))
    else:
        # It may have died before it came to this.
        folder.sync()


def _read_latest(folder: SealedFolder, name: ModelName) -> ModelVersion | None:
    try:
        latest = ModelVersion(folder.read(LATEST, _MAX_LATEST_BYTES).decode("ascii").strip())
    except FileNotFoundError:
        return None
    except (TooLarge, Misplaced, UnicodeDecodeError, InvalidModelVersion) as error:
        raise DamagedModel(name.value, LATEST, f"{LATEST} names no version: {error}") from error
    if not _has_manifest(folder, latest):
        raise DamagedModel(name.value, latest.value, f"{LATEST} points at {latest}, which does not exist")
    return latest


def _next(folder: SealedFolder) -> str | None:
    """Return the version that LATEST was about to point at when a publisher died."""
    try:
        return folder.read(_NEXT, _MAX_LATEST_BYTES).decode("ascii", errors="replace")
    except (FileNotFoundError, TooLarge, Misplaced):
        return None


def _point_latest(folder: SealedFolder, version: ModelVersion) -> None:
    _prepare_latest(folder, version)
    _switch_latest(folder)


def _prepare_latest(folder: SealedFolder, version: ModelVersion) -> None:
    temporary = _temporary()
    folder.write(temporary, version.value.encode("ascii"))
    try:
        folder.rename(temporary, _NEXT)
    except OSError:
        folder.remove(temporary)
        raise


def _switch_latest(folder: SealedFolder) -> None:
    # What LATEST will point at is on the disk before it does.
    folder.sync()
    folder.rename(_NEXT, LATEST)
    folder.sync()


def _remove_abandoned(folder: SealedFolder) -> None:
    """Remove what publishers that died left behind, once it is old enough to be nobody's."""
    oldest = time_ns() - int(_ABANDONED_AFTER.total_seconds() * 1e9)
    for entry in folder.names():
        if entry.startswith(_TEMPORARY):
            # Its publisher may be removing it at this moment; and what resists hinders no publishing.
            with suppress(OSError):
                if folder.modified_ns(entry) < oldest:
                    _remove_one(folder, entry)


def _remove_one(folder: SealedFolder, entry: str) -> None:
    # Under another name first: half of it must never be there under the name its publisher knows.
    doomed = _temporary()
    folder.rename(entry, doomed)
    if doomed in folder.folders():
        folder.remove_folder(doomed)
    else:
        folder.remove(doomed)


def _temporary() -> str:
    return f"{_TEMPORARY}{uuid.uuid4().hex}"


def _name_of(entry: str) -> ModelName | None:
    try:
        return ModelName(entry)
    except InvalidModelName:
        return None
