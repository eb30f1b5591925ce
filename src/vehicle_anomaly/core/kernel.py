"""The walk through the trees, compiled.

numba compiles it once per machine and keeps the result beside this file (or in NUMBA_CACHE_DIR);
`warm_up` makes a process pay for that before it answers its first request.
"""

import numba
import numpy as np
from numpy.typing import NDArray

# Rows that pass through one tree before the next: the tree stays in the L1 cache, and so do the rows.
_ROWS_AT_ONCE = 64


@numba.njit(nogil=True, cache=True)
def add_path_lengths(  # noqa: PLR0913, PLR0917  # numba takes arrays, not the object that holds them
    X: NDArray[np.float32],
    tree_start: NDArray[np.int64],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float64],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    path_length: NDArray[np.float64],
    total: NDArray[np.float64],
) -> None:
    """Add to `total` each row's path length through every tree, tree after tree as scikit-learn sums them.

    It does not check the arrays: `Forest` has done so. A value goes left when, as float32, it is `<=` the
    float64 threshold, as in scikit-learn's `Tree.apply`.

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


def warm_up() -> None:
    """Compile the kernel, or load it compiled, by walking a tree that is one leaf."""
    nothing = np.zeros(1, np.int32)
    add_path_lengths(
        np.zeros((1, 1), np.float32),
        np.array([0, 1]),
        nothing - 1,
        np.zeros(1),
        nothing,
        nothing,
        np.zeros(1),
        np.zeros(1),
    )
