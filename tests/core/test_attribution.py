"""What features contribute adds up to the path, and agrees with brute force over scikit-learn's own trees."""

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from tests.core.test_forest import Matrix, shapes
from vehicle_anomaly.core import attribution_kernel
from vehicle_anomaly.core.attribution import PathAttribution
from vehicle_anomaly.core.fitting import flatten
from vehicle_anomaly.core.forest import LEAF, Forest, average_path_length

quick = settings(deadline=None, max_examples=100, database=None, suppress_health_check=[HealthCheck.too_slow])


def grown(X: Matrix, **parameters: Any) -> tuple[Forest, IsolationForest]:
    estimator = IsolationForest(**{"n_estimators": 10, "random_state": 0, **parameters}).fit(X)
    return flatten(estimator), estimator


def node_values(tree: Any) -> Matrix:
    """Return scikit-learn's mean path length of the samples below each node, by its own counts."""
    depth = tree.compute_node_depths() - 1.0
    samples = tree.n_node_samples
    value: Matrix = depth + np.array([average_path_length(int(count)) for count in samples])
    for node in reversed(range(tree.node_count)):
        left, right = tree.children_left[node], tree.children_right[node]
        if left >= 0:
            value[node] = (samples[left] * value[left] + samples[right] * value[right]) / samples[node]
    return value


def by_brute_force(estimator: IsolationForest, X: Matrix) -> tuple[Matrix, float]:
    """Return contributions and the mean they count from, node by node over scikit-learn's trees."""
    told, mean = np.zeros(X.shape), 0.0
    for grown_tree in estimator.estimators_:
        tree = grown_tree.tree_
        value = node_values(tree)
        mean += value[0] / len(estimator.estimators_)
        for row, passed in enumerate(tree.decision_path(X.astype(np.float32))):
            for parent, child in zip(passed.indices, passed.indices[1:], strict=False):
                told[row, tree.feature[parent]] += value[child] - value[parent]
    return told / len(estimator.estimators_), mean


def contributions(told: PathAttribution, X: Matrix) -> Matrix:
    mean = np.empty(X.shape)
    attribution_kernel.attribute(X, np.zeros(X.shape[1]), told.trees, mean)
    return mean


def path_lengths(forest: Forest, X: Matrix) -> Matrix:
    """Return the mean path length through the trees, from the scores."""
    return -np.log2(-forest.score_samples(X)) * average_path_length(forest.max_samples)


@pytest.mark.parametrize("max_samples", [2, 3, 17, 256, 2000])
@pytest.mark.parametrize("n_estimators", [1, 4, 7])
def test_it_is_what_scikit_learns_trees_give(max_samples: int, n_estimators: int) -> None:
    random = np.random.default_rng(max_samples)
    learnt = random.normal(size=(2000, 5)).round(1)
    forest, estimator = grown(learnt, max_samples=max_samples, n_estimators=n_estimators)
    X = random.normal(scale=2, size=(30, 5))
    told = PathAttribution.of(forest)
    expected, mean = by_brute_force(estimator, X)
    np.testing.assert_allclose(contributions(told, X), expected, rtol=0, atol=1e-10)
    assert told.mean_path_length == pytest.approx(mean, abs=1e-10)


@quick
@given(shape=shapes, seed=st.integers(0, 2**32 - 1), decimals=st.integers(0, 6))
def test_contributions_add_up_to_what_the_path_gained_or_lost(
    shape: tuple[int, int], seed: int, decimals: int
) -> None:
    random = np.random.default_rng(seed)
    X = random.normal(size=shape).round(decimals)
    others = random.normal(scale=3, size=(9, shape[1]))
    forest, _ = grown(X)
    told = PathAttribution.of(forest)
    gained = contributions(told, others).sum(axis=1)
    # One reading, of which nothing can be said, has no path.
    length = path_lengths(forest, others) if len(X) > 1 else np.zeros(len(others))
    np.testing.assert_allclose(gained, length - told.mean_path_length, rtol=0, atol=1e-9)


def test_the_mean_is_that_of_the_readings_that_trees_were_grown_on() -> None:
    X = np.random.default_rng(0).normal(size=(200, 4))
    forest, _ = grown(X)
    told = PathAttribution.of(forest)
    # All trees saw all readings.
    assert told.mean_path_length == pytest.approx(path_lengths(forest, X).mean(), abs=1e-10)
    np.testing.assert_allclose(contributions(told, X).sum(axis=1).mean(), 0, atol=1e-10)


def test_a_feature_that_no_tree_asks_contributes_nothing() -> None:
    X = np.random.default_rng(0).normal(size=(300, 3))
    X[:, 1] = 4.0
    forest, _ = grown(X)
    assert not contributions(PathAttribution.of(forest), X)[:, 1].any()


def test_a_value_far_out_contributes_most() -> None:
    random = np.random.default_rng(0)
    forest, _ = grown(random.normal(size=(1000, 6)), n_estimators=100)
    X = random.normal(scale=0.5, size=(6, 6))
    np.fill_diagonal(X, 8.0)
    gained = contributions(PathAttribution.of(forest), X)
    assert gained.argmin(axis=1).tolist() == list(range(6))


def test_one_at_a_time_is_the_same_as_all_at_once() -> None:
    random = np.random.default_rng(0)
    told = PathAttribution.of(grown(random.normal(size=(400, 3)))[0])
    X = random.normal(size=(50, 3))
    alone = np.concatenate([contributions(told, X[[row]]) for row in range(50)])
    np.testing.assert_array_equal(alone, contributions(told, X))


def test_path_lengths_that_no_fit_gives_are_still_walked() -> None:
    """A forest that somebody made up: leaves that stand for no whole number of samples."""
    forest = Forest(
        n_features=1,
        max_samples=2**53,
        offset=0.0,
        tree_start=np.array([0, 3]),
        feature=np.array([0, LEAF, LEAF], np.int32),
        threshold=np.zeros(3),
        left=np.array([1, LEAF, LEAF], np.int32),
        right=np.array([2, LEAF, LEAF], np.int32),
        path_length=np.array([0.0, 1e300, 0.0]),
    )
    told = PathAttribution.of(forest)
    gained = contributions(told, np.array([[-1.0], [1.0]]))[:, 0]
    np.testing.assert_allclose(gained + told.mean_path_length, [1e300, 0.0], rtol=1e-9, atol=1e290)


def shapley(estimator: IsolationForest, x: NDArray[np.float64]) -> Matrix:
    """Return Shapley values of the path length, path-dependent as TreeSHAP's (Lundberg et al. 2020)."""
    n = x.size
    worth = {
        known: np.mean([_expected(each.tree_, x, known) for each in estimator.estimators_])
        for size in range(n + 1)
        for known in combinations(range(n), size)
    }
    values = np.zeros(n)
    for feature in range(n):
        others = [each for each in range(n) if each != feature]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for known in combinations(others, size):
                values[feature] += weight * (worth[tuple(sorted((*known, feature)))] - worth[known])
    return values


def _expected(tree: Any, x: NDArray[np.float64], known: tuple[int, ...]) -> float:
    value = node_values(tree)

    def below(node: int) -> float:
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left < 0:
            return float(value[node])
        if tree.feature[node] in known:
            return below(left if x[tree.feature[node]] <= tree.threshold[node] else right)
        share = tree.n_node_samples[left] / tree.n_node_samples[node]
        return float(share * below(left) + (1 - share) * below(right))

    return below(0)


def test_it_agrees_with_shapley_values() -> None:
    """Both say the same of what matters: they are near each other, and name the same feature first."""
    random = np.random.default_rng(3)
    learnt = random.normal(size=(500, 4))
    forest, estimator = grown(learnt, n_estimators=20, max_samples=32)
    X = random.normal(size=(12, 4))
    X[np.arange(12), np.arange(12) % 4] *= 4
    told = contributions(PathAttribution.of(forest), X)
    by_shapley = np.array([shapley(estimator, x) for x in X])
    np.testing.assert_allclose(told.sum(axis=1), by_shapley.sum(axis=1), rtol=0, atol=1e-9)
    assert np.corrcoef(told.ravel(), by_shapley.ravel())[0, 1] > 0.95
    assert np.mean(told.argmin(axis=1) == by_shapley.argmin(axis=1)) > 0.9
