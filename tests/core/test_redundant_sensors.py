"""Sensors that measure the same, of which one fails: the others are healthy, and not to be accused."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import simulated_trucks
from tests.guarded import alarm_rate, found, reasons_of_each, trained
from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.model import TrainedModel

N_COPIES = 3


def speeds(n_readings: int, seed: int) -> NDArray[np.float64]:
    """Read one speed three times, once in other units, beside something else."""
    rng = np.random.default_rng(seed)
    speed = rng.normal(60, 15, n_readings)
    return np.column_stack([speed, speed, 3.6 * speed, rng.normal(size=n_readings)]).round(3)


def with_gaps(X: NDArray[np.float64]) -> NDArray[np.float64]:
    X[::50, 1] = np.nan
    return X


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return trained(simulated_trucks.batch(speeds(20_000, seed=0)), n_estimators=20)


@pytest.fixture(scope="module")
def gappy() -> TrainedModel:
    return trained(simulated_trucks.batch(with_gaps(speeds(20_000, seed=0))), n_estimators=20)


@pytest.fixture
def healthy() -> NDArray[np.float64]:
    return speeds(4_000, seed=1)


def guards_of(model: TrainedModel) -> Guards:
    assert model.guards is not None
    return model.guards


@pytest.mark.parametrize("kind", ["model", "gappy"])
@pytest.mark.parametrize(("failing", "factor"), [(0, np.nan), (0, 0.5), (1, 9.0), (2, 0.5)])
def test_healthy_copies_are_not_accused_with_the_one_that_failed(
    request: pytest.FixtureRequest, healthy: NDArray[np.float64], kind: str, failing: int, factor: float
) -> None:
    model: TrainedModel = request.getfixturevalue(kind)
    assert (guards_of(model).contradiction_limit[:N_COPIES] < 0).all()
    healthy[:, failing] *= factor

    judged = [reasons for reasons in reasons_of_each(model, healthy, model.score(healthy)) if reasons]

    assert len(judged) > 0.9 * len(healthy) or (kind == "gappy" and np.isnan(factor))
    accused = [{each.feature for each in why} & ({*range(N_COPIES)} - {failing}) for why in judged]
    assert np.mean([bool(copies) for copies in accused]) < 0.05


def test_readings_without_a_copy_that_is_often_missing_are_no_anomalies(
    gappy: TrainedModel, healthy: NDArray[np.float64]
) -> None:
    assert not guards_of(gappy).always_there[1]
    healthy[:, 1] = np.nan

    assert alarm_rate(gappy, healthy) < 0.01


def test_whoever_is_called_an_anomaly_has_a_reason_however_it_is_looked_at(
    gappy: TrainedModel, healthy: NDArray[np.float64]
) -> None:
    rng = np.random.default_rng(2)
    healthy *= rng.choice([1, 0.97, np.nan], healthy.shape, p=[0.8, 0.1, 0.1])
    healthy = healthy[~np.isnan(healthy).all(axis=1)]
    scores = gappy.score(healthy)

    is_anomaly = guards_of(gappy).judge(healthy, scores)

    assert 0.1 < is_anomaly.mean() < 0.9
    reasons = reasons_of_each(gappy, healthy, scores)
    assert [bool(why) for why in reasons] == is_anomaly.tolist()
    alone = [gappy.score_alone(values, guarded=True) for values in healthy.tolist()]
    assert [told[1] for told in alone if told is not None] == is_anomaly.tolist()
    for values, score, why in zip(healthy.tolist(), scores.tolist(), reasons, strict=True):
        told, _ = gappy.tell_alone(values, score, "never", guarded=True)
        assert [(of[2], of[4], of[5]) for of in told if of[1] == 2] == [
            (each.feature, each.expected, each.limit) for each in why if each.code == "inconsistent"
        ]


def test_complete_readings_are_still_held_to_limits_below_zero(
    model: TrainedModel, healthy: NDArray[np.float64]
) -> None:
    healthy[:, 0] *= 1.05

    assert found(model, healthy, frozenset({0})).recall > 0.6
