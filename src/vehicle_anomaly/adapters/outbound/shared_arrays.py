"""Arrays that several processes have in memory once (ADR 37)."""

import fcntl
import mmap
import os
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from vehicle_anomaly.core.model import TrainedModel

Arrays = Mapping[str, NDArray[Any]]

# Below, what a page more or less takes is all that could be saved.
_LEAST_BYTES: Final = 1024 * 1024
_ALIGNMENT: Final = 64

_log = structlog.get_logger(__name__)


class SharedArrays:
    """Puts arrays into memory that other processes map too, where the platform has memory that can be sealed.

    The first process that has them writes them into a sealed memfd, which nobody can change any more, and
    leaves a link to it in a folder that all of them know. The others compare what they find there with what
    they have, byte for byte, before they give up their own: so nothing is trusted that was not checked. When
    the process that made it is gone, those that mapped it keep it, and the next one makes a new one.
    """

    def __init__(self, folder: Path) -> None:
        """Share with all processes that know a folder, which nobody else may write to."""
        self._folder = folder

    def share(self, model: TrainedModel) -> TrainedModel:
        """Return the same version of a model, with its forest in shared memory."""
        known = model.metadata
        name = f"{known.model_name}@{known.model_version}"
        return model.placed(lambda arrays: self.place(name, arrays))

    def place(self, name: str, arrays: Arrays) -> Arrays:
        """Return equal arrays that are shared, or the same ones where that is not possible or does not pay.

        Args:
            name: What they are of; a file name. Arrays of one name are equal in all processes.
            arrays: By name; each contiguous. They may be written to afterwards, which nobody else sees.
        """
        starts, size = _layout(arrays)
        if not hasattr(os, "memfd_create") or size < _LEAST_BYTES:
            return arrays
        link = self._folder / name
        try:
            found = self._adopt(link, arrays, starts, size)
            if found is None:
                found = self._offer(link, arrays, starts, size)
        except OSError as error:
            _log.warning("a model is not shared among workers", error=str(error))
            return arrays
        return found

    def _adopt(self, link: Path, arrays: Arrays, starts: list[int], size: int) -> Arrays | None:
        """Return what another process offers, if it does and it is the same."""
        try:
            # Whatever it leads to, it is not waited for.
            descriptor = os.open(link, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            if not _is_sealed(descriptor) or os.fstat(descriptor).st_size != size:
                return None
            shared = _views(_mapped(descriptor, size), arrays, starts)
        finally:
            os.close(descriptor)
        equal = all(_same_bytes(shared[name], array) for name, array in arrays.items())
        return shared if equal else None

    def _offer(self, link: Path, arrays: Arrays, starts: list[int], size: int) -> Arrays:
        descriptor = os.memfd_create(link.name[:200], os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            for start, array in zip(starts, arrays.values(), strict=True):
                _write_at(descriptor, start, array.reshape(-1).view(np.uint8).data)
            os.ftruncate(descriptor, size)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
            mapping = _mapped(descriptor, size)
            # Under another name first: a link that leads nowhere, of a process that is gone, is replaced.
            fresh = link.with_name(f".{os.getpid()}-{descriptor}")
            fresh.symlink_to(f"/proc/{os.getpid()}/fd/{descriptor}")
            fresh.replace(link)
        except BaseException:
            os.close(descriptor)
            raise
        # Others find it by this process's descriptor, as long as it has the arrays itself.
        weakref.finalize(mapping, _withdraw, link, descriptor)
        return _views(mapping, arrays, starts)


_SEALS: Final = (
    fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    if hasattr(fcntl, "F_ADD_SEALS")
    else 0
)


def _layout(arrays: Arrays) -> tuple[list[int], int]:
    """Return where each array begins, and the bytes of all."""
    starts, end = [], 0
    for array in arrays.values():
        starts.append(end)
        end += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    return starts, end


def _is_sealed(descriptor: int) -> bool:
    try:
        return fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) == _SEALS
    except OSError:
        # No memfd: the number of a process that is gone may be another's by now.
        return False


def _mapped(descriptor: int, size: int) -> mmap.mmap:
    # Private and writable, for compiled code takes arrays that are read-only for another type; what nobody
    # writes to is never copied.
    return mmap.mmap(descriptor, size, access=mmap.ACCESS_COPY)


def _views(mapping: mmap.mmap, arrays: Arrays, starts: list[int]) -> Arrays:
    return {
        name: np.frombuffer(mapping, array.dtype, array.size, start).reshape(array.shape)
        for start, (name, array) in zip(starts, arrays.items(), strict=True)
    }


def _same_bytes(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return bool(np.array_equal(one.reshape(-1).view(np.uint8), other.reshape(-1).view(np.uint8)))


def _write_at(descriptor: int, start: int, content: memoryview) -> None:
    while content:
        written = os.pwrite(descriptor, content, start)
        content, start = content[written:], start + written


def _withdraw(link: Path, descriptor: int) -> None:
    with suppress(OSError):
        # Unless another's stands there by now; the folder itself goes with the run.
        if link.readlink() == Path(f"/proc/{os.getpid()}/fd/{descriptor}"):
            link.unlink()
    os.close(descriptor)
