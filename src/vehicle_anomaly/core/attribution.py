"""Which features made a reading's path through a forest shorter or longer, and by how much.

Path attribution (Saabas 2014, "Interpreting random forests"): at each split, the change of the expected path
length is put down to the feature that was asked. It costs a walk, and all there is to it adds up.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import attribution_kernel
from vehicle_anomaly.core.forest import LEAF, Forest


@dataclass(frozen=True, slots=True, eq=False)
class PathAttribution:
    """What `attribution_kernel.attribute` walks. It is derived from a forest, and not stored.

    Attributes:
        n_features: Columns of what is explained.
        mean_path_length: Of the readings that the trees were grown on, mean over the trees: what
            contributions count from.
        root: Shape (n_trees,), int64: the first node of each tree.
        tree_depth: Shape (n_trees,), int64: length of its longest path.
        nodes: Shape (n_nodes,), `attribution_kernel.NODE`.
    """

    n_features: int
    mean_path_length: float
    root: NDArray[np.int64]
    tree_depth: NDArray[np.int64]
    nodes: NDArray[Any]

    @classmethod
    def of(cls, forest: Forest) -> Self:
        """Derive it; how many samples are in a leaf, its path length says, in models of any age."""
        expected = np.empty(forest.feature.size)
        tree_depth = np.empty(forest.n_trees, np.int64)
        attribution_kernel.expect(
            forest.tree_start,
            forest.left,
            forest.right,
            forest.path_length,
            forest.max_samples,
            expected,
            tree_depth,
        )
        nodes = np.zeros(forest.feature.size, attribution_kernel.NODE)
        leaf = forest.feature == LEAF
        nodes["threshold"] = _rounded_down(forest.threshold)
        nodes["feature"] = np.where(leaf, forest.n_features, forest.feature)
        for side, child in enumerate((forest.left, forest.right)):
            to = np.where(leaf, np.arange(leaf.size), child)
            nodes["child"][:, side] = to
            nodes["gain"][:, side] = expected[to] - expected
        root = forest.tree_start[:-1].copy()
        return cls(forest.n_features, float(expected[root].mean()), root, tree_depth, nodes)

    def contributions(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Say what each feature contributes to each reading's path length.

        Args:
            X: Shape (n_readings, n_features), no NaN.

        Returns:
            Shape as `X`, in splits, mean over the trees. Negative makes the path shorter and the reading more
            anomalous. Their sum is the reading's mean path length less `mean_path_length`.
        """
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(f"expected {self.n_features} columns, got an array of shape {X.shape}")
        total = np.zeros(X.shape)
        attribution_kernel.attribute(
            np.ascontiguousarray(X, dtype=np.float32), self.root, self.tree_depth, self.nodes, total
        )
        return np.divide(total, self.root.size, out=total)


def _rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round to float32, never up: a float32 is `<=` the result if and only if it is `<=` the threshold."""
    with np.errstate(over="ignore"):
        nearest = threshold.astype(np.float32)
        return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def warm_up() -> None:
    """Compile what explains and what takes readings out of their trees, or load it compiled."""
    leaf = np.full(1, LEAF, np.int32)
    forest = Forest(1, 1, 0.0, np.array([0, 1]), leaf, np.zeros(1), leaf, leaf, np.ones(1))
    PathAttribution.of(forest).contributions(np.zeros((1, 1)))
