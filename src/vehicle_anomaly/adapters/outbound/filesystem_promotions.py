"""The records of promotions in a model's folder: one file each, never changed and never removed.

The record of a change that is about to happen stands in `pending.json`, on the disk, before LATEST is
exchanged, and gets its own name after. So whoever dies in between leaves a record that LATEST itself tells to
be true or not: the change it tells of has happened if LATEST names its version, for a record is made only
when LATEST named another. Whoever takes the lock next gives it its name, or removes it. Only who reads needs
no lock.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from vehicle_anomaly.adapters.outbound import promotion_codec
from vehicle_anomaly.adapters.outbound.promotion_codec import FOLDER, MAX_PROMOTION_BYTES
from vehicle_anomaly.adapters.outbound.sealed_folder import Misplaced, SealedFolder, TooLarge
from vehicle_anomaly.core.errors import DamagedModel
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.ports import MAX_PROMOTIONS
from vehicle_anomaly.core.promotions import Change, Promotion

_PENDING: Final = "pending.json"
_UNFINISHED: Final = "pending.tmp"


def begin(folder: SealedFolder, name: ModelName, change: Change, latest: ModelVersion | None) -> None:
    """Record, under the lock, a change that is about to happen.

    Args:
        folder: The model's.
        name: The model.
        change: It.
        latest: What LATEST names now.
    """
    with suppress(FileExistsError):
        folder.make_folder(FOLDER)
        folder.sync()
    with folder.folder(FOLDER) as log:
        _settle(log, name, latest)
        if change.to_version == latest:
            return
        last = max((number for number, _ in _named(log).values()), default=0)
        with suppress(FileNotFoundError):
            log.remove(_UNFINISHED)
        log.write(_UNFINISHED, promotion_codec.encode(change.after(last + 1, latest)))
        log.rename(_UNFINISHED, _PENDING)
        log.sync()


def finish(folder: SealedFolder, name: ModelName, latest: ModelVersion) -> None:
    """Give the record of a change that has happened its name, under the lock."""
    # What cannot be done now, whoever changes LATEST next does; until then it is read where it is.
    with suppress(OSError), folder.folder(FOLDER) as log:
        _settle(log, name, latest)


def promotions(
    folder: SealedFolder, name: ModelName, latest: Callable[[], ModelVersion | None]
) -> list[Promotion]:
    """Read the newest records, in order.

    Args:
        folder: The model's.
        name: The model.
        latest: Reads what LATEST names.

    Raises:
        DamagedModel: A record is not readable.
    """
    with _log(folder) as log:
        if log is None:
            return []
        happened, named = _look(log, name, latest)
        read = [
            promotion_codec.decode(_read(log, name, file), name, file) for file in named[-MAX_PROMOTIONS:]
        ]
    return [*read, *happened][-MAX_PROMOTIONS:]


def ever_latest(
    folder: SealedFolder, name: ModelName, latest: Callable[[], ModelVersion | None]
) -> frozenset[ModelVersion]:
    """Return what is on record as having been the latest version; as `promotions`."""
    with _log(folder) as log:
        if log is None:
            return frozenset()
        happened, named = _look(log, name, latest)
        versions = {version for _, version in filter(None, map(promotion_codec.parse_name, named))}
        versions |= {each.to_version for each in happened}
        # What answered before there were records stands in the first of them.
        first = [promotion_codec.decode(_read(log, name, file), name, file) for file in named[:1]] or happened
    versions |= {each.from_version for each in first if each.from_version is not None}
    return frozenset(versions)


def _look(
    log: SealedFolder, name: ModelName, latest: Callable[[], ModelVersion | None]
) -> tuple[list[Promotion], list[str]]:
    """Return the record of what has happened and has no name yet, if any; and the names of the others."""
    # In this order, for whoever holds the lock goes on meanwhile: what is pending no more has a name by then.
    pending = _pending(log, name)
    happened = [] if pending is None or pending.to_version != latest() else [pending]
    named = _named(log)
    taken = {number for number, _ in named.values()}
    return [each for each in happened if each.number not in taken], list(named)


@contextmanager
def _log(folder: SealedFolder) -> Iterator[SealedFolder | None]:
    with ExitStack() as opened:
        try:
            log = opened.enter_context(folder.folder(FOLDER))
        except FileNotFoundError:
            log = None
        yield log


def _settle(log: SealedFolder, name: ModelName, latest: ModelVersion | None) -> None:
    pending = _pending(log, name)
    if pending is not None and pending.to_version == latest:
        log.rename(_PENDING, promotion_codec.file_name(pending))
    else:
        # It has not happened: its writer died, or was refused by the disk, before LATEST was exchanged.
        with suppress(FileNotFoundError):
            log.remove(_PENDING)
    log.sync()


def _pending(log: SealedFolder, name: ModelName) -> Promotion | None:
    try:
        return promotion_codec.decode(log.read(_PENDING, MAX_PROMOTION_BYTES), name, _PENDING)
    except (FileNotFoundError, TooLarge, Misplaced, DamagedModel):
        # Written whole or not at all: what is no record was not written here.
        return None


def _named(log: SealedFolder) -> dict[str, tuple[int, ModelVersion]]:
    """Return number and version of each record by the name of its file, in order."""
    parsed = {file: promotion_codec.parse_name(file) for file in log.files()}
    known = {file: record for file, record in parsed.items() if record is not None}
    return dict(sorted(known.items(), key=lambda item: item[1][0]))


def _read(log: SealedFolder, name: ModelName, file: str) -> bytes:
    try:
        return log.read(file, MAX_PROMOTION_BYTES)
    except (TooLarge, Misplaced) as error:
        raise DamagedModel(name.value, FOLDER, str(error)) from error
