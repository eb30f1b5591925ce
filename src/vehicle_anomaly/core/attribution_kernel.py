"""The loops over trees that tell which feature made a path shorter or longer, compiled.

For trees of any shape. None of them checks its arrays: who calls them has done so.
"""

import math
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

NODE: Final = np.dtype(
    [
        ("threshold", np.float32),
        ("feature", np.int32),
        ("child", np.int32, (2,)),
        ("gain", np.float64, (2,)),
    ]
)
"""A node, 32 bytes that lie in one line of the cache: what it compares, its left and right child, and by how
much the expected path is longer there. A leaf is its own child, gains nothing, and compares the feature after
the last."""


@numba.njit(nogil=True, cache=True)
def _average_path_length(n_samples: int) -> float:
    """`forest.average_path_length`, to a few bits: here it only tells numbers of samples apart."""
    if n_samples <= 1:
        return 0.0
    if n_samples == 2:
        return 1.0
    return 2.0 * (math.log(n_samples - 1.0) + np.euler_gamma) - 2.0 * (n_samples - 1.0) / n_samples


@numba.njit(nogil=True, cache=True)
def _samples_left(remaining: float, max_samples: int) -> int:
    """Return how many samples are left in a leaf, by the average path length that stands for them."""
    least, most = 1, max_samples
    while least < most:
        middle = least + (most - least) // 2
        # Of two that are next to each other, the nearer is meant.
        if remaining * 2.0 > _average_path_length(middle) + _average_path_length(middle + 1):
            least = middle + 1
        else:
            most = middle
    return least


@numba.njit(nogil=True, cache=True)
def expect(  # noqa: PLR0913, PLR0917  # numba takes arrays, not the object that holds them
    tree_start: NDArray[np.int64],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    path_length: NDArray[np.float64],
    max_samples: int,
    expected: NDArray[np.float64],
    tree_depth: NDArray[np.int64],
) -> None:
    """Work out the mean path length, below each node, of the samples that its tree was grown on.

    The path length of a leaf is its depth and what stands for the samples left in it: it tells how many.

    Args:
        tree_start: Shape (n_trees + 1,): the nodes of tree t are `tree_start[t]:tree_start[t + 1]`.
        left: Shape (n_nodes,): left child, after its parent; negative for a leaf.
        right: Shape (n_nodes,): right child.
        path_length: Shape (n_nodes,): of the leaves.
        max_samples: Readings that each tree was grown on.
        expected: Shape (n_nodes,), filled in.
        tree_depth: Shape (n_trees,), filled in: length of the longest path.
    """
    depth = np.zeros(path_length.shape[0], np.int64)
    samples = np.zeros(path_length.shape[0])
    for tree in range(tree_start.shape[0] - 1):
        deepest = 0
        for node in range(tree_start[tree], tree_start[tree + 1]):
            if left[node] >= 0:
                depth[left[node]] = depth[right[node]] = depth[node] + 1
            deepest = max(deepest, depth[node])
        tree_depth[tree] = deepest
        for node in range(tree_start[tree + 1] - 1, tree_start[tree] - 1, -1):
            if left[node] < 0:
                samples[node] = _samples_left(path_length[node] - depth[node], max_samples)
                expected[node] = path_length[node]
            else:
                a, b = left[node], right[node]
                samples[node] = samples[a] + samples[b]
                # Written so that no number of samples lets it overflow.
                expected[node] = expected[a] + (expected[b] - expected[a]) * (samples[b] / samples[node])


@numba.njit(nogil=True, cache=True)
def attribute(
    X: NDArray[np.float32],
    root: NDArray[np.int64],
    tree_depth: NDArray[np.int64],
    nodes: NDArray[Any],
    total: NDArray[np.float64],
) -> None:
    """Add to `total` what each feature gains on each row's paths through all trees.

    Four trees side by side: while the processor waits for a node of one, it computes the others.

    Args:
        X: Shape (n_readings, n_features), no NaN.
        root: Shape (n_trees,).
        tree_depth: Shape (n_trees,).
        nodes: Shape (n_nodes,) of `NODE`.
        total: Shape (n_readings, n_features), changed in place.
    """
    n_trees, n_features = root.shape[0], X.shape[1]
    # One after the last, which leaves compare.
    x = np.zeros(n_features + 1, np.float32)
    gained = np.zeros((4, n_features + 1))
    for row in range(X.shape[0]):
        x[:n_features] = X[row]
        gained[:] = 0.0
        tree = 0
        while tree + 4 <= n_trees:
            a, b, c, d = root[tree], root[tree + 1], root[tree + 2], root[tree + 3]
            longest = max(tree_depth[tree], tree_depth[tree + 1], tree_depth[tree + 2], tree_depth[tree + 3])
            for _ in range(longest):
                e, f, g, h = nodes[a].feature, nodes[b].feature, nodes[c].feature, nodes[d].feature
                i = int(x[e] > nodes[a].threshold)
                j = int(x[f] > nodes[b].threshold)
                k = int(x[g] > nodes[c].threshold)
                m = int(x[h] > nodes[d].threshold)
                gained[0, e] += nodes[a].gain[i]
                gained[1, f] += nodes[b].gain[j]
                gained[2, g] += nodes[c].gain[k]
                gained[3, h] += nodes[d].gain[m]
                a, b = nodes[a].child[i], nodes[b].child[j]
                c, d = nodes[c].child[k], nodes[d].child[m]
            tree += 4
        while tree < n_trees:
            a = root[tree]
            for _ in range(tree_depth[tree]):
                e = nodes[a].feature
                i = int(x[e] > nodes[a].threshold)
                gained[0, e] += nodes[a].gain[i]
                a = nodes[a].child[i]
            tree += 1
        for feature in range(n_features):
            total[row, feature] += (
                gained[0, feature] + gained[1, feature] + gained[2, feature] + gained[3, feature]
            )


@numba.njit(nogil=True, cache=True)
def subtract_seen(  # noqa: PLR0913, PLR0917
    X: NDArray[np.float32],
    tree_start: NDArray[np.int64],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float64],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    path_length: NDArray[np.float64],
    seen_start: NDArray[np.int64],
    seen: NDArray[np.int64],
    total: NDArray[np.float64],
    trees: NDArray[np.int64],
) -> None:
    """Take from each row's path length that through the trees which were grown on it.

    Args:
        X: Shape (n_readings, n_features), no NaN.
        tree_start: As for `expect`.
        feature: Shape (n_nodes,): the feature a node splits on; negative for a leaf.
        threshold: Shape (n_nodes,): up to it, as float32, a value goes left.
        left: As for `expect`.
        right: As for `expect`.
        path_length: As for `expect`.
        seen_start: Shape (n_trees + 1,): tree t has seen the rows `seen[seen_start[t]:seen_start[t + 1]]`.
        seen: Rows.
        total: Shape (n_readings,): path length through all trees, changed in place.
        trees: Shape (n_readings,): how many trees that was, changed in place.
    """
    for tree in range(tree_start.shape[0] - 1):
        for place in range(seen_start[tree], seen_start[tree + 1]):
            row = seen[place]
            node = tree_start[tree]
            while feature[node] >= 0:
                node = left[node] if X[row, feature[node]] <= threshold[node] else right[node]
            total[row] -= path_length[node]
            trees[row] -= 1
