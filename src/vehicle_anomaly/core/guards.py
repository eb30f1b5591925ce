"""Guards: what sees the faults of single sensors, to which a forest is nearly blind."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import guard_kernel
from vehicle_anomaly.core.contrast_trees import ContrastTrees
from vehicle_anomaly.core.expectation import CELLS, Expected

ARRAY_DTYPES: dict[str, type[np.generic]] = {
    "lowest": np.float64,
    "highest": np.float64,
    "median": np.float64,
    "spread": np.float64,
    "always_there": np.uint8,
    "contradiction_limit": np.float32,
    "cell_value": np.float32,
    "cell_log_share": np.float32,
}
"""The flat arrays by name, those of the trees aside."""

MAX_CONTRADICTIONS: Final = 3
"""Sensors of one reading that are said to contradict the others at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Contradictions:
    """Sensors that contradict the others.

    Attributes:
        place: Shape (n_readings, MAX_CONTRADICTIONS), int64: places in `trees.guarded`, the one most likely
            at fault first; -1 for none.
        expected: Shape as `place`: what was to be expected of each.
        limit: Shape as `place`: of the values that would not contradict the others, the one next to what was
            read; NaN where all do.
    """

    place: NDArray[np.int64]
    expected: NDArray[np.float64]
    limit: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Guards:
    """What a healthy reading keeps to, and limits that healthy readings seldom exceed.

    Attributes:
        trees: What says how much a value contradicts the others.
        isolation_limit: Anomaly score below which the forest is a reason.
        lowest: Shape (n_features,), float64: a lower value is out of range.
        highest: Shape (n_features,), float64: a higher value is out of range.
        median: Shape (n_features,), float64: of training.
        spread: Shape (n_features,), float64: half the range of the middle 68 % of training.
        always_there: Shape (n_features,), uint8: 1 where a missing value is a reason.
        contradiction_limit: Shape (n_guarded,), float32: log-odds beyond which a value contradicts the
            others.
        cell_value: Shape (n_guarded * CELLS,), float32: values that a feature may have, ascending, for
            `expected`.
        cell_log_share: Shape (n_guarded * CELLS,), float32: logarithm of the share of contrasts near each.

    Raises:
        ValueError: The arrays are no guards.
    """

    trees: ContrastTrees
    isolation_limit: float
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    median: NDArray[np.float64]
    spread: NDArray[np.float64]
    always_there: NDArray[np.uint8]
    contradiction_limit: NDArray[np.float32]
    cell_value: NDArray[np.float32]
    cell_log_share: NDArray[np.float32]

    def __post_init__(self) -> None:
        n_guarded = self.trees.guarded.size
        sizes = dict.fromkeys(ARRAY_DTYPES, self.trees.n_features)
        sizes["contradiction_limit"] = n_guarded
        sizes["cell_value"] = sizes["cell_log_share"] = n_guarded * CELLS
        for name, dtype in ARRAY_DTYPES.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.shape != (sizes[name],) or not array.flags.c_contiguous:
                raise ValueError(
                    f"{name}: expected {sizes[name]} {np.dtype(dtype)}, got {array.dtype}{array.shape}"
                )
            if not np.all(np.isfinite(array)):
                raise ValueError(f"{name}: expected finite numbers")
        if np.any(self.lowest > self.highest):
            raise ValueError("lowest: expected none above highest")
        if np.any(self.always_there > 1):
            raise ValueError("always_there: expected 0 or 1")
        if np.any(self.spread < 0):
            raise ValueError("spread: expected none negative")
        if np.any(np.diff(self.cell_value.reshape(n_guarded, CELLS), axis=1) < 0):
            raise ValueError("cell_value: expected those of each feature to ascend")
        if not np.isfinite(self.isolation_limit):
            raise ValueError(f"isolation_limit: expected a finite number, got {self.isolation_limit}")

    @property
    def n_features(self) -> int:
        """Columns of what is judged."""
        return self.trees.n_features

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the flat arrays by name, those of the trees aside."""
        return {name: getattr(self, name) for name in ARRAY_DTYPES}

    def judge(self, X: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell for each reading whether there is any reason to call it an anomaly.

        Args:
            X: Shape (n_readings, n_features); NaN is a missing value.
            scores: Shape (n_readings,): what the forest gives.

        Returns:
            Shape (n_readings,).
        """
        raised = np.empty(len(X), np.bool_)
        guard_kernel.alarms(
            np.ascontiguousarray(X, np.float64),
            scores,
            self.trees.guarded,
            self.trees.logits(X),
            self.lowest,
            self.highest,
            self.always_there,
            self.contradiction_limit,
            self.isolation_limit,
            raised,
        )
        return raised

    def out_of_range(self, X: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which values are out of range.

        Args:
            X: Shape (n_readings, n_features); NaN is a missing value.

        Returns:
            Shape as `X`.
        """
        return np.less(X, self.lowest) | np.greater(X, self.highest)

    def beyond_range(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Say how far values are beyond their range, as a share of it; negative inside.

        Args:
            X: Shape (n_readings, n_features); NaN is a missing value.

        Returns:
            Shape as `X`.
        """
        smallest = np.finfo(np.float64).tiny
        return np.maximum(self.lowest - X, X - self.highest) / np.maximum(
            self.highest - self.lowest, smallest
        )

    def contradictions(self, X: NDArray[np.float64]) -> Contradictions:
        """Name the sensors that contradict the others, the one most likely at fault first.

        One sensor at fault makes others look wrong, too. So the one that contradicts most is taken for
        missing, and the others are judged anew without it. A value that is out of range is taken for missing
        from the start: it is a reason of its own.

        Args:
            X: Shape (n_readings, n_features); NaN is a missing value.
        """
        named = np.empty((len(X), MAX_CONTRADICTIONS), np.int64)
        told = np.full((len(X), MAX_CONTRADICTIONS, 4), np.nan)
        guard_kernel.contradictions(
            self._in_range(X),
            self.trees.guarded,
            self.trees.tree_start,
            *self.trees.splits(),
            *self._cells(),
            self.contradiction_limit,
            named,
            told,
        )
        return Contradictions(named, told[..., 0], told[..., 3])

    def expected(self, X: NDArray[np.float64]) -> Expected:
        """Say what the other features lead one to expect of each feature, without its own value.

        Args:
            X: Shape (n_readings, n_features); NaN is a missing value.

        Returns:
            Arrays of shape (n_readings, n_features): the training median and spread where nothing is known of
            how a feature depends on others.
        """
        value, spread = np.tile(self.median, (len(X), 1)), np.tile(self.spread, (len(X), 1))
        for place, feature in enumerate(self.trees.guarded.tolist()):
            told = self.expected_of(X, place)
            value[:, feature], spread[:, feature] = told.value, told.spread
        return Expected(value, spread)

    def expected_of(self, X: NDArray[np.float64], place: int) -> Expected:
        """Say it of one guarded feature.

        Args:
            X: Shape (n_readings, n_features).
            place: Of the feature in `trees.guarded`.

        Returns:
            Arrays of shape (n_readings,).
        """
        told = np.empty((len(X), 4))
        values, shares = (cells[place] for cells in self._cells())
        trees, feature = self.trees.tree_start[place : place + 2], int(self.trees.guarded[place])
        limit = self.contradiction_limit[place]
        for row, of_row in zip(self._in_range(X), told, strict=True):
            guard_kernel.expect(row, feature, trees, *self.trees.splits(), values, shares, limit, of_row)
        return Expected(told[:, 0], (told[:, 2] - told[:, 1]) / 2)

    def _in_range(self, X: NDArray[np.float64]) -> NDArray[np.float32]:
        """Take what is out of range for missing: it says nothing of the others."""
        return np.where(self.out_of_range(X), np.nan, X).astype(np.float32)

    def _cells(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.cell_value.reshape(-1, CELLS), self.cell_log_share.reshape(-1, CELLS)


def warm_up() -> None:
    """Compile what judges, or load it compiled, on the smallest guards."""
    trees = ContrastTrees(
        n_features=1,
        depth=1,
        guarded=np.zeros(1, np.int32),
        tree_start=np.array([0, 1]),
        split_feature=np.zeros(1, np.int32),
        split_threshold=np.zeros(1, np.float32),
        leaf=np.zeros(2, np.float32),
    )
    one, zeros = np.ones(1), np.zeros(CELLS, np.float32)
    # One that is exceeded, so that all is compiled.
    limit = -np.ones(1, np.float32)
    guards = Guards(trees, 0.0, -one, one, one, one, np.zeros(1, np.uint8), limit, zeros, zeros)
    guards.judge(np.zeros((1, 1)), np.zeros(1))
    guards.contradictions(np.zeros((1, 1)))
    guards.expected(np.zeros((1, 1)))
