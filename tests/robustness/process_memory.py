"""What a process holds, as Linux tells: memory, file handles, threads."""

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MEGABYTE = 1024 * 1024


class Held(NamedTuple):
    """What a process holds now: bytes of memory, open files, threads."""

    memory: int
    files: int
    threads: int


def held(pid: int) -> Held:
    """Return what a process holds."""
    return Held(
        _status(pid, "VmRSS") * 1024, len(list(Path(f"/proc/{pid}/fd").iterdir())), _status(pid, "Threads")
    )


def forget_peak(pid: int) -> None:
    """Let the peak begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def peak(pid: int) -> int:
    """Return the most bytes of memory that a process had since `forget_peak`."""
    return _status(pid, "VmHWM") * 1024


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise AssertionError(f"/proc/{pid}/status has no {name}")
