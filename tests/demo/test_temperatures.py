"""Engines warm up and stay warm."""

import numpy as np
import pytest

from vehicle_anomaly.demo.temperatures import next_coolant, next_intake_air
from vehicle_anomaly.demo.vehicle import Vehicle, make_vehicle

AMBIENT = np.array([10.0])
CRUISE_FUEL = np.array([0.8e-3])


@pytest.fixture
def vehicle() -> Vehicle:
    return make_vehicle(1, np.random.default_rng(0))


def test_an_engine_at_cruise_warms_up_in_minutes_and_then_the_thermostat_holds_it(vehicle: Vehicle) -> None:
    coolant = AMBIENT.copy()
    course = []
    for _ in range(1800):
        coolant = next_coolant(vehicle, coolant, AMBIENT, CRUISE_FUEL, np.array([25.0]))
        course.append(float(coolant[0]))

    warm_after = next(second for second, celsius in enumerate(course) if celsius > 80)
    assert 180 < warm_after < 900
    assert (np.diff(course[:warm_after]) > 0).all()
    assert vehicle.thermostat_celsius < course[-1] < vehicle.thermostat_celsius + 10
    assert abs(course[-1] - course[-60]) < 0.1


def test_an_engine_without_fuel_cools_to_the_air_around_it(vehicle: Vehicle) -> None:
    coolant = np.array([90.0])

    later = next_coolant(vehicle, coolant, AMBIENT, np.zeros(1), np.zeros(1))

    assert AMBIENT[0] < later[0] < coolant[0]


def test_intake_air_is_warmer_in_traffic_than_on_the_move() -> None:
    coolant = np.full(2, 90.0)
    ambient = np.full(2, 10.0)
    speed = np.array([0.0, 30.0])
    intake = ambient.copy()
    for _ in range(600):
        intake = next_intake_air(intake, coolant, ambient, speed)

    assert ambient[0] < intake[1] < intake[0] < 50
