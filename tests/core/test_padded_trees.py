"""Padding changes how trees are walked, not what they say."""

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from vehicle_anomaly.core import fitting, kernel
from vehicle_anomaly.core.forest import LEAF, Forest
from vehicle_anomaly.core.padded_trees import PaddedTrees


def _padded(forest: Forest) -> PaddedTrees | None:
    return PaddedTrees.of(
        forest.tree_start, forest.feature, forest.threshold, forest.left, forest.right, forest.path_length
    )


@pytest.mark.parametrize("max_samples", [1, 2, 3, 17, 256, 700, 1024, 1025, 3000])
@pytest.mark.parametrize("n_readings", [1, 7, 8, 9, 63, 64, 65, 200])
def test_scores_are_scikit_learns_at_every_depth_and_number_of_readings(
    max_samples: int, n_readings: int
) -> None:
    random = np.random.default_rng(max_samples)
    learnt = random.normal(size=(3000, 5))
    estimator = IsolationForest(n_estimators=7, max_samples=max_samples, random_state=1).fit(learnt)
    X = random.normal(scale=2, size=(n_readings, 5))
    np.testing.assert_array_equal(fitting.flatten(estimator).score(X), estimator.decision_function(X))


def test_deep_trees_are_not_padded() -> None:
    learnt = np.random.default_rng(0).normal(size=(3000, 5))
    deep = fitting.flatten(IsolationForest(n_estimators=3, max_samples=3000, random_state=1).fit(learnt))
    shallow = fitting.flatten(IsolationForest(n_estimators=3, random_state=1).fit(learnt))
    assert _padded(deep) is None
    assert _padded(shallow) is not None


def test_padded_and_unpadded_trees_agree_on_thresholds_and_beyond_float32() -> None:
    """Splits at and around float32 values, at ties in float32 only, and beyond what float32 can hold."""
    tie = float(np.float32(0.1))
    for threshold in (0.1, tie, np.nextafter(tie, 0), np.nextafter(tie, 1), 0.0, -0.0, 1e300, -1e300, 1e-300):
        forest = Forest(
            n_features=1,
            max_samples=2,
            offset=0.0,
            tree_start=np.array([0, 3]),
            feature=np.array([0, LEAF, LEAF], np.int32),
            threshold=np.array([threshold, 0.0, 0.0]),
            left=np.array([1, LEAF, LEAF], np.int32),
            right=np.array([2, LEAF, LEAF], np.int32),
            path_length=np.array([0.0, 1.0, 2.0]),
        )
        padded = _padded(forest)
        assert padded is not None
        beside = [np.nextafter(np.float32(tie), np.float32(side)) for side in (-1, 1)]
        X = np.array([[tie], [0.0], [-0.0], *[[value] for value in beside], [3e38], [-3e38]], np.float32)
        walked, descended = np.zeros(len(X)), np.zeros(len(X))
        kernel.walk(
            X,
            forest.tree_start,
            forest.feature,
            forest.threshold,
            forest.left,
            forest.right,
            forest.path_length,
            walked,
        )
        padded.add_path_lengths(X, descended)
        np.testing.assert_array_equal(descended, walked)


def test_many_small_trees_beside_a_deep_one_are_not_padded() -> None:
    """Or a small file could ask for gigabytes."""
    n_trees, length = 5_000, 10
    chain = np.arange(2 * length + 1)
    is_leaf = (chain % 2 == 1) | (chain == 2 * length)
    left = np.where(is_leaf, LEAF, chain + 1)
    right = np.where(is_leaf, LEAF, chain + 2)
    single = np.full(n_trees, LEAF, np.int32)
    forest = Forest(
        n_features=1,
        max_samples=2,
        offset=0.0,
        tree_start=np.concatenate([[0], chain.size + np.arange(n_trees + 1)]),
        feature=np.concatenate([np.where(is_leaf, LEAF, 0).astype(np.int32), single]),
        threshold=np.zeros(chain.size + n_trees),
        left=np.concatenate([left.astype(np.int32), single]),
        right=np.concatenate([right.astype(np.int32), single]),
        path_length=np.ones(chain.size + n_trees),
    )
    assert _padded(forest) is None
    assert forest.score(np.zeros((1, 1))).shape == (1,)
