"""The real trips of the fault benchmark, where `KIT_OBD2_DIR` says that they are.

KIT Automotive OBD-II Dataset (Marc Weber, DOI 10.35097/1130, CC BY 4.0), thinned to about 1 Hz; one CSV file
a trip in the folder `trips`, with `timestamp`, `vehicle_id` and ten signals.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vehicle_anomaly.core.telemetry import TelemetryBatch

_FOLDER = os.environ.get("KIT_OBD2_DIR")

TRAINING_READINGS = 47_666
TEST_READINGS = 35_690

needs_real_trips = pytest.mark.skipif(
    not _FOLDER, reason="KIT_OBD2_DIR is not set: it names the folder of the KIT OBD-II trips"
)


def training_trips(first: int = 2) -> list[Path]:
    """Return the 16 trips to learn from: all normal ones but those to score."""
    scored = scored_trips(first)
    return [trip for trip in _normal_trips() if trip not in scored]


def scored_trips(first: int) -> list[Path]:
    """Return 8 trips to score: of the normal ones by file name every third, from one of the first three."""
    return _normal_trips()[first - 1 :: 3]


def test_trips() -> list[Path]:
    """Return the 8 trips to score of the benchmark: the 2nd, 5th, 8th, …."""
    return scored_trips(2)


def trips_of(condition: str) -> list[Path]:
    """Return the trips of another road condition: `frei` or `stau`, but those where something happened."""
    assert _FOLDER, "KIT_OBD2_DIR is not set"
    return sorted(Path(_FOLDER, "trips").glob(f"*_{condition}.csv"))


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


def batch(trips: Sequence[Path]) -> TelemetryBatch:
    """Read trips as a batch to learn from."""
    times = np.concatenate(
        [np.loadtxt(trip, dtype=str, delimiter=",", skiprows=1, usecols=0) for trip in trips]
    )
    values = signals(trips)
    moments = np.array([time.removesuffix("Z") for time in times.tolist()], "datetime64[us]")
    names = trips[0].read_text().partition("\n")[0].strip().split(",")[2:]
    return TelemetryBatch(values, ["seat-leon-1"] * len(values), moments, tuple(names))


FAULTS: dict[str, tuple[str, Callable[[NDArray[np.float64]], NDArray[np.float64] | float]]] = {
    "coolant_overheat": ("coolant_temperature_celsius", lambda _: 125.0),
    "coolant_sensor_low": ("coolant_temperature_celsius", lambda _: 40.0),
    "manifold_pressure_zero": ("intake_manifold_pressure_kpa", lambda _: 0.0),
    "engine_speed_double": ("engine_speed_rpm", lambda values: 2 * values),
    "air_flow_zero": ("air_flow_rate_gps", lambda _: 0.0),
    "air_flow_half": ("air_flow_rate_gps", lambda values: values / 2),
    "throttle_zero": ("throttle_position_percent", lambda _: 0.0),
    "pedal_disagreement": ("accelerator_pedal_d_percent", lambda values: values + 20),
    "intake_air_hot": ("intake_air_temperature_celsius", lambda _: 140.0),
    "speed_zero": ("vehicle_speed_kmh", lambda _: 0.0),
    "speed_max": ("vehicle_speed_kmh", lambda _: 255.0),
    "ambient_hot": ("ambient_air_temperature_celsius", lambda _: 60.0),
}
"""The fault benchmark: the sensor, and what it reads in place of its values."""


def blamed(fault: str) -> frozenset[str]:
    """Return the sensors that may be named for a fault: for pedals that disagree, either."""
    if fault == "pedal_disagreement":
        return frozenset({"accelerator_pedal_d_percent", "accelerator_pedal_e_percent"})
    return frozenset({FAULTS[fault][0]})


def broken(values: NDArray[np.float64], names: Sequence[str], fault: str) -> NDArray[np.float64]:
    """Return readings with a fault in every one of them."""
    sensor, change = FAULTS[fault]
    column = list(names).index(sensor)
    faulty = values.copy()
    faulty[:, column] = change(values[:, column])
    return faulty


def _normal_trips() -> list[Path]:
    assert _FOLDER, "KIT_OBD2_DIR is not set"
    return sorted(Path(_FOLDER, "trips").glob("*_normal.csv"))
