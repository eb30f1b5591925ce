"""Counts in bins of one width."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values lie where.

    Attributes:
        low: Where the first bin begins.
        high: Where the last bin ends; the bins between are of one width.
        counts: Values in each bin; the first and the last also have what lies beyond them.
    """

    low: float
    high: float
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"expected finite numbers in order, got {self.low} and {self.high}")
        if not self.counts or min(self.counts) < 0:
            raise ValueError("counts: expected at least one bin, and none below 0")

    @classmethod
    def of(cls, ordered: NDArray[np.float64], low: float, high: float, n_bins: int) -> "Histogram":
        """Count values.

        Args:
            ordered: Ascending, no NaN.
            low: Where the first bin begins.
            high: Where the last one ends; where it equals `low`, there is one bin.
            n_bins: Bins.
        """
        if not low < high:
            return cls(low, high, (len(ordered),))
        # Of halves: the difference of two floats can be none.
        inner = 2.0 * (np.linspace(low / 2, high / 2, n_bins + 1)[1:-1])
        upto = np.concatenate([[0], np.searchsorted(ordered, inner, side="right"), [len(ordered)]])
        return cls(low, high, tuple(np.diff(upto).tolist()))
