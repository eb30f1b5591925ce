"""What the diagnostic connector tells of the truth: noise, resolution and range of the OBD-II parameters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_PERCENT = 100 / 255


@dataclass(frozen=True, slots=True)
class Sensor:
    """One parameter of SAE J1979, service 01.

    Attributes:
        feature_name: As in the telemetry, with its unit.
        pid: Its number in the standard.
        resolution: Size of one step, from the standard.
        lowest: Least value that can be sent.
        highest: Greatest value that can be sent.
        noise: Standard deviation of the reading, ours.
    """

    feature_name: str
    pid: int
    resolution: float
    lowest: float
    highest: float
    noise: float

    def read(self, truth: Array, rng: np.random.Generator) -> Array:
        """Add noise, then quantise."""
        return self.quantise(truth + self.noise * rng.standard_normal(truth.shape))

    def quantise(self, values: Array) -> Array:
        """The nearest value that the parameter can have, to three decimals."""
        limited = np.clip(values, self.lowest, self.highest)
        steps = np.round((limited - self.lowest) / self.resolution)
        # Not -0.0, and no more digits than the resolution is worth.
        return np.round(self.lowest + steps * self.resolution, 3) + 0.0


# Ambient temperature (PID 46) is left out: it would teach the model the weather, not the vehicle.
SENSORS = (
    Sensor("engine_load_percent", 0x04, _PERCENT, 0, 100, 0.6),
    Sensor("coolant_temperature_celsius", 0x05, 1, -40, 215, 0.2),
    Sensor("intake_manifold_pressure_kpa", 0x0B, 1, 0, 255, 0.5),
    Sensor("engine_speed_rpm", 0x0C, 0.25, 0, 16_383.75, 8.0),
    Sensor("vehicle_speed_kmh", 0x0D, 1, 0, 255, 0.0),
    Sensor("intake_air_temperature_celsius", 0x0F, 1, -40, 215, 0.2),
    Sensor("air_flow_rate_gps", 0x10, 0.01, 0, 655.35, 0.08),
    Sensor("throttle_position_percent", 0x11, _PERCENT, 0, 100, 0.2),
    Sensor("accelerator_pedal_position_percent", 0x49, _PERCENT, 0, 100, 0.2),
)

FEATURE_NAMES = tuple(sensor.feature_name for sensor in SENSORS)

SENSOR_OF = {sensor.feature_name: sensor for sensor in SENSORS}
