"""Whether what a process holds stays the same, judged by medians: a moment's peak is no leak."""

from collections.abc import Sequence
from statistics import median

from tests.robustness.process_memory import Held


def growth(samples: Sequence[Held], limits: Held) -> list[str]:
    """Return what grew, in words; empty where all is flat.

    Of a steady leak, two thirds of all that leaked while the samples were taken lie between the two medians.

    Args:
        samples: What a process held, at even intervals, after it had warmed up; at least 30.
        limits: By how much the median of the last third may be above that of the first.
    """
    third = len(samples) // 3
    assert third >= 10, f"only {len(samples)} samples"
    grown = []
    for field, limit in zip(Held._fields, limits, strict=True):
        before = median(getattr(sample, field) for sample in samples[:third])
        after = median(getattr(sample, field) for sample in samples[-third:])
        if after - before > limit:
            grown.append(f"{field} from {before:,.0f} to {after:,.0f}")
    return grown
