"""Numbers as people read them."""

import math


def number(value: float) -> str:
    """Write a number with four significant digits, and no more zeros than it needs."""
    if value == 0:
        return "0"
    size = abs(value)
    if not 1e-3 <= size < 1e7:
        return f"{value:.3g}"
    decimals = max(0, 3 - math.floor(math.log10(size)))
    written = f"{value:,.{decimals}f}"
    return written.rstrip("0").rstrip(".") if decimals else written


def percent(share: float) -> str:
    """Write a share as a percentage; what is neither none nor all is not written as if it were."""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    if share < 0.0005:
        return "< 0.1 %"
    if share > 0.9995:
        return "> 99.9 %"
    return f"{100 * share:.1f} %"
