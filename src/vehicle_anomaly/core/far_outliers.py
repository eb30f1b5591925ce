"""Values so far from all others that they may stand for no value, such as 65535."""

from dataclasses import dataclass
from typing import Final

from vehicle_anomaly.core.feature_summary import QUANTILE_LEVELS, FeatureSummary

FAR: Final = 10.0
"""How many times the distance between two quantiles a value lies beyond the nearer one."""

# What has no more values may be a state, and a rare one is no flaw.
_STATES: Final = 32
# Of the bars of a histogram: so many next to the last one are empty where a gap lies between it and the rest.
_GAP: Final = 0.5


@dataclass(frozen=True, slots=True)
class FarOutlier:
    """A value far from the others.

    Attributes:
        value: It.
        share: Of the values, those that lie from `low` to `high`, 0 to 1.
        low: A low quantile of them.
        high: A high quantile.
    """

    value: float
    share: float
    low: float
    high: float


def far_outlier(each: FeatureSummary) -> FarOutlier | None:
    """Find what lies far from the others; None where nothing does.

    A few values are found beyond the 1 % and the 99 % quantile. Beyond a hundredth of all they are those
    quantiles themselves, and are found beyond the 5 % and the 95 % quantile. So are long tails and valves
    that seldom open, which are no flaw: hence it is one value, again and again, with a gap before it.
    """
    return _beyond(each, 0.01, [each.minimum, each.maximum]) or _beyond(each, 0.05, _repeated(each))


def _repeated(each: FeatureSummary) -> list[float]:
    """Return which of the 1 % and the 99 % quantile is one value, again and again, with a gap before it."""
    if each.distinct <= _STATES:
        return []
    counts, (low, high) = each.histogram.counts, _quantiles(each, 0.01)
    found = []
    # The histogram ends at the 0.5 % and the 99.5 % quantile: where that is the same, so is all between.
    if low == each.histogram.low and _has_gap(counts):
        found.append(low)
    if high == each.histogram.high and _has_gap(counts[::-1]):
        found.append(high)
    return found


def _has_gap(counts: tuple[int, ...]) -> bool:
    """Say whether many bars after the first one are empty."""
    return not any(counts[1 : 1 + int(_GAP * len(counts))])


def _beyond(each: FeatureSummary, level: float, values: list[float]) -> FarOutlier | None:
    """Return the farthest of some values that lie far beyond the quantiles at a level and its opposite."""
    low, high = _quantiles(each, level)
    spread = high - low
    if not spread or not values:
        return None
    away, value = max((max(low - value, value - high) / spread, value) for value in values)
    return FarOutlier(value, 1 - 2 * level, low, high) if away > FAR else None


def _quantiles(each: FeatureSummary, level: float) -> tuple[float, float]:
    at = QUANTILE_LEVELS.index(level)
    return each.quantiles[at], each.quantiles[-1 - at]
