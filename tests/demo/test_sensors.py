"""Readings are those of the standard."""

import numpy as np
import pytest

from vehicle_anomaly.demo.sensors import FEATURE_NAMES, SENSOR_OF, SENSORS, Sensor


def test_every_feature_is_one_parameter_of_the_standard() -> None:
    assert len(set(FEATURE_NAMES)) == len(SENSORS)
    assert len({sensor.pid for sensor in SENSORS}) == len(SENSORS)


@pytest.mark.parametrize(
    ("feature_name", "truth", "reading"),
    [
        ("engine_speed_rpm", 800.3, 800.25),
        ("vehicle_speed_kmh", 49.6, 50),
        ("coolant_temperature_celsius", -80, -40),
        ("air_flow_rate_gps", 3.14159, 3.14),
        ("throttle_position_percent", 50, 50.196),
        ("intake_manifold_pressure_kpa", 300, 255),
    ],
)
def test_a_reading_has_the_steps_and_the_range_of_its_parameter(
    feature_name: str, truth: float, reading: float
) -> None:
    assert SENSOR_OF[feature_name].quantise(np.array([truth])).tolist() == [reading]


@pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: sensor.feature_name)
def test_quantising_twice_changes_nothing(sensor: Sensor) -> None:
    once = sensor.quantise(np.linspace(sensor.lowest - 1, sensor.highest + 1, 1000))

    np.testing.assert_array_equal(sensor.quantise(once), once)
