"""How the scores of healthy readings are distributed: what a percentile is looked up in."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

ARRAY_DTYPES: dict[str, type[np.generic]] = {"healthy_score": np.float64, "healthy_share": np.float64}
"""The flat arrays by name."""

_FINENESS: Final = 1.01
"""Where two shares that are kept are farther apart, they differ by this factor at most, or by `_STEP`."""
_STEP: Final = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class HealthyScores:
    """Shares of healthy readings that score lower.

    Attributes:
        healthy_score: Shape (n_kept,), float64: scores that readings had which were held out, ascending, no
            two alike.
        healthy_share: Shape (n_kept + 1,), float64: share of readings that score lower than the score at the
            same place and no lower than the one before; at the end, than what is higher than all.

    Raises:
        ValueError: The arrays are no such shares.
    """

    healthy_score: NDArray[np.float64]
    healthy_share: NDArray[np.float64]
    _lookup: tuple[list[float], list[float]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, dtype in ARRAY_DTYPES.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.ndim != 1 or not np.all(np.isfinite(array)):
                raise ValueError(f"{name}: expected finite {np.dtype(dtype)}")
        if self.healthy_score.size < 1 or np.any(self.healthy_score[1:] <= self.healthy_score[:-1]):
            raise ValueError("healthy_score: expected at least one score, ascending")
        if self.healthy_share.size != self.healthy_score.size + 1:
            raise ValueError("healthy_share: expected one more than there are scores")
        if self.healthy_share[0] < 0 or self.healthy_share[-1] > 1 or np.any(np.diff(self.healthy_share) < 0):
            raise ValueError("healthy_share: expected shares from 0 to 1, ascending")
        object.__setattr__(self, "_lookup", (self.healthy_score.tolist(), self.healthy_share.tolist()))

    @classmethod
    def of(cls, scores: NDArray[np.float64], weights: NDArray[np.float64]) -> Self:
        """Learn it.

        All scores are kept where each is a hundredth or more of what is below it: shares are exact among the
        lowest hundred readings, and else a hundredth of themselves or a thousandth too low at most.

        Args:
            scores: Shape (n_readings,): by what did not see the reading.
            weights: Shape (n_readings,): how much each counts, 0 to 1; not all 0.
        """
        ordered, group = np.unique(scores, return_inverse=True)
        up_to = np.cumsum(np.bincount(group, weights=weights))
        # Rounding must not take it beyond 1.
        share = np.minimum(up_to / up_to[-1], 1.0)
        least = float(share[share > 0][0])
        fine = np.geomspace(least, 0.1, 1 + int(np.log(max(0.1 / least, 1)) / np.log(_FINENESS)))
        wanted = np.concatenate([fine, np.arange(0.1, 1, _STEP), [share[-1]]])
        kept = np.unique(np.minimum(np.searchsorted(share, wanted), share.size - 1))
        return cls(ordered[kept], np.concatenate([[0.0], share[kept]]))

    def percentiles(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give each score the share of healthy readings that score lower, 0 to 1.

        Args:
            scores: Shape (n_readings,).
        """
        return self.healthy_share[self.healthy_score.searchsorted(scores)]

    def percentile(self, score: float) -> float:
        """Give one score what `percentiles` gives it, sooner."""
        scores, shares = self._lookup
        return shares[bisect_left(scores, score)]

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the flat arrays by name."""
        return {name: getattr(self, name) for name in ARRAY_DTYPES}
