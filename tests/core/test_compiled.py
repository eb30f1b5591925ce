"""What is compiled ahead is all that training and scoring call."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from tests.fakes import FixedClock, InMemoryModels
from vehicle_anomaly.core import compiled
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand
from vehicle_anomaly.core.telemetry import Reading, TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand


def test_nothing_is_compiled_in_a_training_or_for_a_verdict() -> None:
    # In a process of its own: what tests before this one called is compiled in this process.
    program = "from tests.core.test_compiled import compiled_late; print(*compiled_late())"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


def compiled_late() -> list[str]:
    """Return what a training and verdicts have compiled, or loaded compiled, after all was warmed up."""
    compiled.warm_up()
    before = set(_signatures())
    chance = np.random.default_rng(3)
    values = chance.normal(size=(2_000, 3))
    values[:, 1] += values[:, 0]
    values[5:9, 2] = np.nan
    seconds = np.arange(2_000) // 4
    batch = TelemetryBatch(
        values,
        [f"v-{number % 4}" for number in range(2_000)],
        seconds.astype("datetime64[s]").astype("datetime64[us]"),
    )
    late = replace(batch, timestamps=batch.timestamps[::-1])
    for guards in (GuardParameters(), None):
        models = InMemoryModels()
        train = TrainModel(models, FixedClock(), ForestParameters(n_estimators=8), guards)
        train(TrainModelCommand(batch))
        train(TrainModelCommand(late))
        score = ScoreTelemetry(models, explain="always")
        now = datetime(2026, 11, 28, tzinfo=UTC)
        rows = [Reading("v", now, (99.0, *row)) for row in values[:600, 1:].tolist() if row[1] == row[1]]
        for n_readings in (1, 2, len(rows)):
            score(ScoreTelemetryCommand(rows[:n_readings]))
        score(ScoreTelemetryCommand([Reading("v", now, (1.0, 2.0, None))]))
    return sorted(set(_signatures()) - before)


def _signatures() -> Iterator[str]:
    for name, module in list(sys.modules.items()):
        if name.startswith("vehicle_anomaly.core."):
            for function in vars(module).values():
                for signature in getattr(function, "signatures", ()):
                    yield f"{function.py_func.__qualname__}{signature}".replace(" ", "")
