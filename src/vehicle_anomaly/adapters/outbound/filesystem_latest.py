"""LATEST in a model's folder: the version that answers when none is named.

What LATEST is about to become stands in `.next` first; LATEST is exchanged by renaming it. Before `.next`
comes the record of the change: see `filesystem_promotions`.
"""

from typing import Final

from vehicle_anomaly.adapters.outbound import filesystem_promotions
from vehicle_anomaly.adapters.outbound.filesystem_versions import has_manifest, temporary
from vehicle_anomaly.adapters.outbound.model_codec import LATEST
from vehicle_anomaly.adapters.outbound.sealed_folder import Misplaced, SealedFolder, TooLarge
from vehicle_anomaly.core.errors import DamagedModel, InvalidModelVersion
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.promotions import Change

_NEXT: Final = ".next"
_MAX_LATEST_BYTES: Final = 1024


def read_latest(folder: SealedFolder, name: ModelName) -> ModelVersion | None:
    """Return the version that LATEST names; None when there is no LATEST.

    Raises:
        DamagedModel: It names none that is there.
    """
    try:
        latest = ModelVersion(folder.read(LATEST, _MAX_LATEST_BYTES).decode("ascii").strip())
    except FileNotFoundError:
        return None
    except (TooLarge, Misplaced, UnicodeDecodeError, InvalidModelVersion) as error:
        raise DamagedModel(name.value, LATEST, f"{LATEST} names no version: {error}") from error
    if not has_manifest(folder, latest):
        raise DamagedModel(name.value, latest.value, f"{LATEST} points at {latest}, which does not exist")
    return latest


def next_latest(folder: SealedFolder) -> str | None:
    """Return the version that LATEST was about to point at when a publisher died."""
    try:
        return folder.read(_NEXT, _MAX_LATEST_BYTES).decode("ascii", errors="replace")
    except (FileNotFoundError, TooLarge, Misplaced):
        return None


def named_latest(folder: SealedFolder) -> ModelVersion | None:
    """Return the version that LATEST names, whether or not it is there; None when it names none."""
    try:
        return ModelVersion(folder.read(LATEST, _MAX_LATEST_BYTES).decode("ascii").strip())
    except (FileNotFoundError, TooLarge, Misplaced, UnicodeDecodeError, InvalidModelVersion):
        return None


def point_latest(folder: SealedFolder, name: ModelName, change: Change) -> None:
    """Point LATEST at a version, under the lock."""
    prepare_latest(folder, name, change)
    switch_latest(folder, name, change.to_version)


def prepare_latest(folder: SealedFolder, name: ModelName, change: Change) -> None:
    """Say, under the lock, what LATEST is about to become, and who wants it."""
    filesystem_promotions.begin(folder, name, change, named_latest(folder))
    written = temporary()
    folder.write(written, change.to_version.value.encode("ascii"))
    try:
        folder.rename(written, _NEXT)
    except OSError:
        folder.remove(written)
        raise


def switch_latest(folder: SealedFolder, name: ModelName, version: ModelVersion) -> None:
    """Let LATEST become the version that was prepared."""
    # What LATEST will point at is on the disk before it does.
    folder.sync()
    folder.rename(_NEXT, LATEST)
    folder.sync()
    filesystem_promotions.finish(folder, name, version)
