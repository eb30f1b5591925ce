"""Folders by file descriptor: no name, and no symbolic link, leads out of them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC


class TooLarge(OSError):
    """A file is larger than its reader allows."""


class SealedFolder:
    """An open folder and what is directly in it. Every name is one component; links are never followed.

    All methods raise `OSError` as the operating system does; a symbolic link in the place of a file or folder
    is `ELOOP` or `ENOTDIR`.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Self]:
        """Open a folder by path; the path itself may lead through links, as its owner wishes."""
        folder = cls(os.open(path, _FOLDER))
        try:
            yield folder
        finally:
            os.close(folder._descriptor)

    @contextmanager
    def folder(self, name: str) -> Iterator["SealedFolder"]:
        """Open a folder in this one."""
        folder = SealedFolder(os.open(_component(name), _FOLDER | _NO_LINK, dir_fd=self._descriptor))
        try:
            yield folder
        finally:
            os.close(folder._descriptor)

    def make_folder(self, name: str) -> None:
        """Make a folder; fail if the name is taken."""
        os.mkdir(_component(name), dir_fd=self._descriptor)

    def names(self) -> list[str]:
        """Return what is in this folder, sorted."""
        return sorted(os.listdir(self._descriptor))

    def folders(self) -> list[str]:
        """Return the folders in this one, sorted; a link to a folder is none."""
        with os.scandir(self._descriptor) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))

    def exists(self, name: str) -> bool:
        """Tell whether the name is taken, if only by a dangling link."""
        try:
            os.stat(_component(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def modified_ns(self, name: str) -> int:
        """Return when a file or folder was last written, in ns since the epoch."""
        return os.stat(_component(name), dir_fd=self._descriptor, follow_symlinks=False).st_mtime_ns

    def touch(self, name: str, modified_ns: int) -> None:
        """Say when a file or folder was last written, in ns since the epoch."""
        times = (modified_ns, modified_ns)
        os.utime(_component(name), ns=times, dir_fd=self._descriptor, follow_symlinks=False)

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        return os.stat(_component(name), dir_fd=self._descriptor, follow_symlinks=False).st_size

    def read(self, name: str, max_bytes: int) -> bytes:
        """Read a file.

        Raises:
            TooLarge: It holds more than `max_bytes`.
        """
        # O_NONBLOCK: a pipe in the place of a file must not hang the reader.
        descriptor = os.open(
            _component(name), os.O_RDONLY | os.O_NONBLOCK | _NO_LINK, dir_fd=self._descriptor
        )
        with open(descriptor, "rb") as file:  # noqa: PTH123  # no path, a descriptor
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise TooLarge(f"{name} is larger than {max_bytes} bytes")
        return data

    def write(self, name: str, data: bytes) -> None:
        """Write a new file through to the disk; fail if the name is taken."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK
        descriptor = os.open(_component(name), flags, 0o666, dir_fd=self._descriptor)
        with open(descriptor, "wb") as file:  # noqa: PTH123  # no path, a descriptor
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, old: str, new: str) -> None:
        """Give a file or folder in this folder another name, replacing a file or an empty folder."""
        os.rename(_component(old), _component(new), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Remove a file."""
        os.unlink(_component(name), dir_fd=self._descriptor)

    def remove_folder(self, name: str) -> None:
        """Remove a folder and the files in it, and the folders in those."""
        with self.folder(name) as doomed:
            folders = set(doomed.folders())
            for inner in doomed.names():
                (doomed.remove_folder if inner in folders else doomed.remove)(inner)
        os.rmdir(_component(name), dir_fd=self._descriptor)

    def sync(self) -> None:
        """Write the names in this folder through to the disk."""
        os.fsync(self._descriptor)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold an exclusive lock on a file, made when it is not there; the system lets go if the process dies."""
        flags = os.O_RDWR | os.O_CREAT | _NO_LINK
        descriptor = os.open(_component(name), flags, 0o666, dir_fd=self._descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _component(name: str) -> str:
    """Return the name of one entry of a folder; refuse what would lead elsewhere."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is not the name of a file or folder")
    return name
