"""Trips with given verdicts, without a service."""

import numpy as np

from vehicle_anomaly.demo.faults import FAULTS, Injection
from vehicle_anomaly.demo.fleet import FIRST_DAY, Trip
from vehicle_anomaly.demo.scored import ScoredTrip
from vehicle_anomaly.demo.sensors import FEATURE_NAMES


def a_trip(number: int = 1, n_readings: int = 10) -> Trip:
    values = np.arange(n_readings * len(FEATURE_NAMES), dtype=np.float64).reshape(n_readings, -1)
    return Trip(f"vehicle-{number:02d}", FIRST_DAY, values)


def scored_trip(scores: list[float], stretch: tuple[int, int] | None, number: int = 1) -> ScoredTrip:
    injection = None if stretch is None else Injection(FAULTS[number - 1], *stretch)
    array = np.array(scores)
    return ScoredTrip(a_trip(number, len(scores)), injection, array, array < 0)
