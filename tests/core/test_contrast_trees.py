"""Boosted trees that tell real values from contrasts."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vehicle_anomaly.core import contrast_fitting
from vehicle_anomaly.core.contrast import contrast
from vehicle_anomaly.core.contrast_fitting import Growth
from vehicle_anomaly.core.contrast_trees import ContrastTrees

SMALL = Growth(trees=20, depth=3, rows=2_000)


def readings(n_readings: int = 2_000) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    first = rng.normal(size=n_readings)
    X = np.column_stack([first, 3 * first + rng.normal(0, 0.1, n_readings), rng.normal(size=n_readings)])
    return X.astype(np.float32).astype(np.float64)


def grown(X: NDArray[np.float64], seed: int = 0, growth: Growth = SMALL) -> ContrastTrees:
    rng = np.random.default_rng(seed)
    chosen, _ = contrast_fitting.partners(X, 16, rng)
    return contrast_fitting.grow(X, np.arange(X.shape[1], dtype=np.int32), chosen, growth, rng)


def by_hand(trees: ContrastTrees, row: NDArray[np.float64]) -> list[float]:
    said = []
    for place in range(trees.guarded.size):
        total = 0.0
        for tree in range(trees.tree_start[place], trees.tree_start[place + 1]):
            leaf = 0
            for level in range(tree * trees.depth, (tree + 1) * trees.depth):
                leaf = 2 * leaf + int(row[trees.split_feature[level]] > trees.split_threshold[level])
            total += float(trees.leaf[(tree << trees.depth) + leaf])
        said.append(total)
    return said


@pytest.mark.parametrize("n_readings", [0, 1, 7, 8, 63, 64, 65, 200])
def test_blocks_and_single_readings_are_told_the_same_as_by_hand(n_readings: int) -> None:
    trees = grown(readings())
    X = readings()[:n_readings] * 1.5
    X[::5, 1] = np.nan

    said = trees.logits(X)

    expected = np.array([by_hand(trees, row) for row in X]).reshape(n_readings, 3)
    np.testing.assert_allclose(said, expected, atol=1e-4)


def test_a_value_that_contradicts_its_partner_is_told_and_one_that_does_not_is_not() -> None:
    trees = grown(readings(), growth=Growth())

    healthy, contradicting = trees.logits(np.array([[1.0, 3.0, 0.0], [1.0, -3.0, 0.0]]))

    assert healthy.max() < 0.5
    assert contradicting[:2].min() > 3
    assert contradicting[2] < 0.5


def test_a_partner_that_is_missing_leaves_little_to_contradict() -> None:
    trees = grown(readings(), growth=Growth())

    with_partner, without = trees.logits(np.array([[1.0, -3.0, 0.0], [np.nan, -3.0, 0.0]]))

    assert without[1] < with_partner[1] - 2


def test_the_same_chance_grows_the_same_trees() -> None:
    first, second, other = grown(readings()), grown(readings()), grown(readings(), seed=1)

    for name, array in first.arrays().items():
        np.testing.assert_array_equal(array, second.arrays()[name])
    assert not np.array_equal(first.leaf, other.leaf)


def test_contrasts_stay_in_the_range_and_seldom_are_the_value_itself() -> None:
    values = readings()[:, 0]

    replaced = contrast(values, np.random.default_rng(0))

    assert values.min() <= replaced.min() <= replaced.max() <= values.max()
    assert (replaced == values).mean() < 0.01


def test_of_many_features_partners_are_those_that_tell_most() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2_000, 30))
    X[:, 7] = np.abs(X[:, 3]) + 0.1 * X[:, 7]
    X[:, 20] = -X[:, 5] + 0.1 * X[:, 20]

    chosen, closest = contrast_fitting.partners(X, 4, rng)

    assert [each[0] for each in chosen] == list(range(30))
    assert {each.size for each in chosen} == {5}
    assert chosen[7][1] == 3
    assert chosen[20][1] == 5
    assert set(np.argsort(-closest)[:4].tolist()) == {3, 5, 7, 20}


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ({"split_feature": np.array([0, 3], np.int32)}, "split_feature"),
        ({"split_feature": np.array([0, -1], np.int32)}, "split_feature"),
        ({"split_feature": np.zeros(3, np.int32)}, "split_feature"),
        ({"split_threshold": np.array([0, np.nan], np.float32)}, "split_threshold"),
        ({"leaf": np.array([0, np.inf, 0, 0], np.float32)}, "finite"),
        ({"leaf": np.zeros(5, np.float32)}, "leaf"),
        ({"leaf": np.zeros(4)}, "leaf: expected a flat float32"),
        ({"guarded": np.array([3], np.int32)}, "guarded"),
        ({"guarded": np.array([-1], np.int32)}, "guarded"),
        ({"guarded": np.array([1, 0], np.int32), "tree_start": np.array([0, 1, 1])}, "guarded"),
        ({"tree_start": np.array([1, 1])}, "tree_start"),
        ({"tree_start": np.array([0, 1, 1])}, "tree_start"),
        ({"tree_start": np.array([0, -1])}, "tree_start"),
        ({"tree_start": np.empty(0, np.int64)}, "tree_start"),
        ({"tree_start": np.array([0, 2])}, "split_feature"),
        ({"tree_start": np.array([0, 8193])}, "tree_start"),
        ({"tree_start": np.array([0, 2**62])}, "tree_start"),
        ({"depth": 0}, "depth"),
        ({"depth": 9}, "depth"),
    ],
)
def test_what_is_no_such_trees_is_refused(broken: dict[str, Any], complaint: str) -> None:
    trees = ContrastTrees(
        n_features=3,
        depth=2,
        guarded=np.array([1], np.int32),
        tree_start=np.array([0, 1]),
        split_feature=np.array([0, 1], np.int32),
        split_threshold=np.zeros(2, np.float32),
        leaf=np.zeros(4, np.float32),
    )
    with pytest.raises(ValueError, match=complaint):
        replace(trees, **broken)
