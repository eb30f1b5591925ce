"""Guards: what sees the faults of single sensors, to which a forest is nearly blind."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import guard_kernel, reason_kernel
from vehicle_anomaly.core.contrast_trees import ContrastTrees
from vehicle_anomaly.core.expectation import CELLS, Expecting
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads

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

Told = tuple[int, int, int, bool, float, float, float]
"""Of a reason: row, code by number, feature (-1 for the reading as a whole), whether other features tell what
was to be expected, that, the limit, and the spread of what was to be expected, that of training where no
others tell; NaN for what there is none of."""

# Entries of reasons that are laid out at once.
_REASONS_AT_ONCE: Final = 1 << 16


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
        expecting: What says what the other features lead one to expect of each.

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
    expecting: Expecting = field(init=False, repr=False)

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
        # As kernels take them: to lay them out for each reading would cost more than to judge it.
        cells = np.stack([self.cell_value, self.cell_log_share]).reshape(2, n_guarded, CELLS)
        most = np.full(self.n_features, np.inf)
        most[self.trees.guarded] = self.contradiction_limit
        bounds = np.stack([self.lowest, self.highest, self.median, self.spread, most])
        expecting = Expecting.of(self.trees, bounds, cells)
        object.__setattr__(self, "expecting", expecting)

    @property
    def n_features(self) -> int:
        """Columns of what is judged."""
        return self.trees.n_features

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the flat arrays by name, those of the trees aside."""
        return {name: getattr(self, name) for name in ARRAY_DTYPES}

    def judge(
        self, X: NDArray[np.float64], scores: NDArray[np.float64], threads: ScoringThreads = THIS_THREAD
    ) -> NDArray[np.bool_]:
        """Tell for each reading whether there is any reason to call it an anomaly.

        Args:
            X: Shape (n_readings, n_features); NaN is a missing value.
            scores: Shape (n_readings,): what the forest gives.
            threads: Where it is done.

        Returns:
            Shape (n_readings,).
        """
        raised = np.empty(len(X), np.bool_)
        guard_kernel.alarms(
            np.ascontiguousarray(X, np.float64),
            scores,
            self.trees.guarded,
            self.trees.logits(X, threads),
            self.lowest,
            self.highest,
            self.always_there,
            self.contradiction_limit,
            self.isolation_limit,
            raised,
        )
        return raised

    def reasons(self, X: NDArray[np.float64], scores: NDArray[np.float64]) -> Iterator[Told]:
        """Give the reasons why readings are anomalies, reading by reading, the most telling first.

        What is out of range comes first, the farthest out before the others; then what is missing; then what
        contradicts the others; then the forest. One sensor at fault makes others look wrong, too: so the one
        that contradicts most is taken for missing, and the others are judged anew without it. A value that is
        out of range is taken for missing from the start.

        Args:
            X: Shape (n_readings, n_features); NaN is a missing value.
            scores: Shape (n_readings,): what the forest gives.
        """
        X = np.ascontiguousarray(X, np.float64)
        most = self.n_features + reason_kernel.MOST_CONTRADICTIONS + 1
        size = max(1, _REASONS_AT_ONCE // most)
        for first in range(0, len(X), size):
            rows = X[first : first + size]
            what, told = np.empty((len(rows) * most, 4), np.int64), np.empty((len(rows) * most, 3))
            count = reason_kernel.reasons(
                rows,
                scores[first : first + size],
                self.expecting,
                self.always_there,
                self.isolation_limit,
                what,
                told,
            )
            for (row, code, feature, by_others), of_it in zip(
                what[:count].tolist(), told[:count].tolist(), strict=True
            ):
                yield first + row, code, feature, bool(by_others), *of_it


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
    list(guards.reasons(np.zeros((1, 1)), np.zeros(1)))
