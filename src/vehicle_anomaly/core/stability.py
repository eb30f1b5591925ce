"""What changed from one batch to the next: the population stability index of each feature.

The index is that of credit scoring (Siddiqi, Credit Risk Scorecards, 2006), on bins between the deciles of
the batch before and one more for what is missing. Without any change it is, for independent readings,
distributed as chi-squared times the sum of the reciprocal sample sizes (Yurdakul and Naranjo, 2020).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from vehicle_anomaly.core.feature_summary import FeatureSummary

Reading = Literal["stable", "shifted", "changed"]

SHIFTED: Final = 0.1
CHANGED: Final = 0.25
"""The usual bounds: below 0.1 nothing to see to, above 0.25 another population."""

_SMALLEST_SHARE: Final = 1e-4
_NORMAL_95: Final = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class FeatureStability:
    """How much the readings of one feature differ from those of the version before.

    Attributes:
        feature: Its name, or its position.
        psi: Population stability index, 0 or more.
        by_chance: What it stays under 95 times in 100 if nothing changed, for independent readings; readings
            that follow one another closely differ by chance more than this.
        reading: `stable` (below 0.1, or not above `by_chance`), `shifted`, or `changed` (above 0.25).
        median_before: In the version before.
        missing_share_before: In the version before.
        cuts: What the bins end in, ascending; after the last comes one more, without an end.
        shares_before: Share of the values that were there in each of the bins, in the version before.
        shares_now: The same, now.
    """

    feature: int | str
    psi: float
    by_chance: float
    reading: Reading
    median_before: float
    missing_share_before: float
    cuts: tuple[float, ...]
    shares_before: tuple[float, ...]
    shares_now: tuple[float, ...]

    def __post_init__(self) -> None:
        if not (0 <= self.psi < math.inf and 0 <= self.by_chance < math.inf):
            raise ValueError("expected finite numbers of 0 or more")
        if not len(self.cuts) + 1 == len(self.shares_before) == len(self.shares_now):
            raise ValueError("expected one share more than cuts")


@dataclass(frozen=True, slots=True)
class Change:
    """What changed against the version before.

    Attributes:
        since_version: The version that was the latest when this one was trained.
        features: Those that both versions have.
        added: Features that the version before does not have.
        removed: Features that only the version before has.
    """

    since_version: str
    features: tuple[FeatureStability, ...]
    added: tuple[int | str, ...]
    removed: tuple[int | str, ...]


def stability(
    before: FeatureSummary, now: FeatureSummary, shares_now: tuple[float, ...], n_before: int, n_now: int
) -> FeatureStability:
    """Compare one feature.

    Args:
        before: In the version before.
        now: Now.
        shares_now: Share of the values now in each bin of the version before.
        n_before: Readings that the shares before were taken from.
        n_now: Readings that the shares now were taken from.
    """
    shares = np.array([_with_missing(before, before.shares), _with_missing(now, shares_now)])
    # A bin without readings says no more than that they are fewer than one.
    shares = np.maximum(shares, max(_SMALLEST_SHARE, 0.5 / min(n_before, n_now)))
    psi = float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))
    n_bins = np.count_nonzero(np.array([_with_missing(before, before.shares)]))
    by_chance = _chi_squared_95(int(n_bins) - 1) * (1 / n_before + 1 / n_now)
    return FeatureStability(
        feature=now.feature,
        psi=max(psi, 0.0),
        by_chance=by_chance,
        reading=_reading(psi, by_chance),
        median_before=before.median,
        missing_share_before=before.missing_share,
        cuts=before.cuts,
        shares_before=before.shares,
        shares_now=shares_now,
    )


def _with_missing(summary: FeatureSummary, shares: Sequence[float]) -> list[float]:
    return [share * (1 - summary.missing_share) for share in shares] + [summary.missing_share]


def _reading(psi: float, by_chance: float) -> Reading:
    if psi < SHIFTED or psi <= by_chance:
        return "stable"
    return "shifted" if psi <= CHANGED else "changed"


def _chi_squared_95(degrees: int) -> float:
    """Return the 95 % quantile of chi-squared (Wilson and Hilferty, 1931; off by 3 % at one degree)."""
    if degrees < 1:
        return 0.0
    term = 2 / (9 * degrees)
    return float(degrees * (1 - term + _NORMAL_95 * math.sqrt(term)) ** 3)
