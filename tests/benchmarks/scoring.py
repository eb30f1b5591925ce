"""What a score costs, beside scikit-learn's for the same forest."""

from datetime import UTC, datetime

import numpy as np
from sklearn.ensemble import IsolationForest

from tests.benchmarks.tables import Result
from tests.benchmarks.timing import seconds
from tests.fakes import InMemoryModels
from vehicle_anomaly.adapters.outbound.system_clock import SystemClock
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand
from vehicle_anomaly.core.telemetry import Reading, TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

N_READINGS = 100_000
N_FEATURES = 8


def measure() -> Result:
    """Measure one reading through the use case, and many through the forest."""
    X = np.random.default_rng(0).normal(size=(N_READINGS, N_FEATURES))
    models = InMemoryModels()
    timestamps = np.full(N_READINGS, np.datetime64("2026-01-01T00:00:00", "us"))
    batch = TelemetryBatch(X, ["veh-1"] * N_READINGS, timestamps)
    known = TrainModel(models, SystemClock(), ForestParameters())(TrainModelCommand(batch))
    forest = models.load(known.model_name, known.model_version).forest
    peer = IsolationForest(n_estimators=200, contamination=0.05, random_state=42).fit(X)

    score_telemetry = ScoreTelemetry(models)
    one = ScoreTelemetryCommand([Reading("veh-1", datetime.now(UTC), X[0].tolist())])
    row = X[:1]

    def peer_verdict() -> None:
        peer.decision_function(row)
        peer.predict(row)

    ours_one = seconds(lambda: score_telemetry(one), repeats=9, calls=500)
    peers_one = seconds(peer_verdict, repeats=9, calls=5)
    ours_many = seconds(lambda: forest.score(X), repeats=5) / N_READINGS
    peers_many = seconds(lambda: peer.decision_function(X), repeats=5) / N_READINGS
    return Result(
        "scoring",
        f"Scoring with 200 trees × {N_FEATURES} features, one thread, µs a reading",
        ("what", "vehicle-anomaly", "scikit-learn", "ratio"),
        (
            _row("one reading, through the use case", ours_one, peers_one),
            _row(f"{N_READINGS:,} readings at once", ours_many, peers_many),
        ),
    )


def _row(what: str, ours: float, peers: float) -> tuple[str, ...]:
    return (what, f"{ours * 1e6:.1f}", f"{peers * 1e6:.1f}", f"{peers / ours:.1f}")
