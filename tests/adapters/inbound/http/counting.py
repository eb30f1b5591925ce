"""Counts in files, while they may be no longer than the argument says and after; a program of its own.

Files that may be no longer are a disk that is full, to whoever writes them. It needs a process that writes
nothing else, and an environment with PROMETHEUS_MULTIPROC_DIR.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.multiprocess import MultiProcessCollector
from structlog.testing import capture_logs

from vehicle_anomaly.adapters.inbound.http import metrics  # noqa: F401  # has counts kept in such files

N_SERIES = 300


def seen() -> dict[str, float]:
    """Return what a scrape is told: counts by label, and the gauge."""
    everyone = CollectorRegistry()
    MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
    samples = (sample for family in everyone.collect() for sample in family.samples)
    return {sample.labels.get("n", sample.name): sample.value for sample in samples}


def files() -> dict[str, list[int]]:
    """Return how long each file is, and for how much of it there is room on the disk."""
    found = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).iterdir()
    return {each.name.partition("_")[0]: [each.stat().st_size, each.stat().st_blocks * 512] for each in found}


def run(longest: int) -> None:
    """Count more than there is room for, and on when there is room; print what was seen of it."""
    _, unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (longest, unlimited))
    registry = CollectorRegistry()
    with capture_logs() as told:
        counter = Counter("counted", "Counts.", ["n"], registry=registry)
        gauge = Gauge("now", "How many.", registry=registry, multiprocess_mode="livesum")
        for n in range(N_SERIES):
            counter.labels(str(n)).inc()
        gauge.inc()
        counter.labels("0").inc()
        counter.labels(str(N_SERIES - 1)).inc()
        before = {"seen": seen(), "files": files(), "told": [each["event"] for each in told]}
        resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
        # A second after it failed room is looked for again.
        time.sleep(1.1)
        gauge.inc()
        counter.labels("0").inc()
    after = {"seen": seen(), "files": files(), "told": [each["event"] for each in told]}
    sys.stdout.write(json.dumps([before, after]))


if __name__ == "__main__":
    run(int(sys.argv[1]))
