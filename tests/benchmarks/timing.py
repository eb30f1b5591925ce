"""How long something takes, on a noisy machine."""

from collections.abc import Callable
from statistics import median
from time import perf_counter


def seconds(work: Callable[[], object], *, repeats: int, calls: int = 1) -> float:
    """Return the median time of one call.

    Args:
        work: What is timed; called once before, unmeasured.
        repeats: Measurements, of which the median is taken.
        calls: Calls in one measurement.
    """
    work()
    measured = []
    for _ in range(repeats):
        began = perf_counter()
        for _ in range(calls):
            work()
        measured.append((perf_counter() - began) / calls)
    return median(measured)
