"""From the speed of the vehicle to the state of its engine.

Every function takes and gives arrays of one shape, one element a trip, in SI units except where the name
says otherwise. Sources:

- Gillespie, *Fundamentals of Vehicle Dynamics*, SAE 1992, chapters 2 and 4: road load, mass factor.
- Heywood, *Internal Combustion Engine Fundamentals*, McGraw-Hill 1988: mean effective pressure (2.7),
  friction (13.5), speed-density (2.10), flow through a throttle (7.6, appendix C).
- SAE J1979: calculated load (PID 04).
"""

import math

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.demo.driving import Drive
from vehicle_anomaly.demo.vehicle import Vehicle

Array = NDArray[np.float64]

ATMOSPHERE = 101_325.0
KELVIN = 273.15
AIR_FUEL_RATIO = 14.7
HEATING_VALUE = 44e6
"""Of petrol, J/kg."""

_GAS_CONSTANT = 287.0
_GRAVITY = 9.81
_DRIVELINE_EFFICIENCY = 0.92
_INDICATED_EFFICIENCY = 0.36
_RESIDUAL_PRESSURE = 8e3
_OVERRUN_PRESSURE = 24e3
_HEAT_RATIO = 1.4
_THROTTLE_DIAMETER = 0.05
_CLOSED_ANGLE = math.radians(7)
_DISCHARGE = 0.85


def shift(vehicle: Vehicle, gear: NDArray[np.int64], road: Drive) -> NDArray[np.int64]:
    """Change up above 2,200 rpm and down below 1,150 rpm, later under acceleration: one gear a second.

    After the widest step (ratio 1.71) the engine still turns faster than the speed that changes down, so
    the gears do not hunt.

    Args:
        vehicle: Whose gearbox.
        gear: From 0, the first gear.
        road: One second.
    """
    urgency = np.clip(road.acceleration / 2, 0, 1)
    rpm = _wheel_side_rpm(vehicle, gear, road.speed)
    up = (rpm > 2200 + 1500 * urgency) & (gear < len(vehicle.gear_ratios) - 1)
    down = (rpm < 1150 + 500 * urgency) & (gear > 0)
    return gear + up - down


def engine_rpm(vehicle: Vehicle, gear: NDArray[np.int64], speed: Array, coolant_celsius: Array) -> Array:
    """Engine speed: n = 60 v i / (2 pi r), and never less than idling, where the clutch slips.

    A cold engine idles faster, by 5 rpm for each degree below 60 °C.
    """
    idle = vehicle.idle_speed_rpm + 5 * np.clip(60 - coolant_celsius, 0, None)
    return np.maximum(idle, _wheel_side_rpm(vehicle, gear, speed))


def tractive_force(vehicle: Vehicle, gear: NDArray[np.int64], road: Drive, density: Array) -> Array:
    """Road load: F = m g (c_r + grade) + 1/2 rho c_d A v² + m k a, with k = 1.04 + 0.0025 i².

    k counts the rotating parts (Gillespie's mass factor, chapter 2). Zero at standstill:
    the brakes hold the vehicle.
    """
    mass_factor = 1.04 + 0.0025 * _total_ratio(vehicle, gear) ** 2
    force = (
        vehicle.mass_kg * _GRAVITY * (vehicle.rolling_resistance + road.grade)
        + 0.5 * density * vehicle.drag_area_m2 * road.speed**2
        + vehicle.mass_kg * mass_factor * road.acceleration
    )
    return np.where(road.speed > 0.3, force, 0.0)


def brake_torque(vehicle: Vehicle, gear: NDArray[np.int64], force: Array, accessories: Array) -> Array:
    """Torque at the crankshaft: F r / (i eta), plus alternator and air conditioning. Negative on overrun."""
    loss = np.where(force > 0, 1 / _DRIVELINE_EFFICIENCY, _DRIVELINE_EFFICIENCY)
    return force * vehicle.tyre_radius_m / _total_ratio(vehicle, gear) * loss + accessories


def manifold_pressure(
    vehicle: Vehicle, torque: Array, rpm: Array, intake_kelvin: Array, coolant: Array
) -> Array:
    """Intake manifold pressure that gives a torque, Pa.

    bmep = 4 pi T / V; fmep after Barnes-Moss (Heywood 13.6), more when cold; pumping p_a - p; and the
    indicated mep is linear in the pressure, imep = (p - p_r) / k with k = R T / (e_v e_i Q / AFR) and p_r the
    residual gas's share. Solved for p: never below overrun's 24 kPa, never above 98 % of the atmosphere.
    """
    k = _GAS_CONSTANT * intake_kelvin
    k = k / (volumetric_efficiency(rpm) * _INDICATED_EFFICIENCY * HEATING_VALUE / AIR_FUEL_RATIO)
    bmep = 4 * np.pi * torque / vehicle.displacement_m3
    pressure = (_RESIDUAL_PRESSURE + k * (bmep + _friction(rpm, coolant) + ATMOSPHERE)) / (1 + k)
    return np.clip(pressure, _OVERRUN_PRESSURE, 0.98 * ATMOSPHERE)


def air_flow(vehicle: Vehicle, pressure: Array, rpm: Array, intake_kelvin: Array) -> Array:
    """Speed-density equation: m = e_v p V N / (2 R T), kg/s (Heywood, chapter 2, four-stroke)."""
    swept_per_second = vehicle.displacement_m3 * rpm / 120
    return volumetric_efficiency(rpm) * pressure * swept_per_second / (_GAS_CONSTANT * intake_kelvin)


def calculated_load(vehicle: Vehicle, flow: Array, rpm: Array, ambient_kelvin: Array) -> Array:
    """Air flow over that at full throttle at this engine speed, 0 to 1 (SAE J1979, PID 04)."""
    standard = air_flow(vehicle, np.full_like(flow, ATMOSPHERE), rpm, np.full_like(flow, 298.0))
    return np.clip(flow / (standard * np.sqrt(298.0 / ambient_kelvin)), 0, 1)


def throttle_opening(flow: Array, pressure: Array, ambient_kelvin: Array) -> Array:
    """Angle of the throttle plate over 90°, 0 to 1, that lets a flow through.

    Compressible flow through an orifice of area A (Heywood, appendix C),
    m = C A p_a / sqrt(R T) psi(p / p_a), and A = pi D² / 4 (1 - cos t / cos t_0) for a plate at angle t.
    """
    ratio = np.maximum(pressure / ATMOSPHERE, (2 / (_HEAT_RATIO + 1)) ** (_HEAT_RATIO / (_HEAT_RATIO - 1)))
    psi = ratio ** (1 / _HEAT_RATIO) * np.sqrt(
        2 * _HEAT_RATIO / (_HEAT_RATIO - 1) * (1 - ratio ** ((_HEAT_RATIO - 1) / _HEAT_RATIO))
    )
    area = flow * np.sqrt(_GAS_CONSTANT * ambient_kelvin) / (_DISCHARGE * ATMOSPHERE * psi)
    share = np.clip(area / (np.pi * _THROTTLE_DIAMETER**2 / 4), 0, 1)
    return np.asarray(np.arccos(np.cos(_CLOSED_ANGLE) * (1 - share)) / (np.pi / 2))


def pedal_position(vehicle: Vehicle, torque: Array, accessories: Array, rpm: Array) -> Array:
    """Accelerator pedal, 0 to 1: 0.15 at rest, as its sensor reads, and more with the torque asked for.

    A pedal map of our own: the share of the torque that the engine has at this speed, to the power 0.8.
    """
    most = vehicle.displacement_m3 * 1.05e6 / (4 * np.pi) * volumetric_efficiency(rpm) / 0.85
    asked = np.clip((torque - accessories) / most, 0, 1)
    return 0.15 + 0.7 * asked**0.8


def volumetric_efficiency(rpm: Array) -> Array:
    """Share of the swept volume that fills: 0.85 at 3,500 rpm, less on either side."""
    return 0.85 - 0.1 * ((rpm - 3500) / 3500) ** 2


def _friction(rpm: Array, coolant_celsius: Array) -> Array:
    """Pa: fmep = 0.97 + 0.15 (N / 1000) + 0.05 (N / 1000)² bar when warm, up to 1.6 times that when cold."""
    warm = 0.97 + 0.15 * (rpm / 1000) + 0.05 * (rpm / 1000) ** 2
    return 1e5 * warm * (1 + 0.6 * np.clip((80 - coolant_celsius) / 80, 0, 1))


def _total_ratio(vehicle: Vehicle, gear: NDArray[np.int64]) -> Array:
    return np.array(vehicle.gear_ratios)[gear] * vehicle.final_drive


def _wheel_side_rpm(vehicle: Vehicle, gear: NDArray[np.int64], speed: Array) -> Array:
    return speed / vehicle.tyre_radius_m * _total_ratio(vehicle, gear) * 60 / (2 * np.pi)
