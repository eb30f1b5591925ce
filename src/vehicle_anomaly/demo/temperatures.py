"""Coolant and intake air, one second on. Source: Heywood (see `powertrain`), chapter 12."""

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.demo.powertrain import HEATING_VALUE
from vehicle_anomaly.demo.vehicle import Vehicle

Array = NDArray[np.float64]

_HEAT_CAPACITY = 45e3
"""Of coolant and the metal that warms with it, J/K."""

_COOLANT_SHARE = 0.30
"""Of the fuel's energy that goes into the coolant; a round figure between those that Heywood gives."""

_OPENING_KELVIN = 10.0
"""From where the thermostat begins to open to where it is open."""


def next_coolant(vehicle: Vehicle, coolant: Array, ambient: Array, fuel: Array, speed: Array) -> Array:
    """Heat balance of the coolant: C dT/dt = 0.30 m_f Q - (U_block + s U_radiator(v)) (T - T_ambient).

    s, the thermostat's opening, goes from 0 to 1 within 10 K; U_block = 20 W/K; U_radiator = 150 + 35 v W/K.

    Args:
        vehicle: Whose thermostat.
        coolant: °C.
        ambient: °C.
        fuel: kg/s.
        speed: m/s.

    Returns:
        °C, one second later.
    """
    opening = np.clip((coolant - vehicle.thermostat_celsius) / _OPENING_KELVIN, 0, 1)
    conductance = 20 + opening * (150 + 35 * speed)
    heat = _COOLANT_SHARE * fuel * HEATING_VALUE - conductance * (coolant - ambient)
    return coolant + heat / _HEAT_CAPACITY


def next_intake_air(intake: Array, coolant: Array, ambient: Array, speed: Array) -> Array:
    """Air under the bonnet: tends, with 60 s, to ambient + 2 K + 0.3 (T_coolant - T_ambient) exp(-v / 8 m/s).

    Standing in traffic it warms up; on the move fresh air comes in. The form is ours, the size everyday's.
    """
    tends_to = ambient + 2 + 0.3 * (coolant - ambient) * np.exp(-speed / 8)
    return intake + (tends_to - intake) / 60
