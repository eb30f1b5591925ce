"""How long something takes, on a noisy machine."""

from collections.abc import Callable
from statistics import median
from time import perf_counter, thread_time

from tests.benchmarks.measure import Sample


def times(work: Callable[[], object], *, repeats: int, calls: int = 1) -> Sample:
    """Return how many seconds one call takes.

    Args:
        work: What is timed; called once before, unmeasured.
        repeats: Measurements, which make the sample.
        calls: Calls in one measurement.
    """
    work()
    return Sample.of([_once(work, calls) for _ in range(repeats)])


def side_by_side(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    repeats: int,
    calls: int = 1,
    their_calls: int | None = None,
) -> tuple[Sample, Sample]:
    """Time two things in turn, so that what disturbs the machine disturbs both.

    Returns:
        Seconds a call: ours, theirs.
    """
    ours()
    theirs()
    pairs = [(_once(ours, calls), _once(theirs, their_calls or calls)) for _ in range(repeats)]
    return Sample.of([one for one, _ in pairs]), Sample.of([other for _, other in pairs])


def processor_times(work: Callable[[], object], *, repeats: int) -> Sample:
    """Return how many seconds of the processor one call takes in this thread: less disturbed than a clock."""
    work()
    return Sample.of([_once(work, 1, thread_time) for _ in range(repeats)])


def seconds(work: Callable[[], object], *, repeats: int, calls: int = 1) -> float:
    """Return the median of `times`."""
    work()
    return median(_once(work, calls) for _ in range(repeats))


def _once(work: Callable[[], object], calls: int, clock: Callable[[], float] = perf_counter) -> float:
    began = clock()
    for _ in range(calls):
        work()
    return (clock() - began) / calls
