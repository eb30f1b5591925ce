"""What a score costs, beside scikit-learn's for the same forest."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from sklearn.ensemble import IsolationForest

from tests.benchmarks.measure import Row, Table, at_least, at_most
from tests.benchmarks.timing import side_by_side
from tests.fakes import InMemoryModels
from vehicle_anomaly.adapters.outbound.system_clock import SystemClock
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand
from vehicle_anomaly.core.telemetry import Reading, TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

N_READINGS = 100_000
N_FEATURES = 8


def measure(n_readings: int = N_READINGS, repeats: int = 9) -> Iterator[Row]:
    """Measure one reading through the use case, and many through the forest."""
    X = np.random.default_rng(0).normal(size=(n_readings, N_FEATURES))
    models = InMemoryModels()
    timestamps = np.full(n_readings, np.datetime64("2026-01-01T00:00:00", "us"))
    batch = TelemetryBatch(X, ["veh-1"] * n_readings, timestamps)
    known = TrainModel(models, SystemClock(), ForestParameters())(TrainModelCommand(batch))
    forest = models.load(known.model_name, known.model_version).forest
    peer = IsolationForest(n_estimators=200, contamination=0.05, random_state=42).fit(X)

    score_telemetry = ScoreTelemetry(models)
    one = ScoreTelemetryCommand([Reading("veh-1", datetime.now(UTC), X[0].tolist())])
    row = X[:1]

    def peer_verdict() -> None:
        peer.decision_function(row)
        peer.predict(row)

    ours, theirs = side_by_side(
        lambda: score_telemetry(one), peer_verdict, repeats=repeats, calls=500, their_calls=5
    )
    yield Row.of_times(
        "one reading through `ScoreTelemetry`",
        ours,
        theirs,
        peer="scikit-learn's `decision_function` + `predict`",
        bars=(at_most(15.0), at_least(500.0)),
    )
    ours, theirs = side_by_side(
        lambda: forest.score(X), lambda: peer.decision_function(X), repeats=max(3, repeats // 2)
    )
    yield Row.of_times(
        f"{n_readings:,} readings, one thread, each",
        ours / n_readings,
        theirs / n_readings,
        peer="scikit-learn's `decision_function`",
        bars=(at_least(3.0),),
    )


def quick() -> Iterator[Row]:
    """Measure the same on fewer readings."""
    return measure(20_000, 5)


TABLE = Table("scoring", f"Scoring with 200 trees × {N_FEATURES} features", measure, quick)
