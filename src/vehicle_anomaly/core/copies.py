"""Features that follow another one so closely that they say nothing of their own."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.feature_summary import sample_rows

SAME: Final = 0.9999
"""Correlation from which one signal is taken for a copy of the other, in whatever unit."""

_SAMPLE: Final = 1_000
_MIN_READINGS: Final = 30
_BLOCK: Final = 256


def copies(values: NDArray[np.float64], medians: NDArray[np.float64]) -> dict[int, tuple[int, float]]:
    """Find features that are another one in other words.

    Args:
        values: Shape (n_readings, n_features); NaN is a missing reading, and counts as the median.
        medians: Shape (n_features,).

    Returns:
        For each such feature, the first one that it follows, and their correlation on a sample.
    """
    rows = _rows(len(values))
    taken = values if rows is None else values[rows]
    if len(taken) < _MIN_READINGS:
        return {}
    centred = np.where(np.isnan(taken), medians, taken)
    # Scaled first: the square of a large float32 is still a number, their sum over readings need not be.
    centred /= np.maximum(np.abs(centred).max(axis=0), np.finfo(np.float64).tiny)
    centred -= centred.mean(axis=0)
    length = np.sqrt(np.square(centred).sum(axis=0))
    moves = length > 1e-9 * len(taken)
    unit = np.where(moves, centred / np.where(moves, length, 1.0), 0.0).astype(np.float32)
    found = {}
    # A block of columns at a time: the matrix of all correlations can be larger than the batch.
    for begin in range(0, unit.shape[1], _BLOCK):
        block = unit[:, begin : begin + _BLOCK]
        follows = np.triu(np.abs(unit.T @ block) > SAME, k=1 - begin)
        for column in np.flatnonzero(follows.any(axis=0)).tolist():
            first = int(np.argmax(follows[:, column]))
            found[begin + column] = (first, float(np.dot(unit[:, first], block[:, column])))
    return found


def _rows(n_readings: int) -> NDArray[np.intp] | None:
    return sample_rows(n_readings, 1, _SAMPLE)
