"""A fitted Isolation Forest as flat arrays, and its scores, equal to scikit-learn's bit for bit."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import kernel
from vehicle_anomaly.core.linked_trees import LinkedTrees, Place, with_arrays

LEAF = -1

ARRAY_DTYPES: dict[str, type[np.generic]] = {
    "tree_start": np.int64,
    "feature": np.int32,
    "threshold": np.float64,
    "left": np.int32,
    "right": np.int32,
    "path_length": np.float64,
}
"""The flat arrays of a forest by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Isolation Forest (Liu, Ting, Zhou 2008), tree after tree in flat arrays.

    Attributes:
        n_features: Columns of what it scores.
        max_samples: Readings that each tree was grown on.
        offset: scikit-learn's `offset_`: what is subtracted from `score_samples`.
        tree_start: Shape (n_trees + 1,), int64: the nodes of tree t are `tree_start[t]:tree_start[t + 1]`.
        feature: Shape (n_nodes,), int32: the feature a node splits on; -1 for a leaf.
        threshold: Shape (n_nodes,), float64: up to it, a reading goes left; 0 for a leaf.
        left: Shape (n_nodes,), int32: index of the left child; -1 for a leaf.
        right: Shape (n_nodes,), int32: index of the right child; -1 for a leaf.
        path_length: Shape (n_nodes,), float64: depth of a leaf plus the average path length of the
            readings left in it; 0 for a split.
        linked: The same trees, laid out for speed.
        longest: What a sum of path lengths over all trees is measured by: `n_trees` times the average path
            length of `max_samples`.

    Raises:
        ValueError: The arrays are not a forest: walking them could leave them or never end.
    """

    n_features: int
    max_samples: int
    offset: float
    tree_start: NDArray[np.int64]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    path_length: NDArray[np.float64]
    linked: LinkedTrees = field(init=False, repr=False)
    longest: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._check_scalars()
        self._check_shapes()
        self._check_trees()
        self._check_nodes()
        linked = LinkedTrees.of(
            self.tree_start, self.feature, self.threshold, self.left, self.right, self.path_length
        )
        object.__setattr__(self, "linked", linked)
        object.__setattr__(self, "longest", self.n_trees * average_path_length(self.max_samples))

    @property
    def n_trees(self) -> int:
        """How many trees there are."""
        return self.tree_start.size - 1

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the flat arrays by name."""
        return {name: getattr(self, name) for name in ARRAY_DTYPES}

    def placed(self, place: Place) -> "Forest":
        """Return the same forest with its arrays, those of both layouts, where `place` puts them."""
        flat, linked = self.arrays(), self.linked.arrays()
        placed = place({**flat, **{f"linked_{name}": array for name, array in linked.items()}})
        forest = with_arrays(self, {name: placed[name] for name in flat})
        trees = with_arrays(self.linked, {name: placed[f"linked_{name}"] for name in linked})
        object.__setattr__(forest, "linked", trees)
        return forest

    def score(
        self, X: NDArray[np.float64], medians: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Give each reading its anomaly score.

        Args:
            X: Shape (n_readings, n_features), compared as float32, as scikit-learn compares.
            medians: Shape (n_features,), float64: what stands in for NaN; None when there is none.

        Returns:
            Shape (n_readings,): what scikit-learn's `IsolationForest.decision_function` gives for the same
            fit; negative is anomalous.
        """
        scores = self._powers(X, medians)
        # The bits of `score_samples(X) - offset`: rounding knows no sign.
        return np.subtract(-self.offset, scores, out=scores)

    def score_samples(
        self, X: NDArray[np.float64], medians: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Give each reading scikit-learn's `score_samples`: minus the score of the paper, in [-1, 0).

        Args:
            X: As for `score`.
            medians: As for `score`.
        """
        scores = self._powers(X, medians)
        return np.negative(scores, out=scores)

    def _powers(self, X: NDArray[np.float64], medians: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """Give each reading the score of the paper: 2 to the power of minus its relative path length."""
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(f"expected {self.n_features} columns, got an array of shape {X.shape}")
        path_length = self.linked.path_lengths(X, np.zeros(self.n_features) if medians is None else medians)
        if self.longest:
            path_length /= -self.longest
        else:
            path_length.fill(-1.0)
        # NumPy's power of arrays, as scikit-learn's: that of a scalar may differ in the last bit, and a
        # training reading can lie exactly on the offset.
        return np.power(2.0, path_length, out=path_length)

    def _check_scalars(self) -> None:
        if self.n_features < 1 or self.max_samples < 1:
            raise ValueError("expected at least one feature and one sample")
        # It is one of the scores that it is subtracted from; NaN fails both comparisons.
        if not -1 <= self.offset <= 0:
            raise ValueError(f"expected an offset from -1 to 0, got {self.offset}")

    def _check_shapes(self) -> None:
        for name, dtype in ARRAY_DTYPES.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.ndim != 1 or not array.flags.c_contiguous:
                raise ValueError(
                    f"{name}: expected a flat {np.dtype(dtype)} array, got {array.dtype}{array.shape}"
                )
            if name != "tree_start" and array.size != self.feature.size:
                raise ValueError(f"{name}: expected {self.feature.size} nodes, got {array.size}")

    def _check_trees(self) -> None:
        if self.tree_start.size < 2:
            raise ValueError("tree_start: expected at least one tree")
        if self.tree_start[0] != 0 or self.tree_start[-1] != self.feature.size:
            raise ValueError("tree_start: expected to span all nodes")
        # Compared, not subtracted: a difference of crafted numbers can overflow to one that looks right.
        if np.any(self.tree_start[1:] <= self.tree_start[:-1]):
            raise ValueError("tree_start: expected at least one node in each tree")

    def _check_nodes(self) -> None:
        node = np.arange(self.feature.size)
        tree_end = np.repeat(self.tree_start[1:], np.diff(self.tree_start))
        leaf = self.feature == LEAF
        split = ~leaf
        if np.any(self.feature < LEAF) or np.any(self.feature >= self.n_features):
            raise ValueError(f"feature: expected {LEAF} to {self.n_features - 1}")
        for name, child in (("left", self.left), ("right", self.right)):
            # Children come after their parent, in the same tree: every walk ends in a leaf of that tree.
            if np.any(child[leaf] != LEAF) or np.any(child[split] <= node[split]):
                raise ValueError(f"{name}: expected each child after its parent")
            if np.any(child[split] >= tree_end[split]):
                raise ValueError(f"{name}: expected each child in its parent's tree")
        children = np.concatenate([self.left[split], self.right[split]])
        if np.unique(children).size != children.size:
            raise ValueError("left, right: expected each node to be the child of one other")
        if not np.all(np.isfinite(self.threshold)):
            raise ValueError("threshold: expected finite numbers")
        if not np.all(np.isfinite(self.path_length)) or np.any(self.path_length < 0):
            raise ValueError("path_length: expected finite numbers, none negative")


def average_path_length(n_samples: int) -> float:
    """Average path length of an unsuccessful search in a binary search tree: c(n) of the paper.

    The same operations as scikit-learn's, so the same bits.
    """
    if n_samples <= 1:
        return 0.0
    if n_samples == 2:
        return 1.0
    harmonic = np.log(np.array([n_samples - 1.0])) + np.euler_gamma
    return float((2.0 * harmonic - 2.0 * (n_samples - 1.0) / n_samples)[0])


def warm_up() -> None:
    """Compile what scores, or load it compiled, on the smallest forest."""
    leaf = np.full(1, LEAF, np.int32)
    forest = Forest(1, 1, 0.0, np.array([0, 1]), leaf, np.zeros(1), leaf, leaf, np.ones(1))
    for n_rows in (1, 100):
        forest.score(np.zeros((n_rows, 1)))
    kernel.any_beyond(np.zeros((1, 1)), 1.0)
    kernel.any_missing(np.zeros((1, 1)))
