"""The loops over trees, compiled.

numba compiles each once per machine and keeps the result beside this file (or in NUMBA_CACHE_DIR); `warm_up`
makes a process pay for that before it answers its first request. None of them checks its arrays: who calls
them has done so. All sum path lengths tree after tree, as scikit-learn does, so the sums have the same bits.
"""

import numba
import numpy as np
from numpy.typing import NDArray

# Rows that pass through one tree before the next: the tree stays in the L1 cache, and so do the rows.
_ROWS_AT_ONCE = 64


@numba.njit(nogil=True, cache=True)
def walk(  # noqa: PLR0913, PLR0917  # numba takes arrays, not the object that holds them
    X: NDArray[np.float32],
    tree_start: NDArray[np.int64],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float64],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    path_length: NDArray[np.float64],
    total: NDArray[np.float64],
) -> None:
    """Add to `total` each row's path length through every tree, child by child: for trees of any shape.

    A value goes left when, as float32, it is `<=` the float64 threshold, as in scikit-learn's `Tree.apply`.

    Args:
        X: Shape (n_readings, n_features), C-contiguous, no NaN.
        tree_start: Shape (n_trees + 1,): the nodes of tree t are `tree_start[t]:tree_start[t + 1]`.
        feature: Shape (n_nodes,): the feature a node splits on; -1 for a leaf.
        threshold: Shape (n_nodes,).
        left: Shape (n_nodes,): index of the left child.
        right: Shape (n_nodes,): index of the right child.
        path_length: Shape (n_nodes,): path length of a leaf.
        total: Shape (n_readings,), changed in place.
    """
    for first in range(0, X.shape[0], _ROWS_AT_ONCE):
        last = min(first + _ROWS_AT_ONCE, X.shape[0])
        for tree in range(tree_start.shape[0] - 1):
            root = tree_start[tree]
            for row in range(first, last):
                node = root
                split_on = feature[node]
                while split_on >= 0:
                    node = left[node] if X[row, split_on] <= threshold[node] else right[node]
                    split_on = feature[node]
                total[row] += path_length[node]


@numba.njit(nogil=True, cache=True)
def descend(
    X: NDArray[np.float32],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    path_length: NDArray[np.float64],
    total: NDArray[np.float64],
) -> None:
    """Add to `total` each row's path length through every tree, for trees padded to perfect ones.

    The children of node n are 2n + 1 and 2n + 2, so a step is arithmetic and needs no pointer; and every path
    is as long as any other, so a step needs no branch. Eight rows descend side by side: while the processor
    waits for the numbers of one, it computes the others.

    Args:
        X: Shape (n_readings, n_features), C-contiguous, no NaN.
        feature: Shape (n_trees, 2**depth - 1): the feature a node splits on.
        threshold: Shape (n_trees, 2**depth - 1): a value beyond it goes right.
        path_length: Shape (n_trees, 2**depth): of the leaves, from left to right.
        total: Shape (n_readings,), changed in place.
    """
    n_splits = feature.shape[1]
    depth = 0
    while (1 << depth) <= n_splits:
        depth += 1
    for first in range(0, X.shape[0], _ROWS_AT_ONCE):
        last = min(first + _ROWS_AT_ONCE, X.shape[0])
        for tree in range(feature.shape[0]):
            f = feature[tree]
            t = threshold[tree]
            leaf = path_length[tree]
            row = first
            while row + 8 <= last:
                a = b = c = d = e = g = h = i = 0
                for _ in range(depth):
                    a = 2 * a + 1 + (X[row, f[a]] > t[a])
                    b = 2 * b + 1 + (X[row + 1, f[b]] > t[b])
                    c = 2 * c + 1 + (X[row + 2, f[c]] > t[c])
                    d = 2 * d + 1 + (X[row + 3, f[d]] > t[d])
                    e = 2 * e + 1 + (X[row + 4, f[e]] > t[e])
                    g = 2 * g + 1 + (X[row + 5, f[g]] > t[g])
                    h = 2 * h + 1 + (X[row + 6, f[h]] > t[h])
                    i = 2 * i + 1 + (X[row + 7, f[i]] > t[i])
                total[row] += leaf[a - n_splits]
                total[row + 1] += leaf[b - n_splits]
                total[row + 2] += leaf[c - n_splits]
                total[row + 3] += leaf[d - n_splits]
                total[row + 4] += leaf[e - n_splits]
                total[row + 5] += leaf[g - n_splits]
                total[row + 6] += leaf[h - n_splits]
                total[row + 7] += leaf[i - n_splits]
                row += 8
            while row < last:
                node = 0
                for _ in range(depth):
                    node = 2 * node + 1 + (X[row, f[node]] > t[node])
                total[row] += leaf[node - n_splits]
                row += 1


@numba.njit(nogil=True, cache=True)
def deepest(feature: NDArray[np.int32], left: NDArray[np.int32], right: NDArray[np.int32]) -> int:
    """Return the length of the longest path of any tree; children come after their parents."""
    depth = np.zeros(feature.shape[0], np.int64)
    longest = 0
    for node in range(feature.shape[0]):
        if feature[node] >= 0:
            for child in (left[node], right[node]):
                depth[child] = max(depth[child], depth[node] + 1)
        longest = max(longest, depth[node])
    return longest


@numba.njit(nogil=True, cache=True)
def pad(  # noqa: PLR0913, PLR0917  # numba takes arrays, not the object that holds them
    tree_start: NDArray[np.int64],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    path_length: NDArray[np.float64],
    depth: int,
    padded_feature: NDArray[np.int32],
    padded_threshold: NDArray[np.float32],
    padded_path_length: NDArray[np.float64],
) -> None:
    """Lay trees out as perfect ones of one depth: below a leaf, every path ends in the same path length.

    Args:
        tree_start: As for `walk`.
        feature: As for `walk`.
        threshold: As for `walk`, in float32.
        left: As for `walk`.
        right: As for `walk`.
        path_length: As for `walk`.
        depth: At least that of the deepest tree.
        padded_feature: As `feature` of `descend`, filled in.
        padded_threshold: As `threshold` of `descend`, filled in.
        padded_path_length: As `path_length` of `descend`, filled in.
    """
    n_splits = (1 << depth) - 1
    standing_for = np.empty(2 * n_splits + 1, np.int64)
    for tree in range(tree_start.shape[0] - 1):
        standing_for[0] = tree_start[tree]
        for place in range(n_splits):
            node = standing_for[place]
            if feature[node] >= 0:
                padded_feature[tree, place] = feature[node]
                padded_threshold[tree, place] = threshold[node]
                standing_for[2 * place + 1] = left[node]
                standing_for[2 * place + 2] = right[node]
            else:
                padded_feature[tree, place] = 0
                padded_threshold[tree, place] = np.inf
                standing_for[2 * place + 1] = node
                standing_for[2 * place + 2] = node
        for leaf in range(n_splits + 1):
            padded_path_length[tree, leaf] = path_length[standing_for[n_splits + leaf]]
