"""The loops over trees, compiled.

numba compiles each once per machine and keeps the result beside this file (or in NUMBA_CACHE_DIR); `warm_up`
makes a process pay for that before it answers its first request. None of them checks its arrays: who calls
them has done so. All sum path lengths tree after tree, as scikit-learn does, so the sums have the same bits.

Nodes and features are unsigned wherever they index: a signed index would make numba ask of each whether it
counts from the end, and twice the time goes into that.
"""

import numba
import numpy as np
from numpy.typing import NDArray

# Rows that pass through one tree before the next: the tree stays in the L1 cache, and so do the rows.
_ROWS_AT_ONCE = 64


@numba.njit(nogil=True, cache=True)
def follow(  # noqa: PLR0913, PLR0917  # numba takes arrays, not the object that holds them
    X: NDArray[np.float64],
    medians: NDArray[np.float64],
    tree_start: NDArray[np.int64],
    depth: NDArray[np.int64],
    feature: NDArray[np.uint16],
    threshold: NDArray[np.float32],
    left: NDArray[np.uint32],
    path_length: NDArray[np.float64],
    total: NDArray[np.float64],
) -> None:
    """Sum each row's path lengths through every tree, for trees with siblings side by side.

    The right child stands behind the left one, and a leaf is its own child: so a step needs no branch. Eight
    rows follow their ways side by side, or one row through eight trees: while the processor waits for the
    numbers of one, it computes the others. A value goes left when, as float32, it is `<=` the threshold, as
    in scikit-learn's `Tree.apply`.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        medians: Shape (n_features,): what stands in for missing values.
        tree_start: Shape (n_trees + 1,): the root of tree t is node `tree_start[t]`.
        depth: Shape (n_trees,): of the longest path of a tree.
        feature: Shape (n_nodes,): the feature a node splits on; any one for a leaf.
        threshold: Shape (n_nodes,): a value beyond it goes right; infinite for a leaf.
        left: Shape (n_nodes,): index of the left child; of itself for a leaf.
        path_length: Shape (n_nodes,): of a leaf.
        total: Shape (n_readings,), filled in.
    """
    tile = np.empty((min(_ROWS_AT_ONCE, X.shape[0]), X.shape[1]), np.float32)
    for first in range(0, X.shape[0], _ROWS_AT_ONCE):
        n_rows = min(_ROWS_AT_ONCE, X.shape[0] - first)
        for row in range(n_rows):
            for column in range(X.shape[1]):
                value = X[first + row, column]
                tile[row, column] = np.float32(medians[column] if np.isnan(value) else value)
        in_eights = n_rows - n_rows % 8
        sums = total[first : first + in_eights]
        sums[:] = 0.0
        if in_eights:
            _follow_eights(tile, tree_start, depth, feature, threshold, left, path_length, sums)
        for row in range(in_eights, n_rows):
            total[first + row] = _follow_one(
                tile[row], tree_start, depth, feature, threshold, left, path_length
            )


@numba.njit(nogil=True, cache=True)
def _follow_eights(  # noqa: PLR0913, PLR0917
    X: NDArray[np.float32],
    tree_start: NDArray[np.int64],
    depth: NDArray[np.int64],
    feature: NDArray[np.uint16],
    threshold: NDArray[np.float32],
    left: NDArray[np.uint32],
    path_length: NDArray[np.float64],
    total: NDArray[np.float64],
) -> None:
    for tree in range(depth.shape[0]):
        root = np.uint32(tree_start[tree])
        for row in range(0, total.shape[0], 8):
            x0, x1, x2, x3 = X[row], X[row + 1], X[row + 2], X[row + 3]
            x4, x5, x6, x7 = X[row + 4], X[row + 5], X[row + 6], X[row + 7]
            a = b = c = d = e = g = h = i = root
            for _ in range(depth[tree]):
                a = _next(x0, feature, threshold, left, a)
                b = _next(x1, feature, threshold, left, b)
                c = _next(x2, feature, threshold, left, c)
                d = _next(x3, feature, threshold, left, d)
                e = _next(x4, feature, threshold, left, e)
                g = _next(x5, feature, threshold, left, g)
                h = _next(x6, feature, threshold, left, h)
                i = _next(x7, feature, threshold, left, i)
            total[row] += path_length[a]
            total[row + 1] += path_length[b]
            total[row + 2] += path_length[c]
            total[row + 3] += path_length[d]
            total[row + 4] += path_length[e]
            total[row + 5] += path_length[g]
            total[row + 6] += path_length[h]
            total[row + 7] += path_length[i]


@numba.njit(nogil=True, cache=True)
def _follow_one(  # noqa: PLR0913, PLR0917
    x: NDArray[np.float32],
    tree_start: NDArray[np.int64],
    depth: NDArray[np.int64],
    feature: NDArray[np.uint16],
    threshold: NDArray[np.float32],
    left: NDArray[np.uint32],
    path_length: NDArray[np.float64],
) -> float:
    n_trees = depth.shape[0]
    in_eights = n_trees - n_trees % 8
    total = 0.0
    for tree in range(0, in_eights, 8):
        a = np.uint32(tree_start[tree])
        b = np.uint32(tree_start[tree + 1])
        c = np.uint32(tree_start[tree + 2])
        d = np.uint32(tree_start[tree + 3])
        e = np.uint32(tree_start[tree + 4])
        g = np.uint32(tree_start[tree + 5])
        h = np.uint32(tree_start[tree + 6])
        i = np.uint32(tree_start[tree + 7])
        for _ in range(depth[tree : tree + 8].max()):
            a = _next(x, feature, threshold, left, a)
            b = _next(x, feature, threshold, left, b)
            c = _next(x, feature, threshold, left, c)
            d = _next(x, feature, threshold, left, d)
            e = _next(x, feature, threshold, left, e)
            g = _next(x, feature, threshold, left, g)
            h = _next(x, feature, threshold, left, h)
            i = _next(x, feature, threshold, left, i)
        # One after the other: a sum in another order may have other bits.
        total += path_length[a]
        total += path_length[b]
        total += path_length[c]
        total += path_length[d]
        total += path_length[e]
        total += path_length[g]
        total += path_length[h]
        total += path_length[i]
    for tree in range(in_eights, n_trees):
        node = np.uint32(tree_start[tree])
        for _ in range(depth[tree]):
            node = _next(x, feature, threshold, left, node)
        total += path_length[node]
    return total


@numba.njit(inline="always")
def _next(x, feature, threshold, left, node):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    return left[node] + np.uint32(x[feature[node]] > threshold[node])


@numba.njit(nogil=True, cache=True)
def any_beyond(X: NDArray[np.float64], limit: float) -> bool:
    """Say whether a value is beyond a limit, in either direction; NaN is not."""
    for row in range(X.shape[0]):
        for column in range(X.shape[1]):
            if abs(X[row, column]) > limit:
                return True
    return False


@numba.njit(nogil=True, cache=True)
def any_missing(X: NDArray[np.float64]) -> bool:
    """Say whether a value is NaN."""
    for row in range(X.shape[0]):
        for column in range(X.shape[1]):
            if np.isnan(X[row, column]):
                return True
    return False


@numba.njit(nogil=True, cache=True)
def link(  # noqa: PLR0913, PLR0917  # numba takes arrays, not the object that holds them
    tree_start: NDArray[np.int64],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    path_length: NDArray[np.float64],
    depth: NDArray[np.int64],
    linked_feature: NDArray[np.uint16],
    linked_threshold: NDArray[np.float32],
    linked_left: NDArray[np.uint32],
    linked_path_length: NDArray[np.float64],
) -> None:
    """Lay trees out level by level, with siblings side by side and leaves that are their own children.

    Args:
        tree_start: Shape (n_trees + 1,): the nodes of tree t are `tree_start[t]:tree_start[t + 1]`.
        feature: Shape (n_nodes,): the feature a node splits on; -1 for a leaf.
        threshold: Shape (n_nodes,).
        left: Shape (n_nodes,): index of the left child.
        right: Shape (n_nodes,): index of the right child.
        path_length: Shape (n_nodes,): path length of a leaf.
        depth: As for `follow`, filled in.
        linked_feature: As `feature` of `follow`, filled in.
        linked_threshold: As `threshold` of `follow`, filled in.
        linked_left: As `left` of `follow`, filled in.
        linked_path_length: As `path_length` of `follow`, filled in.
    """
    standing_at = np.empty(feature.shape[0], np.int64)
    level = np.zeros(feature.shape[0], np.int64)
    for tree in range(tree_start.shape[0] - 1):
        standing_at[tree_start[tree]] = tree_start[tree]
        free = tree_start[tree] + 1
        for place in range(tree_start[tree], tree_start[tree + 1]):
            if place >= free:
                # Nodes that no way leads to: nothing ends there.
                linked_feature[place], linked_threshold[place] = 0, np.inf
                linked_left[place], linked_path_length[place] = place, 0.0
                continue
            node = standing_at[place]
            linked_path_length[place] = path_length[node]
            depth[tree] = level[place]
            if feature[node] >= 0:
                linked_feature[place], linked_threshold[place] = feature[node], threshold[node]
                linked_left[place] = free
                standing_at[free], standing_at[free + 1] = left[node], right[node]
                level[free] = level[free + 1] = level[place] + 1
                free += 2
            else:
                linked_feature[place], linked_threshold[place] = 0, np.inf
                linked_left[place] = place
