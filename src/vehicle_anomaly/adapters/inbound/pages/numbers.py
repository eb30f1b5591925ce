"""Numbers as people read them."""

import math
from collections.abc import Iterable

from vehicle_anomaly.core.told_apart import rounded


def number(value: float) -> str:
    """Write a number with four significant digits, and no more zeros than it needs."""
    return rounded(value, math.inf, ",")


def numbers(values: Iterable[float], spread: float) -> list[str]:
    """Write numbers that are compared with each other, so that a fiftieth of their spread can be seen."""
    # Not the smallest step between them: of quantiles that nearly meet, that would take all digits.
    return [rounded(each, spread / 50 or math.inf, ",") for each in values]


def percent(share: float) -> str:
    """Write a share as a percentage; what is neither none nor all is not written as if it were."""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    if share < 0.0005:
        return "< 0.1 %"
    if share > 0.9995:
        return "> 99.9 %"
    return f"{100 * share:.1f} %"
