"""The leaves of oblivious trees that one reading leads to, compiled.

A leaf is a number of as many bits as a tree has levels, a byte at most. So what leads there is laid down and
taken away by bits, for all trees side by side.
None of these checks its arrays: who calls them has done so.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.ranked_splits import RANKS_AT_ONCE, RankedSplits


@numba.njit(nogil=True, cache=True)
def find_leaves(values: NDArray[np.float32], splits: RankedSplits, place: NDArray[np.uint8]) -> None:
    """Find the leaf of each tree; a missing value is beyond no threshold.

    Args:
        values: Shape (n_features,); NaN is a missing value.
        splits: Those of the trees.
        place: Shape (n_trees,), filled in.
    """
    place[:] = 0
    for k in range(splits.asked.shape[0]):
        first = splits.start[k]
        rank = _rank(values[splits.asked[k]], splits.threshold[first : splits.start[k + 1]])
        block = rank // RANKS_AT_ONCE
        if block > 0:
            bits = splits.blocks[splits.block_start[k] + block - 1]
            for tree in range(place.shape[0]):
                place[tree] |= bits[tree]
        for at in range(first + block * RANKS_AT_ONCE, first + rank):
            place[splits.tree[at]] |= splits.bit[at]


@numba.njit(nogil=True, cache=True)
def _rank(value: float, threshold: NDArray[np.float32]) -> int:
    """Count thresholds, ascending, that a value is beyond."""
    # Halved without a branch that could be guessed wrong.
    first, n = 0, threshold.shape[0]
    while n > 1:
        half = n >> 1
        first += half if value > threshold[first + half - 1] else 0
        n -= half
    return first + (1 if n == 1 and value > threshold[first] else 0)


@numba.njit(nogil=True, cache=True)
def clear_bits(kept: NDArray[np.uint8], place: NDArray[np.uint8]) -> None:
    """Take a feature for missing in every tree.

    Args:
        kept: Shape (n_trees,): bits of the levels that do not ask for it.
        place: Shape (n_trees,): leaves, changed in place.
    """
    for tree in range(place.shape[0]):
        place[tree] &= kept[tree]


@numba.njit(nogil=True, cache=True)
def sum_leaves(
    tree_start: NDArray[np.int64],
    leaf: NDArray[np.float32],
    place: NDArray[np.uint8],
    logits: NDArray[np.float32],
) -> None:
    """Sum the leaves of the trees of each feature, one after the other: in another order, bits may differ.

    Args:
        tree_start: Shape (n_guarded + 1,): trees of the g-th feature are `tree_start[g]:tree_start[g + 1]`.
        leaf: Shape (n_trees, 2**depth).
        place: Shape (n_trees,): leaves.
        logits: Shape (n_guarded,), filled in.
    """
    for own in range(logits.shape[0]):
        said = np.float32(0)
        for tree in range(np.uint32(tree_start[own]), np.uint32(tree_start[own + 1])):
            said += leaf[tree, place[tree]]
        logits[own] = said
