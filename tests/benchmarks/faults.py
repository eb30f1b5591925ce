"""What guards find of sensor faults beside the plain forest, on real trips and on simulated vehicles.

`python -m tests.benchmarks.faults`, or `just bench-faults`.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from tests.benchmarks import fault_sources
from tests.benchmarks.fault_generality import elsewhere, rates, spoilt
from tests.benchmarks.fault_sources import Source, has_real_trips
from tests.benchmarks.tables import Result, show
from tests.guarded import Found, alarm_rate, found, trained
from vehicle_anomaly.core.model import TrainedModel

KIT_RATE: Final = 0.015


def kit() -> Result:
    """Measure on the real trips of one car."""
    return _measure("faults_kit", "real trips of one car (KIT OBD-II)", fault_sources.kit(), 1, KIT_RATE)


def demo_fleet() -> Result:
    """Measure on the cars that the demonstration simulates, on trips that were not learnt from."""
    title = "simulated petrol cars (the demonstration's)"
    return _measure("faults_demo", title, fault_sources.demo_fleet(), 10, 0.01)


def trucks() -> Result:
    """Measure on simulated trucks, on trips that were not learnt from."""
    return _measure("faults_trucks", "simulated trucks", fault_sources.trucks(), 20, 0.01)


def _measure(name: str, title: str, source: Source, every: int, rate: float) -> Result:
    model, healthy = trained(source.batch, rate), source.healthy
    faulty = source.faults(healthy[::every])
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


def main() -> None:
    """Measure all, and print it."""
    benchmarks: list[Callable[[], Result]] = [demo_fleet, trucks, rates, spoilt]
    if has_real_trips():
        benchmarks = [kit, elsewhere, *benchmarks]
    else:
        Console().print("KIT_OBD2_DIR is not set: the real trips are left out")
    for benchmark in benchmarks:
        show(benchmark())


if __name__ == "__main__":
    main()
