"""One reading alone: the bits of many, and nothing where there is more to say than a score."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.core.test_forest import a_forest, thresholds_of
from tests.guarded import trained
from tests.simulated_trucks import batch, faults, trips
from vehicle_anomaly.core.fitting import ForestParameters, fit
from vehicle_anomaly.core.judging import judge
from vehicle_anomaly.core.model import TrainedModel
from vehicle_anomaly.core.single_readings import Alone, SingleReadings
from vehicle_anomaly.core.telemetry import MAX_FEATURE

Matrix = NDArray[np.float64]


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return trained(batch(trips(12, seed=1)), n_estimators=50)


def assert_as_many(model: TrainedModel, X: Matrix, *, guarded: bool) -> int:
    """Assert that each alone gets score and judgement of many; count those that are healthy."""
    scores = model.score(X)
    reasons = judge(model, X, scores, guarded=guarded)
    alone = [model.score_alone(row, guarded=guarded) for row in X.tolist()]
    gaps = [bool(np.isnan(row).any()) for row in X]
    assert alone == [(score, row in reasons, gaps[row]) for row, score in enumerate(scores.tolist())]
    return len(X) - len(reasons)


@pytest.mark.parametrize("guarded", [True, False])
def test_readings_get_score_and_judgement_of_many(model: TrainedModel, guarded: bool) -> None:
    healthy = trips(6, seed=2)
    n_scored = assert_as_many(model, healthy, guarded=guarded)
    assert n_scored > 0.9 * len(healthy)
    for broken in faults(healthy[::50]).values():
        assert_as_many(model, broken, guarded=guarded)


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("usual", [True, False])
def test_readings_that_lack_values_get_score_and_judgement_of_many(
    model: TrainedModel, guarded: bool, usual: bool
) -> None:
    """Where every sensor was silent now and then, a gap is no reason, and others may still be."""
    if usual:
        model = trained(batch(with_gaps(trips(6, seed=1))), n_estimators=50)
    healthy = with_gaps(trips(2, seed=2))
    n_healthy = assert_as_many(model, healthy, guarded=guarded)
    assert (n_healthy > 0.9 * len(healthy)) == (usual or not guarded)
    for broken in faults(healthy[::50]).values():
        assert_as_many(model, with_gaps(broken), guarded=guarded)


def with_gaps(X: Matrix) -> Matrix:
    """Leave out a fifth of the values, but never all of a reading."""
    gaps = np.random.default_rng(len(X)).random(X.shape) < 0.2
    gaps[gaps.all(axis=1)] = False
    return np.where(gaps, np.nan, X)


@pytest.mark.parametrize("n_estimators", [1, 7, 8, 9, 100])
@pytest.mark.parametrize("max_samples", [2, 256])
def test_readings_on_thresholds_get_the_bits_of_many(n_estimators: int, max_samples: int) -> None:
    X = np.random.default_rng(n_estimators).normal(size=(max_samples, 3))
    forest, _ = fit(X, ForestParameters(n_estimators, "auto"))
    readings = np.concatenate([X, thresholds_of(forest)[:2000]])
    single, scores = (
        SingleReadings(forest, np.zeros(forest.n_features), None),
        forest.score(readings).tolist(),
    )
    assert [single.score(row) for row in readings.tolist()] == [(one, one < 0, False) for one in scores]


def test_a_forest_of_one_reading_scores_as_for_many() -> None:
    """Its longest path has no length, and nothing is divided by it."""
    forest, _ = fit(np.ones((1, 2)), ForestParameters(3, "auto"))
    assert SingleReadings(forest, np.zeros(forest.n_features), None).score([1.0, 1.0]) == (
        forest.score(np.ones((1, 2)))[0],
        False,
        False,
    )


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1.0],
        [1.0, 2.0, 3.0],
        [1.0, None, 2.0],
        [None, None],
        [float("nan"), None],
        [None, 2 * MAX_FEATURE],
        [1.0, 2 * MAX_FEATURE],
        [-float("inf"), 1.0],
        [10**400, 1.0],
        ["1", 2.0],
        ["1", None],
    ],
)
def test_what_is_special_is_left_to_others(values: list[Any]) -> None:
    assert SingleReadings(a_forest(), np.zeros(2), None).score(values) is None


def test_the_largest_values_are_nothing_special() -> None:
    forest = a_forest()
    for values in ([MAX_FEATURE, -MAX_FEATURE], [-MAX_FEATURE, MAX_FEATURE], [5e-324, -0.0]):
        expected = forest.score(np.array([values]))[0]
        assert SingleReadings(forest, np.zeros(forest.n_features), None).score(values) == (
            expected,
            expected < 0,
            False,
        )


def test_readings_by_name_are_ordered_and_none_may_be_unknown(model: TrainedModel) -> None:
    names = model.metadata.feature_names
    assert names is not None
    row = trips(1, seed=3)[40].tolist()
    named = dict(zip(names, row, strict=True))
    assert model.score_alone(dict(reversed(named.items())), guarded=False) == model.score_alone(
        row, guarded=False
    )
    assert model.score_alone({**named, "oil": 1.0}, guarded=False) is None
    del named[names[3]]
    without = [None if place == 3 else value for place, value in enumerate(row)]
    assert model.score_alone(named, guarded=False) == model.score_alone(without, guarded=False)
    assert model.score_alone({**named, names[3]: None}, guarded=False) == model.score_alone(
        without, guarded=False
    )
    assert model.score_alone({**named, "oil": 1.0}, guarded=False) is None


def test_threads_do_not_get_each_others_scores(model: TrainedModel) -> None:
    X = trips(4, seed=4)

    def score(row: list[float]) -> Alone | None:
        return model.score_alone(row, guarded=True)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(score, X.tolist())) == [score(row) for row in X.tolist()]
