"""Trees laid out for speed: padded to perfect binary trees, without pointers."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import kernel

# A tree of 2**depth leaves. scikit-learn's default of 256 samples gives a depth of 8 at most; far beyond it
# padding costs more than it saves.
_MAX_DEPTH = 10
# Bounds the memory that a stored model can make this process take: 16 bytes a node.
_MAX_NODES = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class PaddedTrees:
    """What `kernel.descend` descends.

    Attributes:
        feature: Shape (n_trees, 2**depth - 1), int32.
        threshold: Shape (n_trees, 2**depth - 1), float32.
        path_length: Shape (n_trees, 2**depth), float64.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    path_length: NDArray[np.float64]

    @classmethod
    def of(  # noqa: PLR0913, PLR0917  # the arrays of a forest
        cls,
        tree_start: NDArray[np.int64],
        feature: NDArray[np.int32],
        threshold: NDArray[np.float64],
        left: NDArray[np.int32],
        right: NDArray[np.int32],
        path_length: NDArray[np.float64],
    ) -> Self | None:
        """Pad trees; return None when they are too deep or too many for it.

        Args:
            tree_start: As for `kernel.walk`, and checked; so are the others.
            feature: Feature of each split.
            threshold: Threshold of each split.
            left: Left child of each split.
            right: Right child of each split.
            path_length: Path length of each leaf.
        """
        depth = kernel.deepest(feature, left, right)
        n_trees = tree_start.size - 1
        if depth > _MAX_DEPTH or n_trees << depth > _MAX_NODES:
            return None
        n_splits = (1 << depth) - 1
        padded = cls(
            np.empty((n_trees, n_splits), np.int32),
            np.empty((n_trees, n_splits), np.float32),
            np.empty((n_trees, n_splits + 1), np.float64),
        )
        below = _rounded_down(threshold)
        kernel.pad(
            tree_start,
            feature,
            below,
            left,
            right,
            path_length,
            depth,
            padded.feature,
            padded.threshold,
            padded.path_length,
        )
        return padded

    def add_path_lengths(self, X: NDArray[np.float32], total: NDArray[np.float64]) -> None:
        """Add to `total`, in place, each row's path length through every tree.

        Args:
            X: Shape (n_readings, n_features), C-contiguous, no NaN.
            total: Shape (n_readings,).
        """
        kernel.descend(X, self.feature, self.threshold, self.path_length, total)


def _rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round to float32, never up: a float32 is `<=` the result if and only if it is `<=` the threshold."""
    # A threshold beyond float32 overflows to an infinity, which compares as it should; so does the one below
    # the lowest float32, and is not taken.
    with np.errstate(over="ignore"):
        nearest = threshold.astype(np.float32)
        return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)
