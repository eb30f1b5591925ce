"""A folder for the files of one run of a service with several workers, which goes with them however they end.

A killed process removes nothing, so the next service to start does it. A folder is in use as long as a
process holds the lock on it, which each worker inherits: numbers of processes are taken again, and mean
nothing in another container. What cleans up temporary folders by age heeds the same lock
(https://systemd.io/TEMPORARY_DIRECTORIES/).
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

_PREFIX: Final = "vehicle-anomaly-serve-"
# Under this one it has no lock yet, and nobody may take it for abandoned.
_UNLOCKED_PREFIX: Final = "vehicle-anomaly-new-"
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A folder that no other user may enter.

    Attributes:
        path: Of the folder.
        lock: A descriptor. While a process has it open, the folder stays.
    """

    path: Path
    lock: int

    def made(self, name: str) -> str:
        """Make a folder in it, and return its path."""
        folder = self.path / name
        folder.mkdir()
        return str(folder)


@contextmanager
def run_folder() -> Iterator[RunFolder]:
    """Yield a folder that is removed at the end; remove those first that nobody uses any more.

    Raises:
        OSError: No folder can be made; its `filename` names it.
    """
    try:
        temporary = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        # Python has tried several, and names none as the one.
        raise OSError(error.errno, error.strerror, "TMPDIR") from error
    _remove_abandoned_of(temporary)
    unlocked = Path(tempfile.mkdtemp(prefix=_UNLOCKED_PREFIX))
    lock = os.open(unlocked, _FOLDER)
    path = _locked(unlocked, lock)
    try:
        yield RunFolder(path, lock)
    finally:
        # What cleans up by age was first, perhaps.
        with suppress(FileNotFoundError):
            shutil.rmtree(path)
        os.close(lock)


def remove_abandoned() -> None:
    """Remove this user's folders that no process uses any more; what cannot be removed is logged."""
    try:
        temporary = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        # Where no folder has room, a service of one process needs none.
        _log.warning("no folder for temporary files", error=error.strerror)
        return
    _remove_abandoned_of(temporary)


def _remove_abandoned_of(temporary: Path) -> None:
    for path in temporary.glob(f"{_PREFIX}*"):
        try:
            if _is_own_folder(path) and _removed_if_abandoned(path):
                _log.info("removed what an ended service left", folder=str(path))
        except FileNotFoundError:
            # Another service was first.
            continue
        except OSError as error:
            _log.warning("what an ended service left cannot be removed", folder=str(path), error=str(error))


def _locked(unlocked: Path, lock: int) -> Path:
    """Lock a folder that was just made, and return what it is called from now on."""
    path = unlocked.with_name(unlocked.name.replace(_UNLOCKED_PREFIX, _PREFIX, 1))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # A file system without locks is no reason not to serve.
        _log.warning("files stay if this service is killed", folder=str(unlocked), error=str(error))
        return unlocked
    return unlocked.rename(path)


def _is_own_folder(path: Path) -> bool:
    # Where all write temporary files, anybody may make one of this name.
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _removed_if_abandoned(path: Path) -> bool:
    lock = os.open(path, _FOLDER)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
