"""The simulated fleet is plausible and repeatable."""

import numpy as np
import pytest

from vehicle_anomaly.demo.driving import drive
from vehicle_anomaly.demo.fleet import Trip, simulate, simulate_trips
from vehicle_anomaly.demo.powertrain import engine_rpm
from vehicle_anomaly.demo.sensors import FEATURE_NAMES, SENSORS
from vehicle_anomaly.demo.vehicle import make_vehicle

USUAL = {
    "engine_load_percent": (15, 100),
    "coolant_temperature_celsius": (3, 101),
    "intake_manifold_pressure_kpa": (20, 103),
    "engine_speed_rpm": (600, 5000),
    "vehicle_speed_kmh": (0, 150),
    "intake_air_temperature_celsius": (3, 60),
    "air_flow_rate_gps": (1.5, 80),
    "throttle_position_percent": (8, 100),
    "accelerator_pedal_position_percent": (13, 90),
}


def column(trip: Trip, feature_name: str) -> np.ndarray:
    values: np.ndarray = trip.values[:, FEATURE_NAMES.index(feature_name)]
    return values


@pytest.fixture(scope="module")
def trips() -> list[Trip]:
    return [trip for number in (1, 2, 3) for trip in simulate_trips(11, number, 3, 600)]


def test_the_same_seed_gives_the_same_bytes(trips: list[Trip]) -> None:
    again = [trip for number in (1, 2, 3) for trip in simulate_trips(11, number, 3, 600)]

    assert [trip.values.tobytes() for trip in again] == [trip.values.tobytes() for trip in trips]
    assert [trip.start for trip in again] == [trip.start for trip in trips]


def test_another_seed_and_another_vehicle_give_other_trips(trips: list[Trip]) -> None:
    other = simulate_trips(12, 1, 3, 600)

    distinct = {trip.values.tobytes() for trip in (*trips, *other)}
    assert len(distinct) == len(trips) + len(other)


def test_there_is_one_reading_a_second_and_a_trip_a_day(trips: list[Trip]) -> None:
    for trip in trips:
        assert trip.values.shape == (600, len(FEATURE_NAMES))
        assert (np.diff(trip.timestamps) == np.timedelta64(1, "s")).all()
    days = [trip.start.astype("datetime64[D]") for trip in trips if trip.vehicle_id == "vehicle-01"]
    assert len(set(days)) == len(days)


@pytest.mark.parametrize("feature_name", FEATURE_NAMES)
def test_readings_are_what_a_workshop_would_expect(trips: list[Trip], feature_name: str) -> None:
    lowest, highest = USUAL[feature_name]
    values = np.concatenate([column(trip, feature_name) for trip in trips])

    assert lowest <= values.min()
    assert values.max() <= highest
    assert len(np.unique(values)) > 5


def test_every_reading_is_one_that_its_sensor_can_send(trips: list[Trip]) -> None:
    for trip in trips:
        for sensor in SENSORS:
            values = column(trip, sensor.feature_name)
            np.testing.assert_array_equal(sensor.quantise(values), values)


def test_a_standing_vehicle_idles(trips: list[Trip]) -> None:
    for trip in trips:
        # At 0 km/h by the sensor it may creep; over three such seconds it does not.
        standing = np.convolve(column(trip, "vehicle_speed_kmh") == 0, np.ones(3), "same") == 3
        assert standing.any()
        assert column(trip, "engine_speed_rpm")[standing].max() < 1300
        assert column(trip, "intake_manifold_pressure_kpa")[standing].max() < 50
        assert column(trip, "accelerator_pedal_position_percent")[standing].max() < 17


def test_engine_speed_is_that_of_the_gear() -> None:
    rng = np.random.default_rng(5)
    vehicle = make_vehicle(1, rng)
    road = drive(vehicle, 2, 400, rng)

    truth = simulate(vehicle, road, rng)

    expected = engine_rpm(vehicle, truth.gear, road.speed, truth.quantities["coolant_temperature_celsius"])
    np.testing.assert_allclose(truth.quantities["engine_speed_rpm"], expected)
    assert np.abs(np.diff(truth.gear, axis=1)).max() == 1, "one gear at a time"
    assert set(np.unique(truth.gear)) >= {0, 1, 2, 3}


def test_drives_stay_within_what_driver_and_engine_can_do() -> None:
    rng = np.random.default_rng(5)

    road = drive(make_vehicle(1, rng), 4, 600, rng)

    assert road.speed.min() == 0
    assert not road.speed[:, 0].any()
    assert road.acceleration.max() < 1.7
    assert road.acceleration.min() > -2.6
