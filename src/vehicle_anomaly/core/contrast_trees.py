"""Boosted trees that say how much the value of one sensor contradicts the others, as flat arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import guard_kernel
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads

MAX_DEPTH = 8
MAX_TREES = 8192
"""Five times as many as are ever grown: what is laid out of them for one reading grows with their square."""

ARRAY_DTYPES: dict[str, type[np.generic]] = {
    "guarded": np.int32,
    "tree_start": np.int64,
    "split_feature": np.int32,
    "split_threshold": np.float32,
    "leaf": np.float32,
}
"""The flat arrays by name."""


@dataclass(frozen=True, slots=True, eq=False)
class ContrastTrees:
    """For each guarded feature, trees that tell a real value from a contrast, all else being as it is.

    What they say is the logarithm of how many times likelier a reading is as a contrast than as a real one
    (noise-contrastive estimation; Gutmann and Hyvärinen 2010): the higher, the more the value contradicts
    what the other features say.

    Attributes:
        n_features: Columns of a reading.
        depth: Levels of each tree, 1 to `MAX_DEPTH`.
        guarded: Shape (n_guarded,), int32: the features, ascending.
        tree_start: Shape (n_guarded + 1,), int64: trees of the g-th guarded feature are
            `tree_start[g]:tree_start[g + 1]`.
        split_feature: Shape (n_trees * depth,), int32: what each level of a tree compares.
        split_threshold: Shape (n_trees * depth,), float32: a value beyond it sets the level's bit.
        leaf: Shape (n_trees * 2**depth,), float32.

    Raises:
        ValueError: The arrays are no such trees: walking them could leave them.
    """

    n_features: int
    depth: int
    guarded: NDArray[np.int32]
    tree_start: NDArray[np.int64]
    split_feature: NDArray[np.int32]
    split_threshold: NDArray[np.float32]
    leaf: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name, dtype in ARRAY_DTYPES.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.ndim != 1 or not array.flags.c_contiguous:
                raise ValueError(
                    f"{name}: expected a flat {np.dtype(dtype)} array, got {array.dtype}{array.shape}"
                )
        if not 1 <= self.depth <= MAX_DEPTH:
            raise ValueError(f"depth: expected 1 to {MAX_DEPTH}, got {self.depth}")
        inside = (self.guarded >= 0) & (self.guarded < self.n_features)
        # Compared, not subtracted: a difference of crafted numbers can overflow to one that looks right.
        if not np.all(inside) or np.any(self.guarded[1:] <= self.guarded[:-1]):
            raise ValueError(f"guarded: expected features 0 to {self.n_features - 1}, ascending")
        if self.tree_start.size != self.guarded.size + 1 or self.tree_start[0] != 0:
            raise ValueError("tree_start: expected the first tree of each guarded feature, and their number")
        if np.any(self.tree_start[1:] < self.tree_start[:-1]):
            raise ValueError("tree_start: expected it to ascend")
        n_trees = int(self.tree_start[-1])
        if n_trees > MAX_TREES:
            raise ValueError(f"tree_start: expected at most {MAX_TREES} trees, got {n_trees}")
        if (
            self.split_feature.size != n_trees * self.depth
            or self.split_threshold.size != n_trees * self.depth
        ):
            raise ValueError(
                f"split_feature, split_threshold: expected {self.depth} for each of {n_trees} trees"
            )
        if self.leaf.size != n_trees << self.depth:
            raise ValueError(f"leaf: expected {1 << self.depth} for each of {n_trees} trees")
        if np.any(self.split_feature < 0) or np.any(self.split_feature >= self.n_features):
            raise ValueError(f"split_feature: expected 0 to {self.n_features - 1}")
        if not np.all(np.isfinite(self.split_threshold)) or not np.all(np.isfinite(self.leaf)):
            raise ValueError("split_threshold, leaf: expected finite numbers")

    @property
    def n_trees(self) -> int:
        """How many trees there are."""
        return int(self.tree_start[-1])

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the flat arrays by name."""
        return {name: getattr(self, name) for name in ARRAY_DTYPES}

    def logits(self, X: NDArray[np.float64], threads: ScoringThreads = THIS_THREAD) -> NDArray[np.float32]:
        """Say of each value how much it contradicts the others of its reading.

        Args:
            X: Shape (n_readings, n_features); NaN is a missing value.
            threads: Where it is said.

        Returns:
            Shape (n_readings, n_guarded): log-odds of a contrast; what it says of a missing value means
            nothing.
        """
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(f"expected {self.n_features} columns, got an array of shape {X.shape}")
        rows = np.ascontiguousarray(X, dtype=np.float32)
        said = np.zeros((len(rows), self.guarded.size), np.float32)
        splits = self.splits()

        def say_part(part: slice) -> None:
            guard_kernel.add_logits(rows[part], self.tree_start, *splits, said[part])

        threads.share(len(rows), say_part)
        return said

    def splits(self) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
        """Return what each level compares, with what, and the leaves: a row a tree, as kernels take them."""
        return (
            self.split_feature.reshape(-1, self.depth),
            self.split_threshold.reshape(-1, self.depth),
            self.leaf.reshape(-1, 1 << self.depth),
        )
