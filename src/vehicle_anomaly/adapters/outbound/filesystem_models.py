"""Models in a folder, shared by any number of processes.

A version is built whole in a temporary folder beside its place and renamed into it, so it is there with all
its files or not at all. `.lock` in the model's folder is held from the look at whether the version is taken
until LATEST points at it; readers need no lock. What LATEST is about to become stands in `.next` before the
version is in its place: whoever dies in between leaves it there, and the next publishing of that version
takes the step that is missing.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from vehicle_anomaly.adapters.outbound import model_codec
from vehicle_anomaly.adapters.outbound.filesystem_latest import (
    named_latest,
    next_latest,
    point_latest,
    prepare_latest,
    read_latest,
    switch_latest,
)
from vehicle_anomaly.adapters.outbound.filesystem_promotions import ever_latest, promotions
from vehicle_anomaly.adapters.outbound.filesystem_versions import (
    FolderVersion,
    has_versions,
    published,
    remove_abandoned,
    temporary,
    version_entries,
)
from vehicle_anomaly.adapters.outbound.model_codec import LATEST, MANIFEST, Manifest, ModelFiles
from vehicle_anomaly.adapters.outbound.sealed_folder import Misplaced, SealedFolder, make_path
from vehicle_anomaly.adapters.outbound.signatures import Signatures
from vehicle_anomaly.adapters.outbound.stored_versions import (
    StoredVersions,
    find_manifest,
    listed,
    model_named,
    no_latest,
    read_serving,
)
from vehicle_anomaly.core.errors import (
    DamagedModel,
    ModelStoreUnavailable,
    UnknownModel,
    UnknownModelVersion,
    VersionExists,
)
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.ports import DamagedVersion, ModelVersions
from vehicle_anomaly.core.promotions import Change, Promoter, Promotion

_UNSIGNED: Final = Signatures()
_LOCK: Final = ".lock"


class FilesystemModels(StoredVersions):
    """`ModelArchive` on a POSIX file system, local or shared."""

    def __init__(self, folder: Path, signatures: Signatures = _UNSIGNED) -> None:
        """Keep models in a folder, which is made when it is first needed; without signatures, any."""
        super().__init__(signatures)
        self._path = folder

    def latest(self, name: ModelName) -> ModelVersion:
        """Return the version that answers when none is named."""
        with self._store_errors(), self._model_folder(name) as folder:
            latest = read_latest(folder, name)
            if latest is None:
                raise no_latest(name, published(folder))
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
                name = model_named(entry)
                if name is not None and has_versions(root, name):
                    names.append(name)
        return names

    def versions(self, name: ModelName) -> ModelVersions:
        """Return the versions of a model."""
        versions, damaged = {}, []
        with self._store_errors(), self._model_folder(name) as folder:
            for version in version_entries(folder):
                try:
                    stored = FolderVersion(folder, name, version)
                    manifest = find_manifest(stored, self._signatures)
                    if manifest is None:
                        continue
                    model_codec.check_serving(manifest, *read_serving(stored, manifest))
                    versions[version] = model_codec.metadata(manifest)
                except DamagedModel as error:
                    damaged.append(DamagedVersion(version.value, error.reason))
            if not versions and not damaged:
                raise UnknownModel(name.value)
            return listed(
                versions,
                damaged,
                lambda: read_latest(folder, name),
                lambda: ever_latest(folder, name, lambda: named_latest(folder)),
            )

    def promotions(self, name: ModelName) -> list[Promotion]:
        """Return the records of what became the latest version, in the order in which it did."""
        with self._store_errors(), self._model_folder(name) as folder:
            found = promotions(folder, name, lambda: named_latest(folder))
            if not found and not published(folder):
                raise UnknownModel(name.value)
            return found

    def promote(self, name: ModelName, version: ModelVersion, promoter: Promoter) -> None:
        """Make a version the latest, forward or back, with a record of it."""
        known = self.load(name, version).metadata
        change = Change(promoter, version, known.trained_at)
        with self._store_errors(), self._model_folder(name, version) as folder, folder.locked(_LOCK):
            point_latest(folder, name, change)

    def check(self) -> None:
        """Return when the folder can be read; make it when it is not there."""
        with self._store_errors():
            make_path(self._path)
            with SealedFolder.opened(self._path) as root:
                root.names()

    def _add(
        self, name: ModelName, version: ModelVersion, files: ModelFiles, change: Change | None
    ) -> Manifest:
        with self._store_errors():
            make_path(self._path)
            with SealedFolder.opened(self._path) as root:
                _make_model_folder(root, name)
            with self._model_folder(name) as folder:
                stored = find_manifest(FolderVersion(folder, name, version), self._signatures)
                if stored is None:
                    return self._add_new(folder, name, version, files, change)
                with folder.locked(_LOCK):
                    _add_again(folder, stored, files, change)
                return stored

    def _add_new(
        self,
        folder: SealedFolder,
        name: ModelName,
        version: ModelVersion,
        files: ModelFiles,
        change: Change | None,
    ) -> Manifest:
        built = temporary()
        folder.make_folder(built)
        try:
            with folder.folder(built) as building:
                for file, data in files.files.items():
                    building.write(file, data)
                building.write(MANIFEST, files.manifest)
                building.sync()
            with folder.locked(_LOCK):
                stored = find_manifest(FolderVersion(folder, name, version), self._signatures)
                if stored is not None:
                    _add_again(folder, stored, files, change)
                    return stored
                if folder.exists(version.value):
                    # Without a manifest it is no version: what is left of a copy by hand, say.
                    folder.rename(version.value, temporary())
                if change is not None:
                    prepare_latest(folder, name, change)
                folder.rename(built, version.value)
                if change is not None:
                    switch_latest(folder, name, version)
                else:
                    folder.sync()
                remove_abandoned(folder)
        finally:
            # Gone when it was published. If not, the answer matters more than what is left of it, which
            # a later publisher removes.
            with suppress(OSError):
                folder.remove_folder(built)
        return model_codec.decode_manifest(files.manifest, name, version)

    @contextmanager
    def _version(self, name: ModelName, version: ModelVersion) -> Iterator[FolderVersion]:
        with self._store_errors(), self._model_folder(name, version) as folder:
            yield FolderVersion(folder, name, version)

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = f"{self._path}: {error.strerror or error}"
            raise ModelStoreUnavailable(reason) from error

    @contextmanager
    def _model_folder(self, name: ModelName, version: ModelVersion | None = None) -> Iterator[SealedFolder]:
        with ExitStack() as opened:
            # Around the opening alone: a file that is not found later is no unknown model.
            try:
                root = opened.enter_context(SealedFolder.opened(self._path))
                folder = opened.enter_context(root.folder(name.value))
            except FileNotFoundError as error:
                if version is None:
                    raise UnknownModel(name.value) from error
                raise UnknownModelVersion(name.value, version.value) from error
            except Misplaced as error:
                raise DamagedModel(name.value, "all", str(error)) from error
            yield folder


def _make_model_folder(root: SealedFolder, name: ModelName) -> None:
    with suppress(FileExistsError):
        root.make_folder(name.value)
    # Also when it was there: whoever made it may not have come this far yet.
    root.sync()


def _add_again(folder: SealedFolder, stored: Manifest, files: ModelFiles, change: Change | None) -> None:
    """Finish, under the lock, what the first publisher of the same content may have left undone."""
    name, version = stored.metadata.model_name, stored.metadata.model_version
    if stored.content_sha256 != files.content_sha256:
        raise VersionExists(name, version)
    if change is not None and (not folder.exists(LATEST) or next_latest(folder) == version):
        point_latest(folder, ModelName(name), change)
    else:
        # It may have died before it came to this.
        folder.sync()
