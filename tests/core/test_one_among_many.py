"""A reading alone gets the whole verdict that it gets among others, special or not."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.fakes import FixedClock, InMemoryModels
from tests.simulated_trucks import NAMES, batch, faults, trips
from vehicle_anomaly.core.explaining import EXPLAIN, Explain
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand, Verdict
from vehicle_anomaly.core.telemetry import Reading
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def models() -> InMemoryModels:
    models = InMemoryModels()
    train = TrainModel(models, FixedClock(), ForestParameters(50), GuardParameters())
    train(TrainModelCommand(batch(trips(12, seed=1))))
    return models


@pytest.fixture(scope="module")
def readings() -> list[Reading]:
    healthy = trips(2, seed=5)[::25]
    broken = [values[0] for values in faults(healthy[7:8]).values()]
    rows = np.concatenate([healthy, broken]).tolist()
    rows += [[None, *rows[0][1:]], [None] * len(NAMES)]
    named = [dict(zip(NAMES, row, strict=True)) for row in rows[::6]]
    return [Reading(f"truck-{place}", NOON, values) for place, values in enumerate([*rows, *named])]


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("explain", EXPLAIN)
def test_the_same_verdict(
    models: InMemoryModels, readings: list[Reading], guarded: bool, explain: Explain
) -> None:
    score_telemetry = ScoreTelemetry(models, guarded)

    def verdicts(of: list[Reading]) -> list[Verdict]:
        return list(score_telemetry(ScoreTelemetryCommand(of, explain=explain)).verdicts)

    among_others = verdicts(readings)
    assert [verdicts([each])[0] for each in readings] == among_others
    assert all(each.percentile is not None for each in among_others)
    assert {each.is_anomaly for each in among_others} == {True, False}
