"""Standard output or a file, whose errors name it."""

import errno
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

_STANDARD_OUTPUT: Final = "standard output"
# A disk that is full, and a share of one that is used up.
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class Output:
    """Where bytes go. What was read while they were made fails by its own name, and this by its."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        """Write to an open stream that has a name for its user."""
        self._stream = stream
        self._name = name

    def write(self, data: bytes) -> None:
        """Write bytes, some of them perhaps not before the flush.

        Raises:
            OSError: It cannot be done; its `filename` is the name.
        """
        with _named(self._name):
            self._stream.write(data)

    def flush(self) -> None:
        """Write what is left.

        Raises:
            OSError: It cannot be done; its `filename` is the name.
        """
        with _named(self._name):
            self._stream.flush()


@contextmanager
def open_output(path: Path | None) -> Iterator[Output]:
    """Open what is written to.

    A file appears, or takes the place of the one that was there, when it is complete: until then it has
    another name beside it. What is no file, such as a pipe or `/dev/null`, is written to as it is.

    Args:
        path: None is standard output.

    Raises:
        OSError: It cannot be written.
    """
    if path is None:
        yield Output(sys.stdout.buffer, _STANDARD_OUTPUT)
    elif path.exists() and not path.is_file():
        with closing_output(path.open("wb"), str(path)) as output:
            yield output
    else:
        # Through links, so that what they point at is replaced and not the link.
        target = path.resolve()
        partial = target.with_name(f".{target.name[:128]}.{secrets.token_hex(6)}.partial")
        # Under the name that was asked for: nobody knows the other.
        with _named(str(path)):
            stream = partial.open("xb")
        try:
            with closing_output(stream, str(path)) as output:
                yield output
            with _named(str(path)):
                partial.replace(target)
        finally:
            # What could not be written is told, not that it could not be removed.
            with suppress(OSError):
                partial.unlink()


@contextmanager
def closing_output(stream: BinaryIO, name: str) -> Iterator[Output]:
    """Write to an open stream that has a name for its user, and close it.

    Raises:
        OSError: What is left cannot be written; its `filename` is the name.
    """
    try:
        yield Output(stream, name)
        with _named(name):
            stream.close()
    finally:
        # After a failure it fails again, without a name.
        with suppress(OSError):
            stream.close()


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        told = error.strerror or str(error)
        if error.errno in _NO_ROOM and name != _STANDARD_OUTPUT:
            told += ": make room there, or let --output name a file on another disk"
        # Of the same class, by its number.
        raise OSError(error.errno, told, name) from error
