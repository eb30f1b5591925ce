"""What guards cost beside the forest alone, in the same run."""

from datetime import UTC, datetime
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from tests import simulated_trucks
from tests.benchmarks.tables import Result
from tests.benchmarks.timing import seconds
from tests.fakes import InMemoryModels
from vehicle_anomaly.adapters.outbound.system_clock import SystemClock
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.judging import judge
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand
from vehicle_anomaly.core.telemetry import Reading
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

N_TRIPS = 100


def measure() -> Result:
    """Measure training, one verdict and many, with and without guards."""
    X = simulated_trucks.trips(N_TRIPS, seed=1)
    batch = simulated_trucks.batch(X)
    models, clock = InMemoryModels(), SystemClock()
    began = perf_counter()
    TrainModel(models, clock, ForestParameters())(TrainModelCommand(batch))
    between = perf_counter()
    known = TrainModel(models, clock, ForestParameters(), GuardParameters())(TrainModelCommand(batch))
    trained = perf_counter()
    model = models.load(known.model_name, known.model_version)
    scores = model.score(X)
    healthy = X[[not reasons for reasons in judge(model, X, scores)]][0]
    faulty = healthy.copy()
    faulty[2] *= 2
    alone = seconds(lambda: model.forest.score(X), repeats=5) / len(X)
    added = seconds(lambda: judge(model, X, scores), repeats=5) / len(X)
    return Result(
        "guards_cost",
        f"Guards, on simulated trucks: {len(X):,} readings × {X.shape[1]} features, 200 trees, one thread",
        ("what", "forest alone", "with guards", "ratio"),
        (
            ("training, s", *_numbers(between - began, trained - between)),
            ("one verdict, healthy, µs", *_one(models, healthy)),
            ("one verdict, of a faulty sensor, µs", *_one(models, faulty)),
            ("many verdicts, µs a reading", *_numbers(alone * 1e6, (alone + added) * 1e6)),
        ),
    )


def _one(models: InMemoryModels, row: NDArray[np.float64]) -> tuple[str, str, str]:
    command = ScoreTelemetryCommand([Reading("truck-1", datetime.now(UTC), row.tolist())])
    forest, guards = ScoreTelemetry(models, guarded=False), ScoreTelemetry(models)
    alone = seconds(lambda: forest(command), repeats=9, calls=500)
    guarded = seconds(lambda: guards(command), repeats=9, calls=500)
    return _numbers(alone * 1e6, guarded * 1e6)


def _numbers(alone: float, guarded: float) -> tuple[str, str, str]:
    return f"{alone:.1f}", f"{guarded:.1f}", f"{guarded / alone:.1f}"
