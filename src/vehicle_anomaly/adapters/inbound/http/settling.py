"""What a process gives back, and sets aside, once it has started and before it serves."""

import ctypes
import gc
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

# The compiler: used to load the kernels, and not again.
_DONE_WITH: Final = "libllvmlite"
# proc(5): address range, permissions, offset, device, inode, file.
_MAPPING: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+ *(.*)")
_MADV_DONTNEED: Final = 4


def settle() -> None:
    """Make a started process smaller, and its collections of garbage short.

    What has been imported stays for good: the collector need not look through it again and again, which takes
    tens of milliseconds each time. And the pages of the compiler's library, a third of the process, go back
    to the kernel, which reads them again should anything be compiled after all (ADR 0033).
    """
    gc.collect()
    gc.freeze()
    if sys.platform == "linux":
        _give_back(unmodified_ranges(Path("/proc/self/smaps").read_text().splitlines(), _DONE_WITH))


def unmodified_ranges(smaps: Iterable[str], name: str) -> Iterator[tuple[int, int]]:
    """Find where a library lies as it is in its file: what can be read again.

    Args:
        smaps: Lines of `/proc/PID/smaps`.
        name: Part of the library's.

    Yields:
        Address and size, bytes.
    """
    first = last = 0
    for line in smaps:
        if found := _MAPPING.match(line):
            start, end, permissions, file = found.groups()
            wanted = name in Path(file).name and "w" not in permissions
            first, last = (int(start, 16), int(end, 16)) if wanted else (0, 0)
        elif last and line.startswith("Anonymous:") and line.split()[1] == "0":
            yield first, last - first


def _give_back(ranges: Iterable[tuple[int, int]]) -> None:
    madvise = ctypes.CDLL(None, use_errno=True).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for address, size in ranges:
        # Advice that the kernel does not take leaves all as it was.
        madvise(address, size, _MADV_DONTNEED)
