"""The real trips of the fault benchmark, where `KIT_OBD2_DIR` says that they are.

KIT Automotive OBD-II Dataset (Marc Weber, DOI 10.35097/1130, CC BY 4.0), thinned to about 1 Hz; one CSV file
a trip in the folder `trips`, with `timestamp`, `vehicle_id` and ten signals.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

_FOLDER = os.environ.get("KIT_OBD2_DIR")

TRAINING_READINGS = 47_666
TEST_READINGS = 35_690

needs_real_trips = pytest.mark.skipif(
    not _FOLDER, reason="KIT_OBD2_DIR is not set: it names the folder of the KIT OBD-II trips"
)


def training_trips() -> list[Path]:
    """Return the 16 trips to learn from."""
    test = test_trips()
    return [trip for trip in _normal_trips() if trip not in test]


def test_trips() -> list[Path]:
    """Return the 8 trips to score: of the normal ones by file name the 2nd, 5th, 8th, …."""
    return _normal_trips()[1::3]


# It begins with `test` and is none.
test_trips.__test__ = False  # type: ignore[attr-defined]


def signals(trips: Sequence[Path]) -> NDArray[np.float64]:
    """Read the ten signals of trips, one after another.

    Returns:
        Shape (n_readings, 10).
    """
    return np.concatenate(
        [np.loadtxt(trip, delimiter=",", skiprows=1, usecols=range(2, 12)) for trip in trips]
    )


def _normal_trips() -> list[Path]:
    assert _FOLDER, "KIT_OBD2_DIR is not set"
    return sorted(Path(_FOLDER, "trips").glob("*_normal.csv"))
