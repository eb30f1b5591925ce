"""The numbers of one sentence, with as many digits as it takes to tell them apart, and no more."""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

# Significant digits: the fewest that are written, and so many that each float has a text of its own.
_FEWEST: Final = 4
_MOST: Final = 17
# Between these, digits are read more easily than powers of ten; seconds since 1970 are below the second.
_PLAIN_FROM: Final = 1e-4
_PLAIN_BELOW: Final = 1e10
# Between these, `%.4g` is plain, and tells what is two thousandths apart.
_SHORT_BELOW: Final = 9999.5
_SHORT_STEP: Final = 2e-3
# What has more characters was computed or converted, as `19.370000001` was, rather than sent.
_LONGEST_SENT: Final = 10
_LOG_OF_TWO: Final = math.log10(2)


def told_apart(first: float | None, *others: float) -> list[str]:
    """Write numbers so that those that differ look different, and stand in the same order.

    Args:
        first: Written as it was sent where that is short, and else as others are; None as nothing.
        others: Written as briefly as goes.
    """
    if first is None:
        step = smallest_step(others)
        return ["", *[rounded(each, step) for each in others]]
    step = smallest_step((first, *others))
    # Plus zero: what is -0.0 becomes 0.0, and all else stays.
    text = repr(float(first + 0.0))
    sent = text.removesuffix(".0") if len(text) <= _LONGEST_SENT else rounded(first, step)
    return [sent, *[rounded(each, step) for each in others]]


def smallest_step(numbers: Iterable[float]) -> float:
    """Return the smallest difference between numbers that differ; infinity where none do."""
    smallest = math.inf
    for low, high in pairwise(sorted(numbers)):
        if low < high and high - low < smallest:
            smallest = high - low
    return smallest


def rounded(number: float, step: float, group: str = "") -> str:
    """Write a number with four significant digits, or more where it takes them to see a step.

    Args:
        number: Finite.
        step: A difference that is to be seen; infinity for none.
        group: What stands between thousands.
    """
    size = abs(number)
    if _PLAIN_FROM <= size < _SHORT_BELOW and step >= _SHORT_STEP * size and not group:
        # Most are such, and this takes a third of the time.
        return f"{number:.4g}"
    if not size:
        # A zero has no sign.
        return "0"
    exponent = math.floor(math.log10(size))
    digits = _FEWEST
    if step < math.inf:
        # Rounded to half a step or finer, so that two numbers that far apart cannot meet in the middle.
        unit = math.floor(math.log10(step) - _LOG_OF_TWO)
        digits = min(max(digits, exponent + 1 - unit), _MOST)
    if not _PLAIN_FROM <= size < _PLAIN_BELOW:
        return f"{number:.{digits}g}"
    decimals = digits - 1 - exponent
    if decimals <= 0:
        return f"{number:{group}.0f}"
    return f"{number:{group}.{decimals}f}".rstrip("0").rstrip(".")
