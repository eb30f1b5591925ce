"""Folders by file descriptor: no name, and no symbolic link, leads out of them."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC


class TooLarge(OSError):
    """A file is larger than its reader allows."""


class Misplaced(OSError):
    """A name stands for something else than the file or folder it should: a link, a pipe, a folder."""


class SealedFolder:
    """An open folder and what is directly in it. Every name is one component; links are never followed.

    All methods raise `OSError` as the operating system does.
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
        """Open a folder in this one.

        Raises:
            Misplaced: It is a symbolic link or no folder.
        """
        try:
            descriptor = os.open(_component(name), _FOLDER | _NO_LINK, dir_fd=self._descriptor)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise Misplaced(f"{name} is a symbolic link or no folder, and no link is followed") from error
            raise
        try:
            yield SealedFolder(descriptor)
        finally:
            os.close(descriptor)

    def make_folder(self, name: str) -> None:
        """Make a folder; fail if the name is taken."""
        os.mkdir(_component(name), dir_fd=self._descriptor)

    def names(self) -> list[str]:
        """Return what is in this folder, sorted."""
        with os.scandir(self._descriptor) as entries:
            return sorted(entry.name for entry in entries)

    def folders(self) -> list[str]:
        """Return the folders in this one, sorted; a link to a folder is none."""
        with os.scandir(self._descriptor) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))

    def files(self) -> list[str]:
        """Return the regular files in this folder, sorted; a link to a file is none."""
        with os.scandir(self._descriptor) as entries:
            return sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))

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

    def read(self, name: str, max_bytes: int) -> bytes:
        """Read a file.

        Raises:
            TooLarge: It holds more than `max_bytes`.
            Misplaced: It is a symbolic link or no file.
        """
        # O_NONBLOCK: a pipe in the place of a file must not hang the reader.
        flags = os.O_RDONLY | os.O_NONBLOCK | _NO_LINK
        try:
            descriptor = os.open(_component(name), flags, dir_fd=self._descriptor)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise Misplaced(f"{name} is a symbolic link or no file, and no link is followed") from error
            raise
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Misplaced(f"{name} is no file")
            if status.st_size > max_bytes:
                raise TooLarge(f"{name} is larger than {max_bytes} bytes")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(status.st_size)
        finally:
            os.close(descriptor)

    def write(self, name: str, data: bytes) -> None:
        """Write a new file through to the disk, all of it or nothing; fail if the name is taken."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK
        descriptor = os.open(_component(name), flags, 0o666, dir_fd=self._descriptor)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123  # no path, a descriptor
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.remove(name)
            raise

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
        """Hold an exclusive lock on a file, made when needed; it ends with the process that holds it."""
        flags = os.O_RDWR | os.O_CREAT | _NO_LINK
        descriptor = os.open(_component(name), flags, 0o666, dir_fd=self._descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def make_path(path: Path) -> None:
    """Make a folder and those above it that are not there, through to the disk."""
    if path.is_dir():
        return
    make_path(path.parent)
    path.mkdir(exist_ok=True)
    with SealedFolder.opened(path.parent) as parent:
        parent.sync()


def _component(name: str) -> str:
    """Return the name of one entry of a folder; refuse what would lead elsewhere."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is not the name of a file or folder")
    return name
