"""The engine does what an engine does."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vehicle_anomaly.demo import powertrain
from vehicle_anomaly.demo.driving import Drive
from vehicle_anomaly.demo.powertrain import ATMOSPHERE
from vehicle_anomaly.demo.vehicle import Vehicle, make_vehicle

Array = NDArray[np.float64]

RPM = np.linspace(800, 5000, 50)
WARM = np.full(50, 90.0)
SPRING = np.full(50, 288.0)


@pytest.fixture
def vehicle() -> Vehicle:
    return make_vehicle(1, np.random.default_rng(0))


def road(speed: Array, acceleration: float = 0.0, grade: float = 0.0) -> Drive:
    return Drive(speed, np.full_like(speed, acceleration), np.full_like(speed, grade))


def gears(gear: int, n: int = 50) -> NDArray[np.int64]:
    return np.full(n, gear, np.int64)


def test_engine_speed_follows_vehicle_speed_gear_and_tyre(vehicle: Vehicle) -> None:
    speed = np.linspace(15, 35, 50)

    rpm = powertrain.engine_rpm(vehicle, gears(4), speed, WARM)

    ratio = vehicle.gear_ratios[4] * vehicle.final_drive
    expected = speed / (2 * np.pi * vehicle.tyre_radius_m) * ratio * 60
    np.testing.assert_allclose(rpm, expected)
    assert (np.diff(rpm) > 0).all()


def test_a_standing_engine_idles_and_a_cold_one_idles_faster(vehicle: Vehicle) -> None:
    standing = np.zeros(3)

    rpm = powertrain.engine_rpm(vehicle, gears(0, 3), standing, np.array([90.0, 60.0, 10.0]))

    np.testing.assert_allclose(rpm, vehicle.idle_speed_rpm + np.array([0, 0, 250]))


def test_gears_change_up_with_speed_and_down_again_at_a_lower_one(vehicle: Vehicle) -> None:
    def settled(speed: float, gear: int) -> int:
        now = gears(gear, 1)
        for _ in vehicle.gear_ratios:
            now = powertrain.shift(vehicle, now, road(np.array([speed])))
        return int(now[0])

    speeds = np.linspace(0, 36, 200)
    up = [settled(speed, 0) for speed in speeds]
    down = [settled(speed, 4) for speed in speeds]

    assert up == sorted(up)
    assert down == sorted(down)
    assert up[0] == down[0] == 0
    assert up[-1] == down[-1] == 4
    assert all(from_above >= from_below for from_above, from_below in zip(down, up, strict=True))
    assert down != up


@pytest.mark.parametrize("gear", range(4))
def test_gears_do_not_hunt(vehicle: Vehicle, gear: int) -> None:
    speeds = np.linspace(0, 36, 500)
    changed_up = powertrain.shift(vehicle, gears(gear, 500), road(speeds)) == gear + 1

    again = powertrain.shift(vehicle, gears(gear + 1, 500), road(speeds))

    assert changed_up.any()
    assert (again[changed_up] >= gear + 1).all()


def test_the_road_resists_more_at_speed_uphill_and_when_accelerating(vehicle: Vehicle) -> None:
    speed = np.linspace(1, 36, 50)
    density = np.full(50, 1.2)

    cruising = powertrain.tractive_force(vehicle, gears(3), road(speed), density)
    uphill = powertrain.tractive_force(vehicle, gears(3), road(speed, grade=0.05), density)
    faster = powertrain.tractive_force(vehicle, gears(3), road(speed, acceleration=1), density)

    assert (np.diff(cruising) > 0).all()
    np.testing.assert_allclose(uphill - cruising, vehicle.mass_kg * 9.81 * 0.05)
    assert (faster - cruising > vehicle.mass_kg).all(), "rotating parts count too"


def test_a_standing_vehicle_needs_no_force(vehicle: Vehicle) -> None:
    force = powertrain.tractive_force(vehicle, gears(0), road(np.zeros(50), grade=0.03), np.full(50, 1.2))

    assert not force.any()


def test_more_torque_takes_more_pressure_air_load_throttle_and_pedal(vehicle: Vehicle) -> None:
    torque = np.linspace(5, 105, 50)
    rpm = np.full(50, 2500.0)

    pressure = powertrain.manifold_pressure(vehicle, torque, rpm, SPRING, WARM)
    flow = powertrain.air_flow(vehicle, pressure, rpm, SPRING)
    load = powertrain.calculated_load(vehicle, flow, rpm, SPRING)
    throttle = powertrain.throttle_opening(flow, pressure, SPRING)
    pedal = powertrain.pedal_position(vehicle, torque, np.full(50, 5.0), rpm)

    for rising in (pressure, flow, load, throttle, pedal):
        assert (np.diff(rising) > 0).all()
    assert pressure.max() < ATMOSPHERE
    for share in (load, throttle, pedal):
        assert share.min() > 0
        assert share.max() <= 1


def test_pressure_stays_between_overrun_and_atmosphere(vehicle: Vehicle) -> None:
    torque = np.linspace(-200, 500, 50)

    pressure = powertrain.manifold_pressure(vehicle, torque, RPM, SPRING, WARM)

    assert pressure.min() == 24e3
    assert pressure.max() == 0.98 * ATMOSPHERE


def test_a_cold_engine_takes_more_air_for_the_same_torque(vehicle: Vehicle) -> None:
    torque = np.full(50, 30.0)

    warm = powertrain.manifold_pressure(vehicle, torque, RPM, SPRING, WARM)
    cold = powertrain.manifold_pressure(vehicle, torque, RPM, SPRING, np.zeros(50))

    assert (cold > warm).all()


def test_air_flow_is_that_of_the_speed_density_equation(vehicle: Vehicle) -> None:
    flow = powertrain.air_flow(vehicle, np.array([50e3]), np.array([3500.0]), np.array([300.0]))

    # 0.85 * 50 kPa * 1.6 l * 3500 rpm / (2 * 60 * 287 J/(kg K) * 300 K)
    np.testing.assert_allclose(flow, 0.85 * 50e3 * 1.6e-3 * 3500 / (120 * 287 * 300))


def test_the_throttle_needs_more_area_where_the_pressure_drop_is_small() -> None:
    flow = np.full(50, 0.01)
    pressure = np.linspace(30e3, 0.98 * ATMOSPHERE, 50)

    opening = powertrain.throttle_opening(flow, pressure, SPRING)

    choked = pressure < 0.528 * ATMOSPHERE
    assert np.ptp(opening[choked]) < 1e-12, "choked flow does not depend on the pressure behind"
    assert (np.diff(opening[~choked]) > 0).all()
