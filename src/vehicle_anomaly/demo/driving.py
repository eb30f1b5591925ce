"""Where and how fast: the driving cycle of a trip, before any engine is asked.

Like the cycles of type approval (UN/ECE regulation 154, WLTC), a trip is a chain of phases in town, on
country roads and on motorways, with stops between; unlike them it is drawn at random.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.demo.vehicle import Vehicle

_KMH = 1 / 3.6

_REACTION_SECONDS = 3.0
"""Time constant with which a driver closes the gap to the speed wanted."""


@dataclass(frozen=True, slots=True)
class Drive:
    """What the road and the driver ask, second by second.

    Attributes:
        speed: Shape (n_trips, n_seconds), m/s; (n_trips,) of one second.
        acceleration: As `speed`, m/s².
        grade: As `speed`, the slope as rise over run.
    """

    speed: NDArray[np.float64]
    acceleration: NDArray[np.float64]
    grade: NDArray[np.float64]

    def at(self, second: int) -> "Drive":
        """One second of every trip."""
        return Drive(self.speed[:, second], self.acceleration[:, second], self.grade[:, second])


def drive(vehicle: Vehicle, n_trips: int, n_seconds: int, rng: np.random.Generator) -> Drive:
    """Draw trips that start and idle at the kerb.

    The speed v follows the wanted speed w as dv/dt = (w - v) / 3 s, within what the driver likes
    (-2.2 to about 1.6 m/s²) and what the engine can do (a < 0.6 P / (m v)).

    Args:
        vehicle: Sets what acceleration is possible.
        n_trips: Trips, independent of each other.
        n_seconds: Length of each; one value a second.
        rng: Where the traffic comes from.
    """
    speed = np.zeros((n_trips, n_seconds))
    for trip in range(n_trips):
        wanted = _wanted_speed(n_seconds, rng)
        liked = rng.uniform(0.9, 1.6)
        v = 0.0
        for second in range(1, n_seconds):
            possible = 0.6 * vehicle.rated_power_w / (vehicle.mass_kg * max(v, 1.0))
            change = (wanted[second] - v) / _REACTION_SECONDS
            v = max(0.0, v + min(max(change, -2.2), liked, possible))
            if wanted[second] == 0 and v < 0.3:
                v = 0.0
            speed[trip, second] = v
    acceleration = np.diff(speed, axis=1, prepend=speed[:, :1])
    grade = 0.012 * _wander((n_trips, n_seconds), 40.0, rng)
    return Drive(speed, acceleration, grade)


def _wanted_speed(n_seconds: int, rng: np.random.Generator) -> list[float]:
    wanted = [0.0] * int(rng.integers(10, 40))
    while len(wanted) < n_seconds:
        road = rng.choice(("town", "country", "motorway"), p=(0.6, 0.25, 0.15))
        if road == "town":
            cruise, length = rng.choice((30, 50)) * rng.uniform(0.85, 1.08), rng.integers(20, 70)
        elif road == "country":
            cruise, length = rng.uniform(65, 100), rng.integers(60, 150)
        else:
            cruise, length = rng.uniform(105, 130), rng.integers(90, 220)
        wanted += [cruise * _KMH] * int(length)
        if rng.random() < 0.6:
            wanted += [0.0] * int(rng.integers(12, 45))
    target = np.array(wanted[:n_seconds])
    target[target > 0] += 0.8 * _wander((1, n_seconds), 12.0, rng)[0][target > 0]
    followed: list[float] = target.tolist()
    return followed


def _wander(shape: tuple[int, int], seconds: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """An Ornstein-Uhlenbeck process of variance 1 along the second axis, with that correlation time."""
    keep = np.exp(-1 / seconds)
    kicks = rng.standard_normal(shape)
    path = np.empty(shape)
    path[:, 0] = kicks[:, 0]
    for step in range(1, shape[1]):
        path[:, step] = keep * path[:, step - 1] + np.sqrt(1 - keep * keep) * kicks[:, step]
    return path
