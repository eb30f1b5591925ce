"""Files that several workers count in, on a disk that may be full.

prometheus_client makes such a file long without filling it, and maps it. The first write to a part for which
the disk has no room is no error then: the kernel ends the process (SIGBUS). Whoever asks for a path that
nobody has asked for yet begins a series, so strangers could end all workers.
"""

import mmap
import os
import struct
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

import prometheus_client.values
import structlog
from prometheus_client.mmap_dict import MmapedDict

# Of a file when it is made, and by which it grows; the client's own begin with eight times as much.
_STEP: Final = 8 * 1024
# How long a disk without room is left alone.
_PATIENCE_SECONDS: Final = 1.0
# What the client keeps of a value: itself, and when it was set.
_VALUE: Final = struct.Struct("dd")
_pack_value: Final = _VALUE.pack
_VALUE_SIZE: Final = _VALUE.size
# Beside its name: its length, at most eight bytes behind it, and the value.
_BESIDE_NAME: Final = 4 + 8 + _VALUE_SIZE

_log = structlog.get_logger(__name__)


def count_in_files_with_room() -> None:
    """Have prometheus_client count in a `CountFile` where it counts in files.

    It has no setting for this: its values look here for what they count in, each time that they need one.
    """
    prometheus_client.values.MmapedDict = CountFile  # type: ignore[assignment, attr-defined]


class CountFile(MmapedDict):
    """What one worker counts of one kind, in a file that others read; the disk has room for all of it.

    What there is no room for is counted here, and nobody sees it; it is put into the file when there is room
    again, which is looked for once a second while anything is counted. Nothing that is counted is lost, and
    no caller learns of it. As with the client's own, who counts holds a lock, the same for all files.
    """

    def __init__(self, filename: str) -> None:
        """Open a file, or make it; without room for it, count here."""
        self._fname = filename
        self._f = None  # type: ignore[assignment]
        self._positions: dict[str, int] = {}
        self._waiting: dict[str, tuple[float, float]] = {}
        self.place_waiting()

    def read_value(self, key: str) -> tuple[float, float]:
        """Return a value and when it was set; one that is new is 0."""
        position = self._positions.get(key)
        if position is None:
            self._waiting.setdefault(key, (0.0, 0.0))
            if self not in _shortage.files:
                self.place_waiting()
            position = self._positions.get(key)
        if position is None:
            return self._waiting[key]
        value, timestamp = _VALUE.unpack_from(self._m, position)
        return value, timestamp

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        """Keep a value."""
        if key not in self._positions:
            self._waiting[key] = value, timestamp
        else:
            position = self._positions[key]
            # All at once: who reads sees the one before or this one.
            self._m[position : position + _VALUE_SIZE] = _pack_value(value, timestamp)
        if _shortage.files:
            _shortage.look_for_room()

    def close(self) -> None:
        """Count no more."""
        _shortage.files.discard(self)
        super().close()  # type: ignore[no-untyped-call]

    def place_waiting(self) -> None:
        """Put into the file what has no place there; what there is no room for goes on waiting."""
        try:
            if self._f is None:
                self._open()
            for key, (value, timestamp) in [*self._waiting.items()]:
                self._make_room(len(key.encode()) + _BESIDE_NAME)
                self._init_value(key)  # type: ignore[no-untyped-call]
                del self._waiting[key]
                super().write_value(key, value, timestamp)  # type: ignore[no-untyped-call]
        except OSError as error:
            _shortage.begin(self, error)
        else:
            _shortage.end(self)

    def _open(self) -> None:
        path = Path(self._fname)
        if not path.exists():
            # Renamed when it is whole: who reads fails on a file that is empty.
            made = path.with_suffix(".new")
            try:
                made.write_bytes(bytes(_STEP))
                made.rename(path)
            except OSError:
                with suppress(OSError):
                    made.unlink(missing_ok=True)
                raise
        try:
            super().__init__(self._fname)  # type: ignore[no-untyped-call]
        except OSError:
            if self._f is not None:
                self._f.close()
                self._f = None  # type: ignore[assignment]
            raise

    def _make_room(self, n_bytes: int) -> None:
        lacking = self._used + n_bytes - self._capacity
        if lacking <= 0:
            return
        capacity = self._capacity + -(-lacking // _STEP) * _STEP
        file = self._f.fileno()
        # Written, not only promised: unlike `posix_fallocate` every system has that.
        zeros = memoryview(bytes(capacity - self._capacity))
        try:
            while zeros:
                zeros = zeros[os.write(file, zeros) :]
            self._m = mmap.mmap(file, capacity)
        except OSError:
            os.ftruncate(file, self._capacity)
            raise
        self._capacity = capacity


class _Shortage:
    """The files of this process that lack room.

    One of them may not be counted in for hours, so what is counted in any has room looked for for all.
    """

    def __init__(self) -> None:
        self.files: set[CountFile] = set()
        self._next_look = 0.0

    def begin(self, file: CountFile, error: OSError) -> None:
        if not self.files:
            folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
            _log.warning("no room to count in files", folder=folder, error=error.strerror)
        self.files.add(file)
        self._next_look = monotonic() + _PATIENCE_SECONDS

    def end(self, file: CountFile) -> None:
        if file in self.files:
            self.files.remove(file)
            if not self.files:
                _log.info("room to count in files again")

    def look_for_room(self) -> None:
        if monotonic() >= self._next_look:
            for file in [*self.files]:
                file.place_waiting()


_shortage: Final = _Shortage()
