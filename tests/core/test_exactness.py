"""Scores are scikit-learn's over many readings and every size of forest, on ties and thresholds too.

The long form, ten million readings, is marked `soak` and run by `just soak`.
"""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from tests.core.test_forest import around
from vehicle_anomaly.core.fitting import flatten
from vehicle_anomaly.core.forest import Forest

Matrix = NDArray[np.float64]

TREES = (1, 7, 64, 200, 1000)
SAMPLES = (2, 17, 256, 257, 1024, 4096)
FEATURES = (1, 2, 8, 60, 500)
CORNERS = list(product((TREES[0], TREES[-1]), (SAMPLES[0], SAMPLES[-1]), (FEATURES[0], FEATURES[-1])))
EVERY = list(product(TREES, SAMPLES, FEATURES))
ALL_OF_THEM = 10_000_000
_AT_ONCE = 4096


@pytest.mark.parametrize(
    ("sizes", "n_readings"),
    [
        (CORNERS, 256),
        pytest.param(
            EVERY, -(-ALL_OF_THEM // len(EVERY)), marks=[pytest.mark.soak, pytest.mark.timeout(7200)]
        ),
    ],
    ids=["corners", "ten million"],
)
def test_scores_and_labels_are_scikit_learns(sizes: list[tuple[int, int, int]], n_readings: int) -> None:
    compared = 0
    for n_trees, max_samples, n_features in sizes:
        random = np.random.default_rng((n_trees, max_samples, n_features))
        learnt = readings(random, max(2 * max_samples, 300), n_features)
        estimator = IsolationForest(
            n_estimators=n_trees, max_samples=max_samples, contamination=0.05, random_state=1
        )
        forest = flatten(estimator.fit(learnt))
        for first in range(0, n_readings, _AT_ONCE):
            X = readings(random, min(_AT_ONCE, n_readings - first), n_features)
            put_on_thresholds(random, forest, X)
            expected = estimator.decision_function(X)
            scores = forest.score(X)
            np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-12)
            np.testing.assert_array_equal(scores < 0, expected < 0)
            compared += len(X)
    assert compared == n_readings * len(sizes)


def readings(random: np.random.Generator, n_readings: int, n_features: int) -> Matrix:
    """Draw readings: every second feature on a coarse grid, so that many are tied."""
    X = random.normal(scale=2, size=(n_readings, n_features))
    X[:, ::2] = np.round(X[:, ::2], 1)
    return X


def put_on_thresholds(random: np.random.Generator, forest: Forest, X: Matrix) -> None:
    """Move one value of every third reading onto a threshold, or to a float next to it."""
    splits = np.flatnonzero(forest.feature >= 0)
    if not splits.size:
        return
    moved = X[::3]
    chosen = random.choice(splits, len(moved))
    places = np.stack(around(forest.threshold[chosen]))
    rows = np.arange(len(moved))
    moved[rows, forest.feature[chosen]] = places[random.integers(len(places), size=len(moved)), rows]
