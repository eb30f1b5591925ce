"""A simulated haulage fleet: other vehicles and other signals than the cars of the demonstration and of KIT.

Nothing here was measured on a real vehicle. It is simple on purpose: signals that depend on each other, with
gears, loads, slopes and noise, so that what guards find is not of one car's making.
"""

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.telemetry import TelemetryBatch

NAMES = (
    "vehicle_speed_kmh",
    "gear",
    "engine_speed_rpm",
    "engine_torque_nm",
    "fuel_rate_lph",
    "boost_pressure_bar",
    "exhaust_temperature_celsius",
    "oil_pressure_bar",
)

_RPM_PER_KMH = np.array([0, 95, 60, 42, 32, 26, 21, 18, 15.5])
_TRIP = 500


def trips(n_trips: int, seed: int) -> NDArray[np.float64]:
    """Drive trips of 500 seconds each; shape (n_trips * 500, 8), columns as `NAMES`."""
    rng = np.random.default_rng(seed)
    n_readings = n_trips * _TRIP
    second = np.arange(n_readings)
    tonnes = np.repeat(rng.uniform(8, 40, n_trips), _TRIP)
    phase = np.repeat(rng.uniform(0, 2 * np.pi, n_trips), _TRIP)
    slope = 2 * np.sin(second / 40 + 2 * phase) + rng.normal(0, 0.2, n_readings)
    speed = np.clip(60 + 28 * np.sin(second / 150 + phase) + rng.normal(0, 1, n_readings), 0, 90)
    gear = np.digitize(speed, [8, 16, 25, 35, 45, 58, 72]) + 1
    engine = np.maximum(speed * _RPM_PER_KMH[gear], 600) + rng.normal(0, 8, n_readings)
    torque = np.maximum(tonnes * (3 + slope) * 8 + 0.08 * speed**2 + rng.normal(0, 15, n_readings), 0)
    power = torque * engine / 9550
    fuel = 2 + 0.22 * power + rng.normal(0, 0.4, n_readings)
    boost = 1 + torque / 700 + rng.normal(0, 0.03, n_readings)
    exhaust = 180 + 1.6 * power + rng.normal(0, 8, n_readings)
    oil = 1.5 + engine / 900 + rng.normal(0, 0.05, n_readings)
    return np.column_stack([speed, gear, engine, torque, fuel, boost, exhaust, oil]).round(2)


def batch(values: NDArray[np.float64], n_vehicles: int = 10, trip: int = _TRIP) -> TelemetryBatch:
    """Make a batch of trips, a reading a second, an hour between trips, shared out among vehicles in turn."""
    number = np.arange(len(values)) // trip
    times = np.datetime64("2026-03-02T06:00:00", "us") + (
        number * 3_600 + np.arange(len(values)) % trip
    ).astype("timedelta64[s]")
    names = NAMES if values.shape[1] == len(NAMES) else None
    return TelemetryBatch(values, [f"truck-{each % n_vehicles}" for each in number], times, names)


def faults(healthy: NDArray[np.float64]) -> dict[tuple[int, str], NDArray[np.float64]]:
    """Break each sensor in each of five ways; by sensor and way, readings as `healthy`."""
    low, high = np.nanmin(healthy, axis=0), np.nanmax(healthy, axis=0)
    broken = {}
    for sensor in range(healthy.shape[1]):
        values = healthy[:, sensor]
        ways = {
            "reads double": 2 * values,
            "reads half": values / 2,
            "reads zero": np.zeros_like(values),
            "reads above its range": np.full_like(values, 1.5 * high[sensor] - 0.5 * low[sensor]),
            "is stuck at its median": np.full_like(values, np.median(values)),
        }
        for way, reads in ways.items():
            faulty = healthy.copy()
            faulty[:, sensor] = reads
            broken[sensor, way] = faulty
    return broken
