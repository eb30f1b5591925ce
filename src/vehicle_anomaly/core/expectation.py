"""What the other sensors lead one to expect of one: its distribution, given theirs."""

import math
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.contrast_trees import ContrastTrees
from vehicle_anomaly.core.ranked_splits import RankedSplits

CELLS: Final = 32
"""Values of a feature that are tried."""


class Steps(NamedTuple):
    """Where trees change their mind while the values of their own feature are tried, one after the other.

    Attributes:
        own: Shape (n_trees, 2), uint8: of a tree's levels, the bits of those that do not ask for its own
            feature; and of those that do, which the lowest value that is tried is beyond.
        start: Shape (n_guarded + 1,): changes of the g-th guarded feature are `start[g]:start[g + 1]`.
        change: Shape (n_changes, 4), uint32: tree; bits of its own feature before and after; and the first
            value that is beyond, by position, never the first of all.
    """

    own: NDArray[np.uint8]
    start: NDArray[np.int64]
    change: NDArray[np.uint32]

    @classmethod
    def of(cls, trees: ContrastTrees, tried: NDArray[np.float32]) -> Self:
        """Find them.

        Args:
            trees: Of which each tells of one feature.
            tried: Shape (n_guarded, CELLS): its values, ascending.
        """
        feature, threshold, _ = trees.splits()
        group = np.repeat(np.arange(trees.guarded.size), np.diff(trees.tree_start))
        asks = feature == trees.guarded[group][:, None]
        first = np.full(feature.shape, CELLS)
        for place, values in enumerate(tried):
            own = group == place
            first[own] = np.searchsorted(values, threshold[own], "right")
        bits = np.where(asks, 1 << np.arange(trees.depth - 1, -1, -1), 0)
        at_first = np.where(first == 0, bits, 0).sum(axis=1)
        order = np.argsort(first, axis=1, kind="stable")
        first, bits = np.take_along_axis(first, order, axis=1), np.take_along_axis(bits, order, axis=1)
        after = np.cumsum(bits, axis=1)
        tree, level = np.nonzero((bits > 0) & (first > 0) & (first < CELLS))
        now = after[tree, level]
        change = np.stack([tree, now - bits[tree, level], now, first[tree, level]], axis=1).astype(np.uint32)
        start = np.searchsorted(tree, trees.tree_start)
        own_bits = np.stack([~bits.sum(axis=1), at_first], axis=1).astype(np.uint8)
        return cls(own_bits, start, np.ascontiguousarray(change))


class Expecting(NamedTuple):
    """What tells what to expect of a feature by the others, as compiled code takes it.

    Attributes:
        guarded: Shape (n_guarded,): features that have trees, ascending.
        tree_start: Shape (n_guarded + 1,): trees of place g are `tree_start[g]:tree_start[g + 1]`.
        feature: Shape (n_trees, depth): what is compared on each level.
        leaf: Shape (n_trees, 2**depth).
        splits: Of all trees.
        kept: Shape (n_guarded, n_trees): bits of the levels that do not ask for a feature.
        steps: Of all trees.
        bounds: Shape (5, n_features): a value below the first or above the second is out of range; the third
            is to be expected where no others tell, and the fourth its spread; the fifth, the log-odds beyond
            which a value contradicts the others.
        cells: Shape (2, n_guarded, CELLS): values to try, ascending; logarithms of the shares of contrasts
            near each.
    """

    guarded: NDArray[np.int32]
    tree_start: NDArray[np.int64]
    feature: NDArray[np.int32]
    leaf: NDArray[np.float32]
    splits: RankedSplits
    kept: NDArray[np.uint8]
    steps: Steps
    bounds: NDArray[np.float64]
    cells: NDArray[np.float32]

    @classmethod
    def of(cls, trees: ContrastTrees, bounds: NDArray[np.float64], cells: NDArray[np.float32]) -> Self:
        """Lay out what compiled code needs of trees beside them."""
        feature, _, leaf = trees.splits()
        bits = 1 << np.arange(trees.depth - 1, -1, -1)
        kept = [(~((feature == own) @ bits)).astype(np.uint8) for own in trees.guarded]
        return cls(
            trees.guarded,
            trees.tree_start,
            feature,
            leaf,
            RankedSplits.of(trees),
            np.array(kept, np.uint8).reshape(trees.guarded.size, trees.n_trees),
            Steps.of(trees, cells[0]),
            bounds,
            cells,
        )


def deviation(value: float, expected: float, spread: float) -> float | None:
    """Say how much higher than expected a value is, in spreads; None where there is no value or no spread."""
    if not spread > 0:
        return None
    # Plus zero: 0.0 where it is -0.0.
    away = (value - expected) / spread + 0.0
    return away if math.isfinite(away) else None


def cells(
    values: NDArray[np.float64], contrasts: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Choose the values that are tried: half at quantiles of training, half evenly over its range.

    Args:
        values: Shape (n_readings,): of training, no NaN.
        contrasts: Shape (n_contrasts,): contrasts of them.

    Returns:
        The values and the logarithms of the shares of contrasts near each, both of shape (CELLS,).
    """
    at_quantiles = np.quantile(values, np.linspace(0, 1, CELLS // 2), method="nearest")
    evenly = np.linspace(values.min(), values.max(), CELLS // 2 + 2)[1:-1]
    tried = np.sort(np.concatenate([at_quantiles, evenly])).astype(np.float32)
    edges = (tried[1:] + tried[:-1]) / 2
    share = np.bincount(np.searchsorted(edges, contrasts), minlength=CELLS) + 0.5
    # Values that stand twice share what is near them.
    first = np.searchsorted(tried, tried, side="left")
    times = np.bincount(first, minlength=CELLS)[first]
    together = np.bincount(first, weights=share, minlength=CELLS)[first]
    return tried, np.log(together / times / share.sum()).astype(np.float32)


def nothing_but(medians: NDArray[np.float64]) -> Expecting:
    """Return what expects medians, whatever other features read, and no spread."""
    nowhere = np.full(medians.size, np.inf)
    bounds = np.stack([-nowhere, nowhere, medians, np.zeros(medians.size), nowhere])
    trees = ContrastTrees(
        n_features=medians.size,
        depth=1,
        guarded=np.empty(0, np.int32),
        tree_start=np.zeros(1, np.int64),
        split_feature=np.empty(0, np.int32),
        split_threshold=np.empty(0, np.float32),
        leaf=np.empty(0, np.float32),
    )
    return Expecting.of(trees, bounds, np.empty((2, 0, CELLS), np.float32))
