"""How guards do on what nobody looked at while they were made, and on batches that hold faults."""

from collections.abc import Iterator
from functools import cache
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

_Models = tuple[Source, dict[float, TrainedModel]]
"""A fleet, and models of it by the rate that was asked for."""


def _at_all_rates(source: Source) -> _Models:
    return source, trained_at(source.batch, sorted({*RATES, *_SPOILT_RATES, _RATE}))


@cache
def _kit(first: int) -> _Models:
    return _at_all_rates(fault_sources.kit(first))


@cache
def _trucks(fleet: int) -> _Models:
    return _at_all_rates(fault_sources.trucks(fleet))


@cache
def _demo_fleet() -> _Models:
    return _at_all_rates(fault_sources.demo_fleet())


def rates() -> Result:
    """Measure how often healthy readings are called anomalies, by what was asked for."""
    rows: list[tuple[str, ...]] = []

    def add(name: str, batches: list[_Models]) -> None:
        measured = np.array(
            [[alarm_rate(models[rate], source.healthy) for rate in RATES] for source, models in batches]
        )
        rows.extend(_percents(f"{name}, {number}", each) for number, each in enumerate(measured, 1))
        if len(batches) > 1:
            sizes = [len(source.healthy) for source, _ in batches]
            rows.append(_percents(f"{name}, all", np.average(measured, axis=0, weights=sizes)))

    if fault_sources.has_real_trips():
        add("real trips", [_kit(first) for first in SPLITS])
    add("simulated trucks", [_trucks(fleet) for fleet in range(TRUCK_FLEETS)])
    add("simulated petrol cars", [_demo_fleet()])
    for kind in ("normal", "exponential", "long-tailed"):
        add(
            f"{kind} signals that have nothing to do with each other",
            [_at_all_rates(fault_sources.unrelated(kind))],
        )
    header = ("healthy readings, held out", *(f"asked {100 * rate:g} %" for rate in RATES))
    return Result("false_alarm_rates", "False alarms by FALSE_ALARM_RATE", header, tuple(rows))


def elsewhere() -> Result:
    """Measure on other splits of the real trips and on other roads."""
    from tests import real_trips  # noqa: PLC0415

    rows: list[tuple[str, ...]] = []
    for first, name in SPLITS.items():
        source, models = _kit(first)
        model = models[_RATE]
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
    title = f"Sensor faults on other trips and other roads, {100 * _RATE:g} % asked for"
    return Result("faults_elsewhere", title, header, tuple(rows))


def spoilt() -> Result:
    """Measure what 2 % of faulty readings in the batch cost."""
    clean = {"simulated petrol cars": _demo_fleet(), "simulated trucks": _trucks(0)}
    if fault_sources.has_real_trips():
        clean |= {f"real trips, scored: {name}": _kit(first) for first, name in SPLITS.items()}
    rows = tuple(row for name, models in clean.items() for row in _spoilt_rows(name, models))
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


def _spoilt_rows(name: str, learnt: _Models) -> Iterator[tuple[str, ...]]:
    source, clean = learnt
    dirty = trained_at(source.spoilt().batch, _SPOILT_RATES)
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


def _percents(name: str, shares: NDArray[np.float64]) -> tuple[str, ...]:
    return (name, *(f"{100 * share:.2f} %" for share in shares))
