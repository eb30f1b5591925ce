"""Placeholders: values that stand for none, such as 255 of a gear, among the few values of a signal.

A signal of few values has no spacings that a long tail could be told by. And its rare values may well be
real, such as a status that is seldom set. So more is asked here: a gap wider than all that is usual, and a
reason to think that the values beyond it mean nothing.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.contrast_fitting import closeness
from vehicle_anomaly.core.feature_summary import sample_rows

_CLOSE: Final = 0.5
"""Rank correlation from which another feature tells what a value should have been."""
_ABSURD: Final = 10.0
"""Times the usual range: so far away nothing counts on, whatever the other features tell."""
_SAMPLE: Final = 2_000


def last_usual(ordered: NDArray[np.float64], beyond: int) -> float | None:
    """Find the value before the first gap that is wider than the range of all before it.

    Args:
        ordered: Shape (n_readings,): values, ascending.
        beyond: How many values may lie beyond the gap; as many of the lowest do not count to the range, for
            there may be placeholders among them, too.

    Returns:
        None where there is no such gap. What hardly ever changes has no range that a gap could be wide by.
    """
    lowest, tail = ordered[beyond], ordered[-beyond - 1 :]
    room = tail[:-1] - lowest
    wide = np.flatnonzero((room > 0) & (np.diff(tail) > room))
    return float(tail[wide[0]]) if wide.size else None


def say_nothing(X: NDArray[np.float64], each: int, found: NDArray[np.bool_]) -> bool:
    """Tell whether values beyond a gap may be placeholders, and not a rare state that stands for itself.

    They may if another feature goes with the usual values, for that would tell of a rare state, too: whether
    it does is looked at elsewhere. They may if they are absurdly far away. All else can be a status that has
    nothing to do with the other signals: without it in training, each of its readings would be an anomaly.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        each: The feature.
        found: Shape (n_readings,): where the values are.
    """
    usual = np.flatnonzero(~found & ~np.isnan(X[:, each]))
    values, odd = X[usual, each], X[found, each]
    gap = max(odd.min() - values.max(), values.min() - odd.max())
    if gap > _ABSURD * (values.max() - values.min()):
        return True
    sample = sample_rows(usual.size, 1, _SAMPLE)
    return closeness(X[usual if sample is None else usual[sample]], each) > _CLOSE
