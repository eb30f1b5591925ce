"""Trips with given verdicts, without a service."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np

from vehicle_anomaly.demo.faults import FAULTS, Injection
from vehicle_anomaly.demo.fleet import FIRST_DAY, Trip
from vehicle_anomaly.demo.scored import ScoredTrip
from vehicle_anomaly.demo.sensors import FEATURE_NAMES


def a_trip(number: int = 1, n_readings: int = 10) -> Trip:
    values = np.arange(n_readings * len(FEATURE_NAMES), dtype=np.float64).reshape(n_readings, -1)
    return Trip(f"vehicle-{number:02d}", FIRST_DAY, values)


def scored_trip(
    scores: list[float],
    stretch: tuple[int, int] | None,
    number: int = 1,
    named: Sequence[str | None] = (None,),
) -> ScoredTrip:
    injection = None if stretch is None else Injection(FAULTS[number - 1], *stretch)
    array = np.array(scores)
    trip = a_trip(number, len(scores))
    reasons = [
        [{"feature": feature, "message": f"{feature} reads {score}."}] if score < 0 else []
        for score, feature in zip(scores, cycle(named), strict=False)
    ]
    return ScoredTrip(trip, injection, array, array < 0, reasons)
