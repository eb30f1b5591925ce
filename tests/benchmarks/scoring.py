"""What a score costs, beside scikit-learn's for the same forest."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from tests.benchmarks.measure import Row, Table, at_least, at_most, not_measured
from tests.benchmarks.peers import PeerMissing
from tests.benchmarks.peers import peer as peer_module
from tests.benchmarks.timing import side_by_side
from tests.fakes import InMemoryModels
from vehicle_anomaly.adapters.outbound.system_clock import SystemClock
from vehicle_anomaly.core.fitting import ForestParameters, flatten
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads
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
    many = f"{n_readings:,} readings, one thread, each"
    ours, theirs = side_by_side(
        lambda: forest.score(X), lambda: peer.decision_function(X), repeats=max(3, repeats // 2)
    )
    yield Row.of_times(
        many,
        ours / n_readings,
        theirs / n_readings,
        peer="scikit-learn's `decision_function`",
        bars=(at_least(3.0),),
    )
    what, beside, bars = f"{n_readings:,} readings, two threads, each", "one thread", (at_least(1.7),)
    if len(os.sched_getaffinity(0)) < 2:
        yield not_measured(what, "there is one core", peer=beside, bars=bars)
        return
    model = models.load(known.model_name, known.model_version)
    two = ScoringThreads(2)
    ours, theirs = side_by_side(
        lambda: model.score(X, two), lambda: model.score(X, THIS_THREAD), repeats=max(5, repeats // 2)
    )
    yield Row.of_times(what, ours / n_readings, theirs / n_readings, peer=beside, bars=bars)


def measure_all() -> Iterator[Row]:
    """Measure beside the peers too that only `just bench` installs."""
    yield from measure()
    yield from _beside_others(100_000, repeats=3)


def _beside_others(n_readings: int, repeats: int) -> Iterator[Row]:
    X = np.random.default_rng(0).normal(size=(n_readings, N_FEATURES))
    estimator = IsolationForest(n_estimators=200, random_state=42).fit(X)
    forest = flatten(estimator)
    what = f"{n_readings:,} readings, one thread, each"
    for name, bar, prepare in (
        ("onnxruntime, the same forest", 10.0, _onnxruntime),
        ("isotree, as many trees", 3.0, _isotree),
    ):
        try:
            theirs_once = prepare(estimator, X)
        except PeerMissing as missing:
            yield not_measured(what, str(missing), peer=name, bars=(at_least(bar),))
            continue
        ours, theirs = side_by_side(lambda: forest.score(X), theirs_once, repeats=repeats)
        yield Row.of_times(what, ours / n_readings, theirs / n_readings, peer=name, bars=(at_least(bar),))


def _onnxruntime(estimator: IsolationForest, X: NDArray[np.float64]) -> Callable[[], object]:
    onnxruntime, skl2onnx = peer_module("onnxruntime"), peer_module("skl2onnx")
    converted = skl2onnx.to_onnx(estimator, X[:1].astype(np.float32), target_opset={"": 15, "ai.onnx.ml": 3})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        converted.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    singles = X.astype(np.float32)
    return lambda: session.run(["scores"], {"X": singles})


def _isotree(_: IsolationForest, X: NDArray[np.float64]) -> Callable[[], object]:
    forest = peer_module("isotree").IsolationForest(
        ntrees=200, ndim=1, sample_size=256, missing_action="fail", random_seed=42, nthreads=1
    )
    forest.fit(X)
    return lambda: forest.predict(X)


def quick() -> Iterator[Row]:
    """Measure the same on fewer readings."""
    return measure(20_000, 5)


TABLE = Table("scoring", f"Scoring with 200 trees × {N_FEATURES} features", measure_all, quick)
