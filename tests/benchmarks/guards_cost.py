"""What guards cost beside the forest alone, in the same run."""

from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from tests import simulated_trucks
from tests.benchmarks.measure import Row, Sample, Table, at_most, at_most_ratio
from tests.benchmarks.timing import side_by_side, times
from tests.fakes import InMemoryModels
from vehicle_anomaly.adapters.outbound.system_clock import SystemClock
from vehicle_anomaly.core.explaining import Explain
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.judging import judge
from vehicle_anomaly.core.model import TrainedModel
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand
from vehicle_anomaly.core.telemetry import Reading
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

N_TRIPS = 100


def measure() -> Iterator[Row]:
    """Measure training, one verdict and many, with and without guards."""
    X = simulated_trucks.trips(N_TRIPS, seed=1)
    batch = simulated_trucks.batch(X)
    models, clock = InMemoryModels(), SystemClock()
    began = perf_counter()
    TrainModel(models, clock, ForestParameters())(TrainModelCommand(batch))
    between = perf_counter()
    known = TrainModel(models, clock, ForestParameters(), GuardParameters())(TrainModelCommand(batch))
    trained = Sample.of([perf_counter() - between])
    yield Row(
        f"training with guards, {len(X):,} × {X.shape[1]}",
        trained,
        "s",
        "the forest alone",
        Sample.of([between - began]),
        trained.median / (between - began),
    )
    model = models.load(known.model_name, known.model_version)
    scores = model.score(X)
    healthy = X[next(row for row in range(len(X)) if row not in judge(model, X, scores))]
    faulty = healthy.copy()
    faulty[2] *= 2
    yield _one("one verdict of a healthy reading, above the forest's", models, healthy)
    yield _one("one verdict of a faulty sensor, above the forest's", models, faulty)
    yield _explained("the explanation of one verdict", models, faulty)
    contradicting = healthy.copy()
    contradicting[2] *= 1.5
    # Each is told with what is expected of it, and what the others say without it.
    told = judge(model, contradicting[np.newaxis], model.score(contradicting[np.newaxis]))[0]
    several = f"{len(told)} sensors that contradict the others"
    yield _one(f"one verdict of {several}, above the forest's", models, contradicting)
    yield _explained(f"the explanation of {several}", models, contradicting)
    yield _many(model, X)


def quick() -> Iterator[Row]:
    """Measure many verdicts."""
    X = simulated_trucks.trips(10, seed=1)
    models = InMemoryModels()
    train = TrainModel(models, SystemClock(), ForestParameters(), GuardParameters())
    known = train(TrainModelCommand(simulated_trucks.batch(X)))
    yield _many(models.load(known.model_name, known.model_version), X)


def _many(model: TrainedModel, X: NDArray[np.float64]) -> Row:
    added, alone = side_by_side(lambda: judge(model, X, model.score(X)), lambda: model.score(X), repeats=5)
    per_reading = 1e6 / len(X)
    return Row(
        "many verdicts, each",
        added * per_reading,
        "µs",
        "the forest alone",
        alone * per_reading,
        added.median / alone.median,
        (at_most_ratio(3.0),),
    )


def _one(what: str, models: InMemoryModels, row: NDArray[np.float64]) -> Row:
    command = _command(row, "never")
    forest, guards = ScoreTelemetry(models, guarded=False), ScoreTelemetry(models)
    alone = times(lambda: forest(command), repeats=9, calls=500)
    guarded = times(lambda: guards(command), repeats=9, calls=500)
    return Row(what, Sample.of([(guarded.median - alone.median) * 1e6]), "µs", bars=(at_most(25.0),))


def _explained(what: str, models: InMemoryModels, row: NDArray[np.float64]) -> Row:
    score = ScoreTelemetry(models)
    never, always = _command(row, "never"), _command(row, "always")
    explained, plain = side_by_side(
        lambda: [score(always) for _ in range(500)], lambda: [score(never) for _ in range(500)], repeats=9
    )
    added = Sample.of([(explained.median - plain.median) / 500 * 1e6])
    return Row(what, added, "µs", bars=(at_most(30.0),))


def _command(row: NDArray[np.float64], explain: Explain) -> ScoreTelemetryCommand:
    return ScoreTelemetryCommand([Reading("truck-1", datetime.now(UTC), row.tolist())], explain=explain)


TABLE = Table(
    "guards", f"Guards, on {N_TRIPS} simulated trips of trucks, 200 trees, one thread", measure, quick
)
