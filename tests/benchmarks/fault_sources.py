"""What guards are measured on: readings to learn from, healthy ones, and the same with sensors at fault."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests import simulated_trucks
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.demo.fleet import Trip, simulate_trips
from vehicle_anomaly.demo.sensors import FEATURE_NAMES

Faulty = Mapping[str, tuple[NDArray[np.float64], frozenset[int | str]]]
"""By the name of the fault: readings that all have it, and the sensors that may be named."""

SPLITS: Final = {1: "1st, 4th, 7th, …", 2: "2nd, 5th, 8th, … (the benchmark's)", 3: "3rd, 6th, 9th, …"}
"""By the first of them: which real trips are scored."""
TRUCK_FLEETS: Final = 4
_DEMO_VEHICLES: Final = 12
_FAULTY_SHARE: Final = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One fleet.

    Attributes:
        batch: What to learn from.
        healthy: Shape (n_readings, n_features): of trips that were not learnt from.
        faults: What makes readings faulty, by the name of the fault.
    """

    batch: TelemetryBatch
    healthy: NDArray[np.float64]
    faults: Callable[[NDArray[np.float64]], Faulty] = field(default=lambda _: {})

    def spoilt(self) -> "Source":
        """Return it with 2 % of the readings to learn from at fault, each in a way of its own."""
        rng = np.random.default_rng(4)
        values = self.batch.values.copy()
        broken = [each for each, _ in self.faults(values).values()]
        rows = np.flatnonzero(rng.random(len(values)) < _FAULTY_SHARE)
        for row, which in zip(rows.tolist(), rng.integers(0, len(broken), rows.size).tolist(), strict=True):
            values[row] = broken[which][row]
        return replace(self, batch=replace(self.batch, values=values))


def has_real_trips() -> bool:
    """Whether the real trips are here."""
    return bool(os.environ.get("KIT_OBD2_DIR"))


def kit(first: int = 2) -> Source:
    """Return the real trips of one car: 16 to learn from, 8 to score."""
    # Imported here: it asks for the folder.
    from tests import real_trips  # noqa: PLC0415

    batch = real_trips.batch(real_trips.training_trips(first))
    names = batch.feature_names or ()

    def faults(healthy: NDArray[np.float64]) -> Faulty:
        return {
            fault: (real_trips.broken(healthy, names, fault), frozenset(real_trips.blamed(fault)))
            for fault in real_trips.FAULTS
        }

    return Source(batch, real_trips.signals(real_trips.scored_trips(first)), faults)


def demo_fleet() -> Source:
    """Return the cars that the demonstration simulates."""
    vehicles = [simulate_trips(3, number, 6, 900) for number in range(1, _DEMO_VEHICLES + 1)]
    learnt = [trip for trips in vehicles for trip in trips[:4]]
    batch = TelemetryBatch(
        np.concatenate([trip.values for trip in learnt]),
        [trip.vehicle_id for trip in learnt for _ in trip.values],
        np.concatenate([_times(trip) for trip in learnt]),
        FEATURE_NAMES,
    )
    healthy = np.concatenate([trip.values for trips in vehicles for trip in trips[4:]])
    return Source(batch, healthy, lambda values: _by_way(values, FEATURE_NAMES))


def trucks(fleet: int = 0) -> Source:
    """Return simulated trucks; fleets differ in all that chance decides."""
    batch = simulated_trucks.batch(simulated_trucks.trips(60, seed=1 + 10 * fleet))
    healthy = simulated_trucks.trips(60, seed=2 + 10 * fleet)
    return Source(batch, healthy, lambda values: _by_way(values, simulated_trucks.NAMES))


def unrelated(kind: str) -> Source:
    """Return signals that have nothing to do with each other: `normal`, `exponential` or `long-tailed`."""
    rng = np.random.default_rng(0)
    draw: Callable[[int], NDArray[np.float64]] = {
        "normal": lambda n: rng.normal(size=(n, 6)),
        "exponential": lambda n: rng.exponential(size=(n, 6)),
        "long-tailed": lambda n: rng.standard_t(4, size=(n, 6)),
    }[kind]
    return Source(simulated_trucks.batch(draw(30_000)), draw(100_000))


def _by_way(values: NDArray[np.float64], names: tuple[str, ...]) -> Faulty:
    return {
        f"{names[sensor]} {way}": (broken, frozenset({names[sensor]}))
        for (sensor, way), broken in simulated_trucks.faults(values).items()
    }


def _times(trip: Trip) -> NDArray[np.datetime64]:
    return trip.timestamps.astype("datetime64[us]")
