"""What the report on a training costs, beside the fit of the same readings."""

import os
import tracemalloc
from collections.abc import Iterator

import numpy as np

from tests.benchmarks.measure import Row, Sample, Table, at_most_ratio
from tests.benchmarks.timing import times
from vehicle_anomaly.core import fitting
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.scoring_threads import ScoringThreads
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.training_report import EarlierVersion, training_report

SHAPES = ((1_000_000, 10), (100_000, 200))
N_VEHICLES = 50


def measure() -> Iterator[Row]:
    """Measure a fleet whose vehicles send in turns, which is the order that costs most."""
    for n_readings, n_features in SHAPES:
        yield from _rows(n_readings, n_features)


def _rows(n_readings: int, n_features: int) -> Iterator[Row]:
    shape = f"{n_readings:,} × {n_features}"
    X = np.random.default_rng(0).normal(size=(n_readings, n_features))
    vehicles = [f"veh-{number % N_VEHICLES}" for number in range(n_readings)]
    timestamps = np.datetime64("2026-01-01", "us") + np.arange(n_readings).astype("timedelta64[s]")
    batch, medians = TelemetryBatch(X, vehicles, timestamps), np.median(X, axis=0)
    forest, _ = fitting.fit(X, ForestParameters())
    before = EarlierVersion("before", training_report(batch, medians, forest, None))
    threads = ScoringThreads(len(os.sched_getaffinity(0)))
    fit = times(lambda: fitting.fit(X, ForestParameters(), None, threads), repeats=3)
    report = times(lambda: training_report(batch, medians, forest, before), repeats=3)
    ratio = report.median / fit.median
    yield Row(f"report on {shape}", report, "s", "the fit", fit, ratio, (at_most_ratio(0.1),))
    tracemalloc.start()
    training_report(batch, medians, forest, before)
    memory = Sample.of([tracemalloc.get_traced_memory()[1] / 1e6])
    tracemalloc.stop()
    held = Sample.of([X.nbytes / 1e6])
    yield Row(f"its memory, {shape}", memory, "MB", "the batch", held, memory.median / held.median)


TABLE = Table(
    "training_report", f"The report on a training, {N_VEHICLES} vehicles in turns, 200 trees", measure
)
