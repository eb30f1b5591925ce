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

_ONE = np.uint32(1)
_TWO = np.uint32(2)


@numba.njit(nogil=True, cache=True)
def follow_few(  # noqa: PLR0913, PLR0917  # numba takes arrays, not the object that holds them
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
    """Sum each row's path lengths through every tree, row by row.

    The right child stands behind the left one, and a leaf is its own child: so a step needs no branch. A row
    goes through eight trees at a time: while the processor waits for the numbers of one, it computes the
    others. A value goes left when, as float32, it is `<=` the threshold, as in scikit-learn's `Tree.apply`.

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
    x = np.empty(X.shape[1], np.float32)
    for row in range(X.shape[0]):
        for column in range(X.shape[1]):
            value = X[row, column]
            x[column] = np.float32(medians[column] if np.isnan(value) else value)
        total[row] = follow_one(x, tree_start, depth, feature, threshold, left, path_length)


@numba.njit(nogil=True, cache=True)
def follow_many(  # noqa: PLR0913, PLR0917
    X: NDArray[np.float64],
    medians: NDArray[np.float64],
    top_feature: NDArray[np.uint16],
    top_threshold: NDArray[np.float32],
    below_top: NDArray[np.uint32],
    depth: NDArray[np.int64],
    feature: NDArray[np.uint16],
    threshold: NDArray[np.float32],
    left: NDArray[np.uint32],
    path_length: NDArray[np.float64],
    total: NDArray[np.float64],
) -> None:
    """Sum each row's path lengths through every tree, as `follow_few`, in blocks of rows.

    The first three splits of a tree are compared for a whole block, all seven of them, by vector
    instructions: that costs less than to look up which three a row needs. Below, eight rows follow their
    ways side by side.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        medians: Shape (n_features,): what stands in for missing values.
        top_feature: Shape (n_trees, 7): of the first three levels, from left to right, a leaf standing for
            all below it.
        top_threshold: Shape (n_trees, 7).
        below_top: Shape (n_trees, 8): the nodes of the fourth level, or the leaves above it.
        depth: As for `follow_few`.
        feature: As for `follow_few`.
        threshold: As for `follow_few`.
        left: As for `follow_few`.
        path_length: As for `follow_few`.
        total: Shape (n_readings,), filled in.
    """
    n_features = X.shape[1]
    # Rows beyond the end are computed and not looked at.
    rows = np.zeros((_ROWS_AT_ONCE, n_features), np.float32)
    columns = np.zeros((n_features, _ROWS_AT_ONCE), np.float32)
    way = np.empty(_ROWS_AT_ONCE, np.uint32)
    sums = np.empty(_ROWS_AT_ONCE)
    for first in range(0, X.shape[0], _ROWS_AT_ONCE):
        n_rows = min(_ROWS_AT_ONCE, X.shape[0] - first)
        for row in range(n_rows):
            for column in range(n_features):
                value = X[first + row, column]
                value = medians[column] if np.isnan(value) else value
                rows[row, column] = columns[column, row] = np.float32(value)
        sums[:] = 0.0
        for tree in range(depth.shape[0]):
            _follow_top(columns, top_feature[tree], top_threshold[tree], way)
            entry = below_top[tree]
            for row in range(0, n_rows, 8):
                x0, x1, x2, x3 = rows[row], rows[row + 1], rows[row + 2], rows[row + 3]
                x4, x5, x6, x7 = rows[row + 4], rows[row + 5], rows[row + 6], rows[row + 7]
                a, b, c, d = entry[way[row]], entry[way[row + 1]], entry[way[row + 2]], entry[way[row + 3]]
                e, g, h, i = (
                    entry[way[row + 4]],
                    entry[way[row + 5]],
                    entry[way[row + 6]],
                    entry[way[row + 7]],
                )
                for _ in range(3, depth[tree]):
                    a = _next(x0, feature, threshold, left, a)
                    b = _next(x1, feature, threshold, left, b)
                    c = _next(x2, feature, threshold, left, c)
                    d = _next(x3, feature, threshold, left, d)
                    e = _next(x4, feature, threshold, left, e)
                    g = _next(x5, feature, threshold, left, g)
                    h = _next(x6, feature, threshold, left, h)
                    i = _next(x7, feature, threshold, left, i)
                sums[row] += path_length[a]
                sums[row + 1] += path_length[b]
                sums[row + 2] += path_length[c]
                sums[row + 3] += path_length[d]
                sums[row + 4] += path_length[e]
                sums[row + 5] += path_length[g]
                sums[row + 6] += path_length[h]
                sums[row + 7] += path_length[i]
        total[first : first + n_rows] = sums[:n_rows]


@numba.njit(nogil=True, cache=True)
def _follow_top(
    columns: NDArray[np.float32],
    feature: NDArray[np.uint16],
    threshold: NDArray[np.float32],
    way: NDArray[np.uint32],
) -> None:
    # Without branches and look-ups in its loop, which LLVM turns into vector instructions.
    x0, x1, x2, x3 = columns[feature[0]], columns[feature[1]], columns[feature[2]], columns[feature[3]]
    x4, x5, x6 = columns[feature[4]], columns[feature[5]], columns[feature[6]]
    t0, t1, t2, t3 = threshold[0], threshold[1], threshold[2], threshold[3]
    t4, t5, t6 = threshold[4], threshold[5], threshold[6]
    for row in range(_ROWS_AT_ONCE):
        b0 = np.uint32(x0[row] > t0)
        b1 = np.uint32(x1[row] > t1)
        b2 = np.uint32(x2[row] > t2)
        b3 = np.uint32(x3[row] > t3)
        b4 = np.uint32(x4[row] > t4)
        b5 = np.uint32(x5[row] > t5)
        b6 = np.uint32(x6[row] > t6)
        second = _either(b0, b1, b2)
        third = _either(b0, _either(second, b3, b4), _either(second, b5, b6))
        way[row] = (b0 << _TWO) | (second << _ONE) | third


@numba.njit(nogil=True, cache=True)
def follow_one(  # noqa: PLR0913, PLR0917
    x: NDArray[np.float32],
    tree_start: NDArray[np.int64],
    depth: NDArray[np.int64],
    feature: NDArray[np.uint16],
    threshold: NDArray[np.float32],
    left: NDArray[np.uint32],
    path_length: NDArray[np.float64],
) -> float:
    """Sum the path lengths of one row that has no missing value, as `follow_few`."""
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
def _either(bit, without, with_it):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    # Written as arithmetic: an `if` is not always turned into vector instructions.
    return (bit & with_it) | ((bit ^ _ONE) & without)


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
        depth: As for `follow_few`, filled in.
        linked_feature: As `feature` of `follow_few`, filled in.
        linked_threshold: As `threshold` of `follow_few`, filled in.
        linked_left: As `left` of `follow_few`, filled in.
        linked_path_length: As `path_length` of `follow_few`, filled in.
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
