"""A simulated fleet on the road. Nothing here was measured on a real vehicle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.demo import powertrain, temperatures
from vehicle_anomaly.demo.driving import Drive, drive
from vehicle_anomaly.demo.powertrain import AIR_FUEL_RATIO, ATMOSPHERE, KELVIN
from vehicle_anomaly.demo.sensors import SENSORS
from vehicle_anomaly.demo.vehicle import Vehicle, make_vehicle

Array = NDArray[np.float64]

FIRST_DAY = np.datetime64("2026-03-02T06:30:00", "s")
"""A fixed Monday: the same seed gives the same telemetry, whenever it is run."""


@dataclass(frozen=True, slots=True, eq=False)
class Trip:
    """What one vehicle's sensors said, once a second.

    Attributes:
        vehicle_id: Of the vehicle.
        start: Time of the first reading, UTC.
        values: Shape (n_seconds, n_features), columns as `sensors.FEATURE_NAMES`.
    """

    vehicle_id: str
    start: np.datetime64
    values: Array

    @property
    def timestamps(self) -> NDArray[np.datetime64]:
        """Shape (n_seconds,), datetime64[s], UTC."""
        return self.start + np.arange(len(self.values)).astype("timedelta64[s]")


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What went on in the vehicle, before any sensor.

    Attributes:
        gear: Shape (n_trips, n_seconds), from 0.
        quantities: By feature name, each as `gear`, in the feature's unit.
    """

    gear: NDArray[np.int64]
    quantities: dict[str, Array]


def simulate_trips(seed: int, number: int, n_trips: int, n_seconds: int) -> list[Trip]:
    """One vehicle's trips, a day apart.

    Args:
        seed: The fleet's.
        number: The vehicle's, from 1. What it does depends on no other vehicle of the fleet.
        n_trips: Trips.
        n_seconds: Readings of each.
    """
    rng = np.random.default_rng((seed, number))
    vehicle = make_vehicle(number, rng)
    truth = simulate(vehicle, drive(vehicle, n_trips, n_seconds, rng), rng)
    values = np.stack(
        [sensor.read(truth.quantities[sensor.feature_name], rng) for sensor in SENSORS], axis=-1
    )
    starts = FIRST_DAY + (np.arange(n_trips) * 86_400 + rng.integers(0, 7_200, n_trips)).astype(
        "timedelta64[s]"
    )
    return [Trip(vehicle.vehicle_id, start, trip) for start, trip in zip(starts, values, strict=True)]


def simulate(vehicle: Vehicle, road: Drive, rng: np.random.Generator) -> Truth:
    """Run the engine through its trips, all at once, second by second.

    Each trip has weather, a load of accessories and a cold or half-warm engine of its own.
    """
    n_trips, n_seconds = road.speed.shape
    ambient = rng.uniform(4, 24, (n_trips,))
    accessories = rng.uniform(4, 10, (n_trips,))
    coolant = np.where(rng.random((n_trips,)) < 0.4, ambient + 1, rng.uniform(55, 85, (n_trips,)))
    intake = ambient + 3
    gear = np.zeros(n_trips, np.int64)
    seconds: list[dict[str, Array]] = []
    gears = np.empty((n_trips, n_seconds), np.int64)
    ambient_kelvin = ambient + KELVIN
    density = ATMOSPHERE / (287.0 * ambient_kelvin)
    for second in range(n_seconds):
        now = road.at(second)
        speed = now.speed
        gear = powertrain.shift(vehicle, gear, now)
        rpm = powertrain.engine_rpm(vehicle, gear, speed, coolant)
        force = powertrain.tractive_force(vehicle, gear, now, density)
        torque = powertrain.brake_torque(vehicle, gear, force, accessories)
        pressure = powertrain.manifold_pressure(vehicle, torque, rpm, intake + KELVIN, coolant)
        flow = powertrain.air_flow(vehicle, pressure, rpm, intake + KELVIN)
        gears[:, second] = gear
        seconds.append(
            {
                "engine_load_percent": 100 * powertrain.calculated_load(vehicle, flow, rpm, ambient_kelvin),
                "coolant_temperature_celsius": coolant,
                "intake_manifold_pressure_kpa": pressure / 1e3,
                "engine_speed_rpm": rpm,
                "vehicle_speed_kmh": speed * 3.6,
                "intake_air_temperature_celsius": intake,
                "air_flow_rate_gps": flow * 1e3,
                "throttle_position_percent": 100
                * powertrain.throttle_opening(flow, pressure, ambient_kelvin),
                "accelerator_pedal_position_percent": 100
                * powertrain.pedal_position(vehicle, torque, accessories, rpm),
            }
        )
        # The injectors are off while the vehicle pushes the engine.
        fuel = np.where(torque < 0, 0.0, flow / AIR_FUEL_RATIO)
        coolant = temperatures.next_coolant(vehicle, coolant, ambient, fuel, speed)
        intake = temperatures.next_intake_air(intake, coolant, ambient, speed)
    return Truth(gears, {name: np.stack([now[name] for now in seconds], axis=-1) for name in seconds[0]})
