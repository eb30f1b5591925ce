"""A fault changes what it says and nothing else."""

import numpy as np
import pytest

from vehicle_anomaly.demo.faults import FAULTS, Fault, Injection
from vehicle_anomaly.demo.fleet import Trip, simulate_trips
from vehicle_anomaly.demo.sensors import FEATURE_NAMES, SENSOR_OF

FIRST, LAST = 120, 300


@pytest.fixture(scope="module")
def trip() -> Trip:
    return simulate_trips(3, 1, 1, 400)[0]


def faulty_column(trip: Trip, name: str, feature_name: str) -> tuple[np.ndarray, np.ndarray]:
    fault = next(fault for fault in FAULTS if fault.name == name)
    column = FEATURE_NAMES.index(feature_name)
    faulty = Injection(fault, FIRST, LAST).apply(trip)
    return trip.values[FIRST:LAST, column], faulty.values[FIRST:LAST, column]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_its_sensors_in_its_stretch_and_nothing_else(trip: Trip, fault: Fault) -> None:
    before = trip.values.copy()

    faulty = Injection(fault, FIRST, LAST).apply(trip)

    columns, rows = np.zeros(len(FEATURE_NAMES), bool), Injection(fault, FIRST, LAST).mask(400)
    columns[[FEATURE_NAMES.index(sensor) for sensor in fault.sensors]] = True
    may_differ = rows[:, None] & columns
    np.testing.assert_array_equal(faulty.values[~may_differ], before[~may_differ])
    np.testing.assert_array_equal(trip.values, before)
    assert (faulty.values != before)[rows][:, columns].any(axis=0).all()
    assert (faulty.vehicle_id, faulty.start) == (trip.vehicle_id, trip.start)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_faulty_readings_are_ones_that_the_sensors_can_send(trip: Trip, fault: Fault) -> None:
    faulty = Injection(fault, FIRST, LAST).apply(trip)

    for sensor in fault.sensors:
        values = faulty.values[:, FEATURE_NAMES.index(sensor)]
        np.testing.assert_array_equal(SENSOR_OF[sensor].quantise(values), values)


def test_names_are_distinct() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_a_dead_air_flow_sensor_reads_nothing(trip: Trip) -> None:
    _, faulty = faulty_column(trip, "air flow sensor dead", "air_flow_rate_gps")

    assert not faulty.any()


def test_a_crankshaft_sensor_that_counts_twice_doubles_the_engine_speed(trip: Trip) -> None:
    healthy, faulty = faulty_column(trip, "crankshaft sensor counts twice", "engine_speed_rpm")

    np.testing.assert_array_equal(faulty, 2 * healthy)


def test_an_overheating_engine_climbs_and_then_stays_hot(trip: Trip) -> None:
    healthy, faulty = faulty_column(trip, "engine overheats", "coolant_temperature_celsius")

    assert faulty[0] == healthy[0]
    assert (faulty[70:] == healthy[70:] + 35).all()


def test_an_engine_with_its_throttle_open_draws_more_air(trip: Trip) -> None:
    healthy, faulty = faulty_column(trip, "throttle stuck open", "air_flow_rate_gps")
    load, _ = faulty_column(trip, "throttle stuck open", "engine_load_percent")

    assert (faulty > healthy)[load < 97].all()
    assert faulty.max() < 100
