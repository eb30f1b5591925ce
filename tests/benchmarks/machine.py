"""Of what machine, versions and load a run is."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("vehicle-anomaly", "numpy", "numba", "scikit-learn", "msgspec", "litestar", "uvicorn")
_PEERS: Final = ("onnxruntime", "isotree", "granian", "hypercorn")
# A quiet machine has less than this share of its cores at work.
_BUSY_SHARE: Final = 0.25


def busy() -> str | None:
    """Say that other work is going on, if it is: figures taken now are of little use."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load <= _BUSY_SHARE * cores:
        return None
    return f"the machine was busy before the run: load {load:.2f} on {cores} cores; the ratios suffer too"


def described() -> list[str]:
    """Describe machine, versions and load, one sentence or list a line."""
    versions = [f"{name} {found}" for name in (*_PACKAGES, *_PEERS) if (found := _version(name))]
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores of {_processor()}, "
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}, {', '.join(versions)}",
        "load before the run: " + ", ".join(f"{load:.2f}" for load in os.getloadavg()),
    ]


class StolenTime:
    """How much of the processors' time the machine's own host gave to others."""

    def __init__(self) -> None:
        self._before = _ticks()

    def share(self) -> float:
        """Return the share since the beginning; 0 where that is not told."""
        stolen, total = (now - before for now, before in zip(_ticks(), self._before, strict=True))
        return stolen / total if total else 0.0


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has taken: what else the machine does changes it little."""
    # After the name, which may hold spaces: fields 14 and 15 of proc(5) are user and system time in ticks.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ticks() -> tuple[int, int]:
    # proc(5): user, nice, system, idle, iowait, irq, softirq, steal.
    stat = Path("/proc/stat")
    fields = [int(field) for field in stat.read_text().split()[1:9]] if stat.exists() else [0] * 8
    return fields[7], sum(fields)


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
