"""Faults that a workshop knows, put into a stretch of a healthy trip."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.demo.fleet import Trip
from vehicle_anomaly.demo.sensors import FEATURE_NAMES, SENSOR_OF

Array = NDArray[np.float64]

Columns = Mapping[str, Array]
"""Readings by feature name, each of shape (n_readings,)."""

Change = Callable[[Columns, Array], Columns]
"""From healthy readings and the seconds since the fault began to the readings that it changes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What breaks, and how the telemetry tells.

    Attributes:
        name: In the workshop's words.
        injected: What is done to the readings, in words.
        sensors: Features that change; every other stays as it was.
        change: What is done, as a function.
    """

    name: str
    injected: str
    sensors: tuple[str, ...]
    change: Change


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
        stretch = values[self.first : self.last]
        healthy = dict(zip(FEATURE_NAMES, stretch.T.copy(), strict=True))
        faulty = self.fault.change(healthy, np.arange(len(stretch), dtype=np.float64))
        for feature_name in self.fault.sensors:
            stretch[:, FEATURE_NAMES.index(feature_name)] = SENSOR_OF[feature_name].quantise(
                faulty[feature_name]
            )
        return Trip(trip.vehicle_id, trip.start, values)


def _stuck(**levels: float) -> Change:
    return lambda _, seconds: {name: np.full_like(seconds, level) for name, level in levels.items()}


def _wide_open(healthy: Columns, _: Array) -> Columns:
    # The engine draws what it would at full throttle: by the definition of calculated load, flow / load.
    full_flow = healthy["air_flow_rate_gps"] / (healthy["engine_load_percent"] / 100)
    return {
        "throttle_position_percent": np.full_like(full_flow, 80),
        "intake_manifold_pressure_kpa": np.full_like(full_flow, 98),
        "engine_load_percent": np.full_like(full_flow, 98),
        "air_flow_rate_gps": 0.98 * full_flow,
    }


FAULTS = (
    Fault(
        "sensor supply shorted",
        "manifold pressure, throttle and pedal, which share it, read their maximum",
        ("intake_manifold_pressure_kpa", "throttle_position_percent", "accelerator_pedal_position_percent"),
        _stuck(
            intake_manifold_pressure_kpa=255,
            throttle_position_percent=100,
            accelerator_pedal_position_percent=100,
        ),
    ),
    Fault(
        "temperature sensors unplugged",
        "coolant and intake air read -40 °C",
        ("coolant_temperature_celsius", "intake_air_temperature_celsius"),
        _stuck(coolant_temperature_celsius=-40, intake_air_temperature_celsius=-40),
    ),
    Fault(
        "throttle stuck open",
        "throttle reads 80%; manifold pressure, load and air flow follow",
        (
            "throttle_position_percent",
            "intake_manifold_pressure_kpa",
            "engine_load_percent",
            "air_flow_rate_gps",
        ),
        _wide_open,
    ),
    Fault(
        "air flow sensor dead",
        "air flow reads 0 g/s, and so the load calculated from it 0%",
        ("air_flow_rate_gps", "engine_load_percent"),
        _stuck(air_flow_rate_gps=0, engine_load_percent=0),
    ),
    Fault(
        "crankshaft sensor counts twice",
        "engine speed doubled",
        ("engine_speed_rpm",),
        lambda healthy, _: {"engine_speed_rpm": 2 * healthy["engine_speed_rpm"]},
    ),
    Fault(
        "engine overheats",
        "coolant climbs 0.5 °C a second, by 35 °C at most",
        ("coolant_temperature_celsius",),
        lambda healthy, seconds: {
            "coolant_temperature_celsius": healthy["coolant_temperature_celsius"]
            + np.minimum(0.5 * seconds, 35)
        },
    ),
)
"""One a vehicle, in this order."""
