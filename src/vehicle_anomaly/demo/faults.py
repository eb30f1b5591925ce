"""Faults that a workshop knows, put into a stretch of a healthy trip."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.demo.fleet import Trip
from vehicle_anomaly.demo.sensors import FEATURE_NAMES, SENSOR_OF

Array = NDArray[np.float64]

Change = Callable[[Array, Array], Array]
"""From healthy readings and the seconds since the fault began to faulty readings, element by element."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What breaks, and how the telemetry tells.

    Attributes:
        name: In the workshop's words.
        injected: What is done to the readings, in the table's words.
        changes: By feature name; every other feature stays as it was.
    """

    name: str
    injected: str
    changes: Mapping[str, Change] = field(hash=False)

    @property
    def sensors(self) -> tuple[str, ...]:
        """Features that the fault changes."""
        return tuple(self.changes)


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault in a stretch of a trip.

    Attributes:
        fault: Which.
        first: Index of the first faulty reading of the trip.
        last: Index after the last one.
    """

    fault: Fault
    first: int
    last: int

    def mask(self, n_readings: int) -> NDArray[np.bool_]:
        """Shape (n_readings,): whether a reading of the trip is faulty."""
        seconds = np.arange(n_readings)
        return (seconds >= self.first) & (seconds < self.last)

    def apply(self, trip: Trip) -> Trip:
        """The trip with the fault in it, in the resolution of the sensors."""
        values = trip.values.copy()
        seconds = np.arange(self.last - self.first, dtype=np.float64)
        for feature_name, change in self.fault.changes.items():
            column = FEATURE_NAMES.index(feature_name)
            faulty = change(values[self.first : self.last, column], seconds)
            values[self.first : self.last, column] = SENSOR_OF[feature_name].quantise(faulty)
        return Trip(trip.vehicle_id, trip.start, values)


FAULTS = (
    Fault(
        "engine overheats",
        "climbs 0.5 °C a second, by 35 °C at most",
        {"coolant_temperature_celsius": lambda celsius, seconds: celsius + np.minimum(0.5 * seconds, 35)},
    ),
    Fault(
        "air flow sensor dead",
        "stuck at 0 g/s",
        {"air_flow_rate_gps": lambda gps, _: np.zeros_like(gps)},
    ),
    Fault(
        "crankshaft sensor counts twice",
        "engine speed doubled",
        {"engine_speed_rpm": lambda rpm, _: 2 * rpm},
    ),
    Fault(
        "throttle stuck open",
        "stuck at 80 %",
        {"throttle_position_percent": lambda percent, _: np.full_like(percent, 80)},
    ),
    Fault(
        "intake leak",
        "pressure 60 % nearer to the atmosphere's, air flow reads 40 % less",
        {
            "intake_manifold_pressure_kpa": lambda kpa, _: kpa + 0.6 * np.clip(101 - kpa, 0, None),
            "air_flow_rate_gps": lambda gps, _: 0.6 * gps,
        },
    ),
    Fault(
        "speed sensor drops out",
        "stuck at 0 km/h",
        {"vehicle_speed_kmh": lambda kmh, _: np.zeros_like(kmh)},
    ),
)
"""One a vehicle, in this order."""
