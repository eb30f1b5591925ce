"""The loops over trees that tell which feature made a path shorter or longer, compiled.

For trees of any shape. None of them checks its arrays: who calls them has done so.
"""

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray


class Walked(NamedTuple):
    """Trees that `attribute` walks: a forest's linked ones, and what it expects.

    Attributes:
        tree_start: As for `expect`; so are those below that have no other meaning.
        depth: Shape (n_trees,): of the longest path of a tree.
        feature: Shape (n_nodes,): the feature a node splits on; any one for a leaf.
        threshold: Shape (n_nodes,): a value beyond it goes right; infinite for a leaf.
        left: As for `expect`.
        expected: Shape (n_nodes,): what `expect` worked out.
    """

    tree_start: NDArray[np.int64]
    depth: NDArray[np.int64]
    feature: NDArray[np.uint16]
    threshold: NDArray[np.float32]
    left: NDArray[np.uint32]
    expected: NDArray[np.float64]


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
def expect(
    tree_start: NDArray[np.int64],
    left: NDArray[np.uint32],
    path_length: NDArray[np.float64],
    max_samples: int,
    expected: NDArray[np.float64],
) -> None:
    """Work out the mean path length, below each node, of the samples that its tree was grown on.

    The path length of a leaf is its depth and what stands for the samples left in it: it tells how many.

    Args:
        tree_start: Shape (n_trees + 1,): the nodes of tree t are `tree_start[t]:tree_start[t + 1]`.
        left: Shape (n_nodes,): left child, after its parent, with the right one behind it; of a leaf, itself.
        path_length: Shape (n_nodes,): of the leaves.
        max_samples: Readings that each tree was grown on.
        expected: Shape (n_nodes,), filled in.
    """
    depth = np.zeros(path_length.shape[0], np.int64)
    samples = np.zeros(path_length.shape[0])
    for tree in range(tree_start.shape[0] - 1):
        for node in range(tree_start[tree], tree_start[tree + 1]):
            if left[node] != node:
                depth[left[node]] = depth[left[node] + 1] = depth[node] + 1
        for node in range(tree_start[tree + 1] - 1, tree_start[tree] - 1, -1):
            if left[node] == node:
                samples[node] = _samples_left(path_length[node] - depth[node], max_samples)
                expected[node] = path_length[node]
            else:
                a, b = left[node], left[node] + 1
                samples[node] = samples[a] + samples[b]
                # Written so that no number of samples lets it overflow.
                expected[node] = expected[a] + (expected[b] - expected[a]) * (samples[b] / samples[node])


@numba.njit(nogil=True, cache=True)
def attribute(
    X: NDArray[np.float64], medians: NDArray[np.float64], trees: Walked, mean: NDArray[np.float64]
) -> None:
    """Say what each feature gains on each row's paths, mean over the trees.

    The trees are those that scored the row: where a path leads through is in the cache still. Four side by
    side: while the processor waits for a node of one, it computes the others.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        medians: Shape (n_features,): what stands in for missing values.
        trees: Those that scored the row.
        mean: Shape (n_readings, n_features), filled in.
    """
    tree_start, depth, feature, threshold, left, expected = trees
    n_trees, n_features = depth.shape[0], X.shape[1]
    x = np.empty(n_features, np.float32)
    gained = np.empty((4, n_features))
    for row in range(X.shape[0]):
        for column in range(n_features):
            value = X[row, column]
            x[column] = np.float32(medians[column] if np.isnan(value) else value)
        gained[:] = 0.0
        tree = 0
        while tree + 4 <= n_trees:
            a, b = np.uint32(tree_start[tree]), np.uint32(tree_start[tree + 1])
            c, d = np.uint32(tree_start[tree + 2]), np.uint32(tree_start[tree + 3])
            at_a, at_b, at_c, at_d = expected[a], expected[b], expected[c], expected[d]
            longest = max(depth[tree], depth[tree + 1], depth[tree + 2], depth[tree + 3])
            for _ in range(longest):
                e, f, g, h = feature[a], feature[b], feature[c], feature[d]
                a = left[a] + np.uint32(x[e] > threshold[a])
                b = left[b] + np.uint32(x[f] > threshold[b])
                c = left[c] + np.uint32(x[g] > threshold[c])
                d = left[d] + np.uint32(x[h] > threshold[d])
                to_a, to_b, to_c, to_d = expected[a], expected[b], expected[c], expected[d]
                gained[0, e] += to_a - at_a
                gained[1, f] += to_b - at_b
                gained[2, g] += to_c - at_c
                gained[3, h] += to_d - at_d
                at_a, at_b, at_c, at_d = to_a, to_b, to_c, to_d
            tree += 4
        while tree < n_trees:
            a = np.uint32(tree_start[tree])
            at_a = expected[a]
            for _ in range(depth[tree]):
                e = feature[a]
                a = left[a] + np.uint32(x[e] > threshold[a])
                gained[0, e] += expected[a] - at_a
                at_a = expected[a]
            tree += 1
        for column in range(n_features):
            mean[row, column] = (
                gained[0, column] + gained[1, column] + gained[2, column] + gained[3, column]
            ) / n_trees


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
        left: Shape (n_nodes,): left child, after its parent; negative for a leaf.
        right: Shape (n_nodes,): right child.
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
