"""Splits by rank lead to the leaves that asking them one by one leads to."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vehicle_anomaly.core.contrast_trees import ContrastTrees
from vehicle_anomaly.core.expectation import CELLS, Expecting
from vehicle_anomaly.core.leaf_kernel import clear_bits, find_leaves
from vehicle_anomaly.core.ranked_splits import RANKS_AT_ONCE, RankedSplits

N_FEATURES = 5


def some_trees(n_trees: int, depth: int, seed: int) -> ContrastTrees:
    """Return trees that never ask for the last feature, and of the others for many thresholds that tie."""
    rng = np.random.default_rng(seed)
    return ContrastTrees(
        N_FEATURES,
        depth,
        np.array([0, 2], np.int32),
        np.array([0, n_trees // 3, n_trees]),
        rng.integers(0, N_FEATURES - 1, n_trees * depth).astype(np.int32),
        (rng.integers(-4, 5, n_trees * depth) / 4).astype(np.float32),
        rng.normal(size=n_trees << depth).astype(np.float32),
    )


def some_values(seed: int) -> NDArray[np.float32]:
    """Return readings of which many values are thresholds, and some missing."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-6, 7, (200, N_FEATURES)) / 4 + rng.choice([0, 1e-3, -1e-3], (200, N_FEATURES))
    return np.where(rng.random(values.shape) < 0.1, np.nan, values).astype(np.float32)


def asked_one_by_one(trees: ContrastTrees, values: NDArray[np.float32]) -> list[int]:
    feature, threshold, _ = trees.splits()
    bits = (values[feature] > threshold) @ (1 << np.arange(trees.depth - 1, -1, -1))
    told: list[int] = bits.tolist()
    return told


@pytest.mark.parametrize("depth", [1, 6, 8])
@pytest.mark.parametrize("n_trees", [0, 1, 4 * RANKS_AT_ONCE])
def test_leaves_are_those_of_splits_asked_one_by_one(n_trees: int, depth: int) -> None:
    trees = some_trees(n_trees, depth, seed=depth)
    splits, place = RankedSplits.of(trees), np.empty(n_trees, np.uint8)

    for values in some_values(seed=1):
        find_leaves(values, splits, place)
        assert place.tolist() == asked_one_by_one(trees, values)


def test_a_feature_that_is_taken_for_missing_afterwards_is_as_if_it_had_been_from_the_start() -> None:
    trees = some_trees(100, 6, seed=2)
    expecting = Expecting.of(trees, np.zeros((5, N_FEATURES)), np.zeros((2, 2, CELLS), np.float32))
    place = np.empty(100, np.uint8)

    for values in some_values(seed=3):
        for own, feature in enumerate(trees.guarded):
            find_leaves(values, expecting.splits, place)
            clear_bits(expecting.kept[own], place)
            without = np.where(np.arange(N_FEATURES) == feature, np.float32(np.nan), values)
            assert place.tolist() == asked_one_by_one(trees, without)
