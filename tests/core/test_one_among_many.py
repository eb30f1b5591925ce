"""A reading alone gets the whole verdict that it gets among others, special or not."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.fakes import FixedClock, InMemoryModels, a_batch
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
    wrong = several_wrong(healthy)
    rows = np.concatenate([healthy, broken]).tolist()
    rows += [[None if np.isnan(value) else value for value in row] for row in wrong]
    rows += [[None, *rows[0][1:]], [None] * len(NAMES)]
    named = [dict(zip(NAMES, row, strict=True)) for row in rows[::6]]
    return [Reading(f"truck-{place}", NOON, values) for place, values in enumerate([*rows, *named])]


def several_wrong(healthy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return readings in which many sensors are wrong, in range and out of it, and some read nothing."""
    rng = np.random.default_rng(8)
    factors = rng.choice([-1, -0.0, 0.5, 0.8, 1, 1.2, 9], healthy.shape)
    wrong = np.where(rng.random(healthy.shape) < 0.4, healthy * factors, healthy)
    return np.where(rng.random(wrong.shape) < rng.choice([0, 0.1, 1], (len(wrong), 1)), np.nan, wrong)


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
    assert max(len(each.reasons) for each in among_others) >= (4 if guarded else 1)


def test_the_same_explanations_from_many_threads(models: InMemoryModels, readings: list[Reading]) -> None:
    """Each has its own place where compiled code tells what it found."""
    score_telemetry = ScoreTelemetry(models, explain="always")

    def verdict(of: Reading) -> Verdict:
        return score_telemetry(ScoreTelemetryCommand([of])).verdicts[0]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(verdict, readings * 4)) == [verdict(each) for each in readings] * 4


def test_models_of_more_and_of_fewer_features_in_turn(
    models: InMemoryModels, readings: list[Reading]
) -> None:
    """A thread keeps the place where it was told of one model for the next, which may need more of it."""
    wide = InMemoryModels()
    values = np.random.default_rng(2).normal(size=(200, 60))
    TrainModel(wide, FixedClock(), ForestParameters(10), GuardParameters())(
        TrainModelCommand(a_batch(values))
    )
    command = ScoreTelemetryCommand([Reading("truck", NOON, (9 * values[0]).tolist())], explain="always")
    narrow = ScoreTelemetryCommand(readings[:1], explain="always")

    def told(of: InMemoryModels, command: ScoreTelemetryCommand) -> Verdict:
        return ScoreTelemetry(of)(command).verdicts[0]

    with ThreadPoolExecutor(1) as thread:
        first, then, again = (
            thread.submit(told, *each).result()
            for each in ((models, narrow), (wide, command), (models, narrow))
        )
    assert first == again
    assert len(then.reasons) > 30
    assert [each.feature for each in sorted(then.explanation or ())] == list(range(60))
