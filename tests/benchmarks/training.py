"""What training costs beside scikit-learn's `fit` of the same readings: time, memory, the same result."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from tests.benchmarks.measure import Row, Sample, Table, at_least, at_most, at_most_ratio
from tests.benchmarks.timing import side_by_side, times
from vehicle_anomaly.adapters.inbound.wire import compiled_wire
from vehicle_anomaly.adapters.inbound.wire.arrow_requests import arrow_train_command
from vehicle_anomaly.adapters.inbound.wire.commands import train_model_command
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.pyarrow_extra import require
from vehicle_anomaly.adapters.inbound.wire.requests import IngestRequest, TelemetryRecord
from vehicle_anomaly.core.fitting import ForestParameters, fit
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads

N_READINGS = 1_000_000
N_FEATURES = 10
_REPEATS = 3

# Peak over what the process had when it had imported all and held no readings, in float64 matrices; seconds.
_PEAK = """
import json, sys, time
from pathlib import Path
import numpy as np
from tests.fakes import InMemoryModels
from vehicle_anomaly.adapters.outbound.system_clock import SystemClock
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.scoring_threads import ScoringThreads
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand
n_readings, n_features, threads, guarded = map(int, sys.argv[1:])
guards = GuardParameters() if guarded else None
train = TrainModel(InMemoryModels(), SystemClock(), ForestParameters(), guards, ScoringThreads(threads))
def batch(n):
    times = np.full(n, np.datetime64("2026-01-01", "us"))
    return TelemetryBatch(np.random.default_rng(0).normal(size=(n, n_features)), ["veh-1"] * n, times)
train(TrainModelCommand(batch(3000)))
# Not of `getrusage`, whose peak a process takes over from the one that started it.
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
idle = peak()
readings, began = batch(n_readings), time.perf_counter()
train(TrainModelCommand(readings))
took = time.perf_counter() - began
print(json.dumps([(peak() - idle) / (n_readings * n_features * 8), took]))
"""


def measure(n_readings: int = N_READINGS, repeats: int = 3) -> Iterator[Row]:
    """Measure the fit, its memory, and what comes before it when the readings come over HTTP."""
    yield from _measure_fit(n_readings, repeats)
    yield from _measure_trainings(n_readings)
    yield from _measure_bodies(n_readings)


def quick() -> Iterator[Row]:
    """Measure the fit and the bodies on fewer readings."""
    yield from _measure_fit(200_000, 3)
    yield from _measure_bodies(200_000)


def _measure_trainings(n_readings: int) -> Iterator[Row]:
    """Measure all of a training in a process of its own: the forest, what is held out, guards, the report."""
    what = f"{n_readings:,} × {N_FEATURES}"
    told = {}
    for guarded in (0, 1):
        n_threads = len(os.sched_getaffinity(0))
        command = [sys.executable, "-c", _PEAK, *map(str, (n_readings, N_FEATURES, n_threads, guarded))]
        told[guarded] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    yield Row(
        f"peak memory of training {what} without guards, the readings included",
        Sample.of([told[0][0]]),
        "× the float64 matrix",
        bars=(at_most(2.0),),
    )
    yield Row(
        "the same with guards, as a service trains unless told",
        Sample.of([told[1][0]]),
        "× the float64 matrix",
        in_readme=True,
    )
    yield Row.of_times(
        f"a training of {what} with guards and report",
        Sample.of([told[1][1]]),
        Sample.of([told[0][1]]),
        peer="without guards",
        in_readme=True,
    )


def _measure_fit(n_readings: int, repeats: int) -> Iterator[Row]:
    X = np.random.default_rng(0).normal(size=(n_readings, N_FEATURES))
    n_threads = len(os.sched_getaffinity(0))
    threads = ScoringThreads(n_threads)
    ours = fit(X, ForestParameters(), None, threads)[1]
    theirs = IsolationForest(n_estimators=200, contamination=0.05, random_state=42).fit(X)
    if not all(
        one.tree_.__getstate__()["nodes"].tobytes() == other.tree_.__getstate__()["nodes"].tobytes()
        for one, other in zip(ours.estimators_, theirs.estimators_, strict=True)
    ):
        raise AssertionError("the trees differ from scikit-learn's")
    own, peers = side_by_side(
        lambda: fit(X, ForestParameters(), None, threads),
        lambda: IsolationForest(n_estimators=200, contamination=0.05, random_state=42).fit(X),
        repeats=repeats,
    )
    yield Row.of_times(
        f"growing the forest, {n_readings:,} × {N_FEATURES}, contamination 0.05, {n_threads} threads",
        own,
        peers,
        peer="scikit-learn's `fit`",
        bars=(at_least(3.0),),
        note="the same trees, bit for bit",
    )
    if n_threads > 1:
        alone = times(lambda: fit(X, ForestParameters(), None, THIS_THREAD), repeats=repeats)
        yield Row.of_times(
            f"growing the forest, {n_readings:,} × {N_FEATURES}, contamination 0.05, one thread",
            alone,
            peers,
            peer="scikit-learn's `fit`",
            note="as many as scikit-learn takes unless told",
            in_readme=True,
        )
    yield Row(
        "difference of `offset_`", Sample.of([abs(ours.offset_ - theirs.offset_)]), bars=(at_most(1e-12),)
    )


def _measure_bodies(n_readings: int) -> Iterator[Row]:
    X = np.random.default_rng(0).normal(size=(n_readings, N_FEATURES))
    threads = ScoringThreads(len(os.sched_getaffinity(0)))
    compiled_wire.warm_up()
    # The first time touches memory that the process has not had before, which can take longer than the work:
    # `times` leaves it out, of the fit as of the bodies.
    fitting = times(lambda: fit(X, ForestParameters(), None, threads), repeats=_REPEATS)
    for encoding, encode, decoder in (
        (Encoding.JSON, msgspec.json.encode, msgspec.json.Decoder),
        (Encoding.MSGPACK, msgspec.msgpack.encode, msgspec.msgpack.Decoder),
    ):
        body = encode({"records": [_record(position, row) for position, row in enumerate(X.tolist())]})
        decoding = times(partial(train_model_command, body, encoding), repeats=_REPEATS)
        what = f"{n_readings:,} × {N_FEATURES} out of an {encoding.value} body"
        ratio = decoding.median / fitting.median
        yield Row(what, decoding, "s", "the fit of them", fitting, ratio, (at_most_ratio(1 / 3),))
        strict = decoder(IngestRequest[TelemetryRecord])
        floor = times(partial(strict.decode, body), repeats=_REPEATS)
        ratio = decoding.median / floor.median
        yield Row(what, decoding, "s", "msgspec's strict decoding alone", floor, ratio)
        del body
    body = _arrow_body(X)
    decoding = times(lambda: arrow_train_command(body, None, None), repeats=_REPEATS)
    yield Row(
        f"{n_readings:,} × {N_FEATURES} out of an Arrow body",
        decoding,
        "s",
        "the fit of them",
        fitting,
        decoding.median / fitting.median,
        (at_most_ratio(1 / 3),),
    )


def _arrow_body(X: NDArray[np.float64]) -> bytes:
    pa = require()
    columns = {f"feature_{position}": pa.array(column) for position, column in enumerate(X.T)}
    vehicles = pa.array([f"veh-{position % 500:03}" for position in range(len(X))])
    times = pa.array(1_760_000_000 + np.arange(len(X)), pa.timestamp("s", "UTC"))
    table = pa.table({"vehicle_id": vehicles, "timestamp": times, **columns})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    body: bytes = sink.getvalue().to_pybytes()
    return body


def _record(position: int, values: list[float]) -> dict[str, object]:
    moment = datetime.fromtimestamp(1_760_000_000 + position, UTC).isoformat()
    return {"vehicle_id": f"veh-{position % 500:03}", "timestamp": moment, "feature_vector": values}


TABLE = Table("training", f"Training on {N_READINGS:,} readings × {N_FEATURES} features", measure, quick)
