"""What one simulated vehicle is made of."""

from dataclasses import dataclass

import numpy as np

GEAR_RATIOS = (3.50, 2.05, 1.40, 1.03, 0.80)


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A small petrol car with a naturally aspirated engine and five gears.

    Attributes:
        vehicle_id: Its name in the telemetry.
        mass_kg: With driver.
        drag_area_m2: Drag coefficient times frontal area.
        rolling_resistance: Coefficient on dry asphalt.
        tyre_radius_m: Rolling radius.
        gear_ratios: First gear first, without the final drive.
        final_drive: Ratio of the axle.
        displacement_m3: Swept volume of all cylinders.
        rated_power_w: What the engine gives at most.
        idle_speed_rpm: Of the warm engine.
        thermostat_celsius: Coolant temperature at which the thermostat begins to open.
    """

    vehicle_id: str
    mass_kg: float
    drag_area_m2: float
    rolling_resistance: float
    tyre_radius_m: float
    gear_ratios: tuple[float, ...]
    final_drive: float
    displacement_m3: float
    rated_power_w: float
    idle_speed_rpm: float
    thermostat_celsius: float


def make_vehicle(number: int, rng: np.random.Generator) -> Vehicle:
    """One of a fleet of the same model, each a little different by build, load and wear.

    Args:
        number: Counts the vehicles of the fleet from 1.
        rng: Where the differences come from.
    """
    return Vehicle(
        vehicle_id=f"vehicle-{number:02d}",
        mass_kg=1280 * rng.uniform(0.94, 1.12),
        drag_area_m2=0.30 * 2.2 * rng.uniform(0.97, 1.05),
        rolling_resistance=0.011 * rng.uniform(0.9, 1.15),
        tyre_radius_m=0.305 * rng.uniform(0.98, 1.0),
        gear_ratios=GEAR_RATIOS,
        final_drive=4.06 * rng.uniform(0.97, 1.03),
        displacement_m3=1.6e-3,
        rated_power_w=81e3 * rng.uniform(0.95, 1.0),
        idle_speed_rpm=rng.uniform(740, 800),
        thermostat_celsius=rng.uniform(86, 89),
    )
