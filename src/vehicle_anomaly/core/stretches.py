"""Stretches of time: what readings are left out together, so that none is judged by its own neighbours."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_GAP: Final = 20.0
"""A pause this many times the usual one between readings of a vehicle ends a stretch: a trip is over."""
_RUN: Final = 64
_MOST_SHARE: Final = 1 / 8
"""Share of all readings that a stretch has at most; a longer one is cut."""


def stretches(vehicle_ids: Sequence[str], timestamps: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Number the stretches that readings belong to, vehicle after vehicle, each in order of time.

    Args:
        vehicle_ids: One per reading.
        timestamps: Shape (n_readings,), datetime64.

    Returns:
        Shape (n_readings,): from 0.
    """
    _, vehicle = np.unique(np.asarray(vehicle_ids), return_inverse=True)
    order = np.lexsort((timestamps, vehicle))
    pause = np.diff(timestamps[order]).astype(np.int64)
    same = np.diff(vehicle[order]) == 0
    # The usual one is the median of those that are no repetition.
    between = pause[same & (pause > 0)]
    usual = float(np.median(between)) if between.size else 0.0
    begins = np.concatenate([[True], ~same | (pause > _GAP * usual)])
    place = np.arange(len(order))
    since = place - np.maximum.accumulate(np.where(begins, place, 0))
    longest = max(1, int(np.ceil(len(order) * _MOST_SHARE)))
    begins |= since % longest == 0
    numbered = np.empty(len(order), np.int64)
    numbered[order] = np.cumsum(begins) - 1
    return numbered


def runs(stretch: NDArray[np.int64], timestamps: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Number runs of readings that follow one another closely: pieces of a stretch, a minute at one a second.

    Args:
        stretch: What `stretches` gave for the same readings.
        timestamps: Shape (n_readings,), datetime64.

    Returns:
        Shape (n_readings,): from 0.
    """
    order = np.lexsort((timestamps, stretch))
    place = np.arange(len(order))
    begins = np.append(True, np.diff(stretch[order]) != 0)
    since = place - np.maximum.accumulate(np.where(begins, place, 0))
    numbered = np.empty(len(order), np.int64)
    numbered[order] = np.cumsum(since % _RUN == 0) - 1
    return numbered


def folds(stretch: NDArray[np.int64], vehicle_ids: Sequence[str], n_folds: int) -> NDArray[np.int64]:
    """Share stretches out among folds: whole vehicles where there are enough, else what is close in time.

    Args:
        stretch: What `stretches` gave for the same readings.
        vehicle_ids: One per reading.
        n_folds: At least 2.

    Returns:
        Shape (n_readings,): 0 to `n_folds - 1`; some folds are empty where there are few readings.
    """
    vehicles, vehicle = np.unique(np.asarray(vehicle_ids), return_inverse=True)
    if len(vehicles) >= 2 * n_folds:
        return vehicle % n_folds
    size = np.bincount(stretch)
    middle = np.cumsum(size) - size / 2
    return np.minimum(middle * n_folds / len(stretch), n_folds - 1).astype(np.int64)[stretch]
