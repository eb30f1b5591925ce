"""What the other sensors lead one to expect of one: its distribution, given theirs."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.contrast_trees import ContrastTrees

CELLS: Final = 32
"""Values of a feature that are tried."""


class Expecting(NamedTuple):
    """What tells what to expect of a feature by the others: arrays as `reason_kernel.expect` takes them."""

    guarded: NDArray[np.int32]
    tree_start: NDArray[np.int64]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    leaf: NDArray[np.float32]
    steps: NDArray[np.int32]
    bounds: NDArray[np.float64]
    cells: NDArray[np.float32]


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


def own_steps(trees: ContrastTrees, tried: NDArray[np.float32]) -> NDArray[np.int32]:
    """Find where each tree changes its mind while the values of its own feature are tried.

    Args:
        trees: Of which each tells of one feature.
        tried: Shape (n_guarded, CELLS): its values, ascending.

    Returns:
        Shape (n_trees, depth + 1, 2), int32: of the levels that ask for that feature, ascending, the first
        value that sets the level's bit, by position, and the bit; then CELLS and 0; last of all, CELLS and
        these bits together.
    """
    feature, threshold, _ = trees.splits()
    steps = np.full((trees.n_trees, trees.depth + 1, 2), (CELLS, 0), np.int32)
    bits = 1 << np.arange(trees.depth - 1, -1, -1, dtype=np.int32)
    for place, own in enumerate(trees.guarded):
        group = slice(trees.tree_start[place], trees.tree_start[place + 1])
        asks = feature[group] == own
        first = np.where(asks, np.searchsorted(tried[place], threshold[group], "right"), CELLS)
        order = np.argsort(first, axis=1, kind="stable")
        own_bits = np.where(asks, bits, 0)
        steps[group, :-1, 0] = np.take_along_axis(first, order, axis=1)
        steps[group, :-1, 1] = np.take_along_axis(own_bits, order, axis=1)
        steps[group, -1, 1] = own_bits.sum(axis=1)
    return steps


def nothing_but(medians: NDArray[np.float64]) -> Expecting:
    """Return what expects medians, whatever other features read, and no spread."""
    nowhere = np.full(medians.size, np.inf)
    bounds = np.stack([-nowhere, nowhere, medians, np.zeros(medians.size), nowhere])
    return Expecting(
        guarded=np.empty(0, np.int32),
        tree_start=np.zeros(1, np.int64),
        feature=np.empty((0, 1), np.int32),
        threshold=np.empty((0, 1), np.float32),
        leaf=np.empty((0, 2), np.float32),
        steps=np.empty((0, 2, 2), np.int32),
        bounds=bounds,
        cells=np.empty((2, 0, CELLS), np.float32),
    )
