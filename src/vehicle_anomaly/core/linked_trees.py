"""Trees laid out for speed: siblings side by side, leaves that are their own children."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import kernel

Place = Callable[[Mapping[str, NDArray[Any]]], Mapping[str, NDArray[Any]]]
"""Takes arrays by name and returns equal ones, wherever they lie."""

# As `kernel.follow_many` unrolls them.
_TOP_LEVELS: Final = 3
# From here a block of rows costs less than its rows one by one.
_MANY: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class LinkedTrees:
    """What `kernel.follow_few` and `kernel.follow_many` follow: 18 bytes a node, whatever the trees' shape.

    Attributes:
        tree_start: Shape (n_trees + 1,), int64.
        depth: Shape (n_trees,), int64.
        feature: Shape (n_nodes,), uint16.
        threshold: Shape (n_nodes,), float32.
        left: Shape (n_nodes,), uint32.
        path_length: Shape (n_nodes,), float64.
        top_feature: Shape (n_trees, 7), uint16: of the splits of the first three levels.
        top_threshold: Shape (n_trees, 7), float32.
        below_top: Shape (n_trees, 8), uint32: the nodes below them.
    """

    tree_start: NDArray[np.int64]
    depth: NDArray[np.int64]
    feature: NDArray[np.uint16]
    threshold: NDArray[np.float32]
    left: NDArray[np.uint32]
    path_length: NDArray[np.float64]
    top_feature: NDArray[np.uint16] = field(init=False)
    top_threshold: NDArray[np.float32] = field(init=False)
    below_top: NDArray[np.uint32] = field(init=False)

    @classmethod
    def of(  # noqa: PLR0913, PLR0917  # the arrays of a forest
        cls,
        tree_start: NDArray[np.int64],
        feature: NDArray[np.int32],
        threshold: NDArray[np.float64],
        left: NDArray[np.int32],
        right: NDArray[np.int32],
        path_length: NDArray[np.float64],
    ) -> Self:
        """Link the trees of a forest.

        Args:
            tree_start: Shape (n_trees + 1,): the nodes of tree t are `tree_start[t]:tree_start[t + 1]`, each
                but the first the child of one other; checked, and so are the others.
            feature: Feature of each split; -1 for a leaf.
            threshold: Threshold of each split.
            left: Left child of each split.
            right: Right child of each split.
            path_length: Path length of each leaf.
        """
        n_trees, n_nodes = tree_start.size - 1, feature.size
        linked = cls(
            tree_start.copy(),
            np.zeros(n_trees, np.int64),
            np.empty(n_nodes, np.uint16),
            np.empty(n_nodes, np.float32),
            np.empty(n_nodes, np.uint32),
            np.empty(n_nodes, np.float64),
        )
        kernel.link(
            tree_start,
            feature,
            _rounded_down(threshold),
            left,
            right,
            path_length,
            linked.depth,
            linked.feature,
            linked.threshold,
            linked.left,
            linked.path_length,
        )
        linked._take_top()
        return linked

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def path_lengths(self, X: NDArray[np.float64], medians: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum each row's path lengths through every tree.

        Args:
            X: Shape (n_readings, n_features); NaN is a missing value.
            medians: Shape (n_features,), float64: what stands in for missing values.

        Returns:
            Shape (n_readings,).
        """
        total = np.empty(X.shape[0])
        if X.dtype != np.float64 or not X.flags.carray:
            # Any other layout would have the kernel compiled anew, in the middle of a request.
            X = np.array(X, np.float64, order="C")
        if X.shape[0] < _MANY:
            kernel.follow_few(
                X,
                medians,
                self.tree_start,
                self.depth,
                self.feature,
                self.threshold,
                self.left,
                self.path_length,
                total,
            )
        else:
            kernel.follow_many(
                X,
                medians,
                self.top_feature,
                self.top_threshold,
                self.below_top,
                self.depth,
                self.feature,
                self.threshold,
                self.left,
                self.path_length,
                total,
            )
        return total

    def _take_top(self) -> None:
        nodes = self.tree_start[:-1, None].astype(np.uint32)
        feature, threshold = [], []
        for _ in range(_TOP_LEVELS):
            feature.append(self.feature[nodes])
            threshold.append(self.threshold[nodes])
            left = self.left[nodes]
            # A leaf is its own child, on both sides.
            right = np.where(left == nodes, left, left + np.uint32(1))
            nodes = np.stack([left, right], axis=2).reshape(len(nodes), -1)
        object.__setattr__(self, "top_feature", np.concatenate(feature, axis=1))
        object.__setattr__(self, "top_threshold", np.concatenate(threshold, axis=1))
        object.__setattr__(self, "below_top", np.ascontiguousarray(nodes))


Holder = TypeVar("Holder")


def with_arrays(holder: Holder, arrays: Mapping[str, NDArray[Any]]) -> Holder:
    """Return what holds arrays with equal ones in their stead; they are not checked again."""
    other = copy(holder)
    for name, array in arrays.items():
        object.__setattr__(other, name, array)
    return other


def _rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round to float32, never up: a float32 is `<=` the result if and only if it is `<=` the threshold."""
    # A threshold beyond float32 overflows to an infinity, which compares as it should; so does the one below
    # the lowest float32, and is not taken.
    with np.errstate(over="ignore"):
        nearest = threshold.astype(np.float32)
        return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)
