"""What stands in a model's folder: versions, and what is being built or was left half built."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from time import time_ns
from typing import Final

from vehicle_anomaly.adapters.outbound.model_codec import MANIFEST
from vehicle_anomaly.adapters.outbound.sealed_folder import Misplaced, SealedFolder, TooLarge
from vehicle_anomaly.core.errors import DamagedModel, InvalidModelVersion
from vehicle_anomaly.core.model import ModelName, ModelVersion

_TEMPORARY: Final = ".tmp-"
_ABANDONED_AFTER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class FolderVersion:
    """`StoredVersion` in a model's folder, which is open."""

    folder: SealedFolder
    model_name: ModelName
    model_version: ModelVersion

    def read(self, file: str, max_bytes: int) -> bytes | None:
        """Return a file; None when it is not there."""
        try:
            with self.folder.folder(self.model_version.value) as inner:
                return inner.read(file, max_bytes)
        except FileNotFoundError:
            return None
        except (TooLarge, Misplaced) as error:
            raise DamagedModel(self.model_name.value, self.model_version.value, str(error)) from error


def version_entries(folder: SealedFolder) -> list[ModelVersion]:
    """Return what stands under a version's name; a file never was one, a link claims to be."""
    files = set(folder.files())
    versions = []
    for entry in folder.names():
        if entry not in files:
            with suppress(InvalidModelVersion):
                versions.append(ModelVersion(entry))
    return versions


def has_manifest(folder: SealedFolder, version: ModelVersion) -> bool:
    """Tell whether there is such a version."""
    try:
        with folder.folder(version.value) as inner:
            return inner.exists(MANIFEST)
    except (FileNotFoundError, Misplaced):
        return False


def published(folder: SealedFolder) -> list[ModelVersion]:
    """Return the versions of a model, by name."""
    return [version for version in version_entries(folder) if has_manifest(folder, version)]


def has_versions(root: SealedFolder, name: ModelName) -> bool:
    """Tell whether a model has a version."""
    with root.folder(name.value) as folder:
        return any(has_manifest(folder, version) for version in version_entries(folder))


def remove_abandoned(folder: SealedFolder) -> None:
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
    doomed = temporary()
    folder.rename(entry, doomed)
    if doomed in folder.folders():
        folder.remove_folder(doomed)
    else:
        folder.remove(doomed)


def temporary() -> str:
    """Name something that is being built; nobody else builds under this name."""
    return f"{_TEMPORARY}{uuid.uuid4().hex}"
