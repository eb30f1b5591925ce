"""What guards find of sensor faults beside the plain forest, on real trips and on simulated vehicles.

`python -m tests.benchmarks.faults`, or `just bench-faults`.
"""

import os
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from tests import simulated_trucks
from tests.benchmarks.tables import Result, show
from tests.guarded import Found, alarm_rate, found, trained
from vehicle_anomaly.core.model import TrainedModel
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.demo.fleet import Trip, simulate_trips
from vehicle_anomaly.demo.sensors import FEATURE_NAMES

Faulty = Mapping[str, tuple[NDArray[np.float64], frozenset[int | str]]]
"""By the name of the fault: readings that all have it, and the sensors that may be named."""

KIT_RATE: Final = 0.015
DEMO_VEHICLES: Final = 12


def kit() -> Result:
    """Measure on the real trips of one car."""
    # Imported here: it asks for the folder.
    from tests import real_trips  # noqa: PLC0415

    batch = real_trips.batch(real_trips.training_trips())
    healthy, names = real_trips.signals(real_trips.test_trips()), batch.feature_names or ()
    faulty: Faulty = {
        fault: (real_trips.broken(healthy, names, fault), frozenset(real_trips.blamed(fault)))
        for fault in real_trips.FAULTS
    }
    return _measure("faults_kit", "real trips of one car (KIT OBD-II)", batch, healthy, faulty, KIT_RATE)


def demo_fleet() -> Result:
    """Measure on the cars that the demonstration simulates, on trips that were not learnt from."""
    vehicles = [simulate_trips(3, number, 6, 900) for number in range(1, DEMO_VEHICLES + 1)]
    learnt = [trip for trips in vehicles for trip in trips[:4]]
    healthy = np.concatenate([trip.values for trips in vehicles for trip in trips[4:]])
    batch = TelemetryBatch(
        np.concatenate([trip.values for trip in learnt]),
        [trip.vehicle_id for trip in learnt for _ in trip.values],
        np.concatenate([_times(trip) for trip in learnt]),
        FEATURE_NAMES,
    )
    faulty = _by_way(healthy, FEATURE_NAMES)
    return _measure(
        "faults_demo", "simulated petrol cars (the demonstration's)", batch, healthy, faulty, 0.01
    )


def trucks() -> Result:
    """Measure on simulated trucks, on trips that were not learnt from."""
    batch = simulated_trucks.batch(simulated_trucks.trips(60, seed=1))
    healthy = simulated_trucks.trips(30, seed=2)
    faulty = _by_way(healthy, simulated_trucks.NAMES)
    return _measure("faults_trucks", "simulated trucks", batch, healthy, faulty, 0.01)


def rates() -> Result:
    """Measure how often healthy readings are called anomalies, by what was asked for."""
    rng = np.random.default_rng(0)
    unrelated = simulated_trucks.batch(rng.normal(size=(30_000, 6)))
    sources: dict[str, tuple[TelemetryBatch, NDArray[np.float64]]] = {
        "simulated trucks": (
            simulated_trucks.batch(simulated_trucks.trips(60, seed=1)),
            simulated_trucks.trips(60, seed=2),
        ),
        "signals that have nothing to do with each other": (unrelated, rng.normal(size=(100_000, 6))),
    }
    if os.environ.get("KIT_OBD2_DIR"):
        from tests import real_trips  # noqa: PLC0415

        batch = real_trips.batch(real_trips.training_trips())
        sources["real trips"] = (batch, real_trips.signals(real_trips.test_trips()))
    asked = (0.001, 0.005, 0.01, 0.02, 0.05)
    rows = tuple(
        (name, *(f"{100 * alarm_rate(trained(batch, rate), healthy):.2f} %" for rate in asked))
        for name, (batch, healthy) in sources.items()
    )
    header = ("healthy readings, held out", *(f"asked {100 * rate:g} %" for rate in asked))
    return Result("false_alarm_rates", "False alarms by FALSE_ALARM_RATE", header, rows)


def _by_way(healthy: NDArray[np.float64], names: tuple[str, ...]) -> Faulty:
    return {
        f"{names[sensor]} {way}": (values, frozenset({names[sensor]}))
        for (sensor, way), values in simulated_trucks.faults(healthy[::10]).items()
    }


def _measure(  # noqa: PLR0917
    name: str, title: str, batch: TelemetryBatch, healthy: NDArray[np.float64], faulty: Faulty, rate: float
) -> Result:
    model = trained(batch, rate)
    results = {fault: found(model, values, blamed) for fault, (values, blamed) in faulty.items()}
    forest = {fault: _forest_alone(model, values) for fault, (values, _) in faulty.items()}
    rows = [
        (fault, _percent(each.recall), _percent(each.named), _percent(forest[fault]))
        for fault, each in results.items()
    ]
    rows.append(("mean", *_means(results), _percent(float(np.mean(list(forest.values()))))))
    alarms, alone = alarm_rate(model, healthy), _forest_alone(model, healthy)
    rows.append(
        (f"false alarms ({100 * rate:g} % asked for)", f"{100 * alarms:.2f} %", "", f"{100 * alone:.2f} %")
    )
    header = ("fault", "found", "of these, sensor named first", "found by the plain forest")
    return Result(name, f"Sensor faults on {title}, {len(healthy):,} healthy readings", header, tuple(rows))


def _means(results: Mapping[str, Found]) -> tuple[str, str]:
    return (
        _percent(float(np.mean([each.recall for each in results.values()]))),
        _percent(float(np.nanmean([each.named for each in results.values()]))),
    )


def _forest_alone(model: TrainedModel, X: NDArray[np.float64]) -> float:
    return float((model.score(X) < 0).mean())


def _percent(share: float) -> str:
    return "" if np.isnan(share) else f"{100 * share:.1f} %"


def _times(trip: Trip) -> NDArray[np.datetime64]:
    return trip.timestamps.astype("datetime64[us]")


def main() -> None:
    """Measure all, and print it."""
    benchmarks: list[Callable[[], Result]] = [demo_fleet, trucks, rates]
    if os.environ.get("KIT_OBD2_DIR"):
        benchmarks.insert(0, kit)
    else:
        Console().print("KIT_OBD2_DIR is not set: the real trips are left out")
    for benchmark in benchmarks:
        show(benchmark())


if __name__ == "__main__":
    main()
