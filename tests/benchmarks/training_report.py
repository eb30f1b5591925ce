"""What the report on a training costs, beside the fit of the same readings."""

import tracemalloc

import numpy as np

from tests.benchmarks.tables import Result
from tests.benchmarks.timing import seconds
from vehicle_anomaly.core import fitting
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.training_report import EarlierVersion, training_report

SHAPES = ((1_000_000, 10), (100_000, 200))
N_VEHICLES = 50


def measure() -> Result:
    """Measure a fleet whose vehicles send in turns, which is the order that costs most."""
    return Result(
        "training_report",
        f"The report on a training beside its fit, 200 trees, {N_VEHICLES} vehicles in turns",
        (
            "readings × features",
            "fit, s",
            "report, s",
            "share",
            "memory of the report, MB",
            "of the batch, MB",
        ),
        tuple(_row(*shape) for shape in SHAPES),
    )


def _row(n_readings: int, n_features: int) -> tuple[str, ...]:
    X = np.random.default_rng(0).normal(size=(n_readings, n_features))
    vehicles = [f"veh-{number % N_VEHICLES}" for number in range(n_readings)]
    timestamps = np.datetime64("2026-01-01", "us") + np.arange(n_readings).astype("timedelta64[s]")
    batch, medians = TelemetryBatch(X, vehicles, timestamps), np.median(X, axis=0)
    forest, _ = fitting.fit(X, ForestParameters())
    before = EarlierVersion("before", training_report(batch, medians, forest, None))
    fit = seconds(lambda: fitting.fit(X, ForestParameters()), repeats=1)
    report = seconds(lambda: training_report(batch, medians, forest, before), repeats=3)
    tracemalloc.start()
    training_report(batch, medians, forest, before)
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (
        f"{n_readings:,} × {n_features}",
        f"{fit:.2f}",
        f"{report:.2f}",
        f"{report / fit:.1%}",
        f"{memory / 1e6:.0f}",
        f"{X.nbytes / 1e6:.0f}",
    )
