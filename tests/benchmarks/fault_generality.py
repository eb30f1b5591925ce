"""How guards do on what nobody looked at while they were made, and on batches that hold faults."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import fault_sources
from tests.benchmarks.fault_sources import SPLITS, TRUCK_FLEETS, Source
from tests.benchmarks.tables import Result
from tests.guarded import alarm_rate, found, trained_at
from vehicle_anomaly.core.model import TrainedModel

RATES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
_SPOILT_RATES: Final = (0.01, 0.015, 0.02)
_RATE: Final = 0.015
_SOME: Final = 5
"""Every fifth healthy reading is made faulty: neighbours are nearly the same."""


def rates() -> Result:
    """Measure how often healthy readings are called anomalies, by what was asked for."""
    rows: list[tuple[str, ...]] = []

    def add(name: str, batches: list[Source]) -> None:
        measured = np.array([_alarm_rates(source) for source in batches])
        rows.extend(_percents(f"{name}, {number}", each) for number, each in enumerate(measured, 1))
        if len(batches) > 1:
            sizes = [len(source.healthy) for source in batches]
            rows.append(_percents(f"{name}, all", np.average(measured, axis=0, weights=sizes)))

    if fault_sources.has_real_trips():
        add("real trips", [fault_sources.kit(first) for first in SPLITS])
    add("simulated trucks", [fault_sources.trucks(fleet) for fleet in range(TRUCK_FLEETS)])
    add("simulated petrol cars", [fault_sources.demo_fleet()])
    for kind in ("normal", "exponential", "long-tailed"):
        add(f"{kind} signals that have nothing to do with each other", [fault_sources.unrelated(kind)])
    header = ("healthy readings, held out", *(f"asked {100 * rate:g} %" for rate in RATES))
    return Result("false_alarm_rates", "False alarms by FALSE_ALARM_RATE", header, tuple(rows))


def elsewhere() -> Result:
    """Measure on other splits of the real trips and on other roads."""
    from tests import real_trips  # noqa: PLC0415

    rows: list[tuple[str, ...]] = []
    for first, name in SPLITS.items():
        source = fault_sources.kit(first)
        model = trained_at(source.batch, [_RATE])[_RATE]
        rows.append(_row(f"scored: {name}", model, source, source.healthy))
        if first == 2:
            rows.extend(
                _row(f"the same model, {road}", model, source, real_trips.signals(trips))
                for road, trips in (
                    ("free roads (`frei`)", real_trips.trips_of("frei")),
                    ("traffic jams (`stau`)", real_trips.trips_of("stau")),
                )
            )
    header = ("real trips", "readings", "found, mean of the faults", "sensor named first", "false alarms")
    title = f"Sensor faults on trips that nothing was chosen by, {100 * _RATE:g} % asked for"
    return Result("faults_elsewhere", title, header, tuple(rows))


def spoilt() -> Result:
    """Measure what 2 % of faulty readings in the batch cost."""
    sources = {
        "simulated petrol cars": fault_sources.demo_fleet(),
        "simulated trucks": fault_sources.trucks(),
    }
    if fault_sources.has_real_trips():
        sources |= {f"real trips, scored: {name}": fault_sources.kit(first) for first, name in SPLITS.items()}
    rows = tuple(row for name, source in sources.items() for row in _spoilt_rows(name, source))
    header = (
        "",
        "asked for",
        "clean: found",
        "false alarms",
        "2 % faulty: found",
        "false alarms",
        "found, kept",
    )
    return Result("faults_spoilt", "Batches of which 2 % are at fault", header, rows)


def _spoilt_rows(name: str, source: Source) -> Iterator[tuple[str, ...]]:
    clean, dirty = (trained_at(each.batch, _SPOILT_RATES) for each in (source, source.spoilt()))
    for rate in _SPOILT_RATES:
        recall = [_recall(models[rate], source, source.healthy)[0] for models in (clean, dirty)]
        alarms = [f"{100 * alarm_rate(models[rate], source.healthy):.2f} %" for models in (clean, dirty)]
        yield (
            name,
            f"{100 * rate:g} %",
            f"{recall[0]:.3f}",
            alarms[0],
            f"{recall[1]:.3f}",
            alarms[1],
            f"{100 * recall[1] / recall[0]:.1f} %",
        )


def _row(name: str, model: TrainedModel, source: Source, healthy: NDArray[np.float64]) -> tuple[str, ...]:
    recall, named = _recall(model, source, healthy)
    alarms = f"{100 * alarm_rate(model, healthy):.2f} %"
    return (name, f"{len(healthy):,}", f"{100 * recall:.1f} %", f"{100 * named:.1f} %", alarms)


def _recall(model: TrainedModel, source: Source, healthy: NDArray[np.float64]) -> tuple[float, float]:
    results = [found(model, values, blamed) for values, blamed in source.faults(healthy[::_SOME]).values()]
    return (
        float(np.mean([each.recall for each in results])),
        float(np.nanmean([each.named for each in results])),
    )


def _alarm_rates(source: Source) -> list[float]:
    return [alarm_rate(model, source.healthy) for model in trained_at(source.batch, RATES).values()]


def _percents(name: str, shares: NDArray[np.float64]) -> tuple[str, ...]:
    return (name, *(f"{100 * share:.2f} %" for share in shares))
