"""A batch in the order of time, vehicle by vehicle: what comes out of order or twice, and what does not move.

All in a few passes over blocks of rows: no copy of the batch is made.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import sequence_kernel
from vehicle_anomaly.core.telemetry import TelemetryBatch

STILL_STEPS: Final = 32
"""A stretch of so many steps of one vehicle is looked at as one: did a signal move in it, or not."""

MIN_READINGS_OF_A_VEHICLE: Final = 30
"""A signal of a vehicle with fewer readings may well have had no reason to move."""

_USUALLY_MOVES: Final = 0.9
_STUCK_STRETCHES: Final = 4
_MANY_VEHICLES: Final = 0.2
_PROBES: Final = 8
_BLOCK_CELLS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class StuckSignal:
    """A signal that stood still where others moved.

    Attributes:
        column: The feature.
        vehicle_id: The vehicle where it stood still longest.
        value: What it stood at.
        readings: For how many readings in a row there, at least.
        vehicles: In how many vehicles it stood still.
    """

    column: int
    vehicle_id: str
    value: float
    readings: int
    vehicles: int


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """What the order of a batch tells.

    Attributes:
        vehicle_ids: The vehicles.
        readings_per_vehicle: Shape (n_vehicles,).
        out_of_order: Readings that are earlier than the one before of the same vehicle.
        repeated_times: Readings of the same vehicle and time as another one, with other values.
        duplicates: Readings that repeat another one, value by value.
        stuck: Signals that stood still, one entry a feature at most.
    """

    vehicle_ids: tuple[str, ...]
    readings_per_vehicle: NDArray[np.intp]
    out_of_order: int
    repeated_times: int
    duplicates: int
    stuck: tuple[StuckSignal, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Ordered:
    """Rows by vehicle and time.

    Attributes:
        bits: Shape (n_readings, n_features): the values as integers, so that missing equals missing.
        order: Row numbers; None when the rows are in this order already.
        starts: Shape (n_vehicles + 1,): where each vehicle begins, and the end of the last one.
    """

    bits: NDArray[np.int64]
    order: NDArray[np.intp] | None
    starts: NDArray[np.intp]

    def rows(self, positions: slice | NDArray[np.intp]) -> NDArray[np.int64]:
        return self.bits[positions if self.order is None else self.order[positions]]

    def at(self, positions: slice | NDArray[np.intp], column: int) -> NDArray[np.int64]:
        return self.bits[positions if self.order is None else self.order[positions], column]


def sequences(batch: TelemetryBatch) -> Sequences:
    """Put the readings of each vehicle in order of time, and look at what follows what."""
    number: defaultdict[str, int] = defaultdict()
    number.default_factory = number.__len__
    found = np.fromiter(map(number.__getitem__, batch.vehicle_ids), np.intp, len(batch.vehicle_ids))
    # NumPy sorts these by radix.
    codes: NDArray[np.integer] = found.astype(np.uint16) if len(number) <= 2**16 else found
    times = batch.timestamps.astype("datetime64[us]", copy=False).view(np.int64)
    order, out_of_order = _order(codes, times)
    counts = np.bincount(codes, minlength=len(number))
    # For any other layout than that of batches which are read here, the kernel would be compiled anew.
    values = batch.values if batch.values.flags.carray else batch.values.copy(order="C")
    ordered = _Ordered(values.view(np.int64), order, np.concatenate([[0], np.cumsum(counts)]))
    duplicates, repeated_times = _repeated(ordered, times if order is None else times[order])
    names = tuple(number)
    return Sequences(names, counts, out_of_order, repeated_times, duplicates, tuple(_stuck(ordered, names)))


def _order(codes: NDArray[np.integer], times: NDArray[np.int64]) -> tuple[NDArray[np.intp] | None, int]:
    """Return the rows by vehicle and time, and how many came before an earlier one of their vehicle."""
    by_vehicle = None if not np.any(codes[1:] < codes[:-1]) else np.argsort(codes, kind="stable")
    if by_vehicle is not None:
        codes, arrived = codes[by_vehicle], times[by_vehicle]
    else:
        arrived = times
    same_vehicle = codes[1:] == codes[:-1]
    out_of_order = int(np.count_nonzero((arrived[1:] < arrived[:-1]) & same_vehicle))
    if not out_of_order:
        return by_vehicle, 0
    within = np.lexsort((arrived, codes))
    return within if by_vehicle is None else by_vehicle[within], out_of_order


def _repeated(ordered: _Ordered, times: NDArray[np.int64]) -> tuple[int, int]:
    """Count the readings that repeat the one before: wholly, and in vehicle and time alone."""
    again = times[1:] == times[:-1]
    again[ordered.starts[1:-1] - 1] = False
    later = np.flatnonzero(again) + 1
    duplicates = 0
    for begin in range(0, len(later), block := _block(ordered)):
        some = later[begin : begin + block]
        duplicates += int(np.count_nonzero((ordered.rows(some) == ordered.rows(some - 1)).all(axis=1)))
    return duplicates, len(later) - duplicates


def _stuck(ordered: _Ordered, vehicle_ids: Sequence[str]) -> Iterator[StuckSignal]:
    found: dict[int, list[tuple[int, int, int]]] = {}
    for column, vehicle, begin, length in [*_still_vehicles(ordered), *_still_stretches(ordered)]:
        found.setdefault(column, []).append((length, vehicle, begin))
    for column in sorted(found):
        length, vehicle, begin = max(found[column])
        value = float(ordered.at(np.array([begin]), column).view(np.float64)[0])
        vehicles = len({each[1] for each in found[column]})
        yield StuckSignal(column, vehicle_ids[vehicle], value, length, vehicles)


def _still_vehicles(ordered: _Ordered) -> Iterator[tuple[int, int, int, int]]:
    """Find signals that never move in a vehicle, though they do in most: column, vehicle, begin, length."""
    lengths = np.diff(ordered.starts)
    known = np.flatnonzero(lengths >= MIN_READINGS_OF_A_VEHICLE)
    if len(known) < 2:
        return
    # A few readings of each vehicle tell which of its signals may be still; those alone are read whole.
    first = ordered.rows(ordered.starts[known])
    still = ~_missing(first)
    for probe in range(1, _PROBES + 1):
        # The last one, too: a vehicle's last reading is at `starts + length - 1`.
        position = ordered.starts[known] + (lengths[known] - 1) * probe // _PROBES
        still &= ordered.rows(position) == first
    rare = still.sum(axis=0) <= max(1.0, _MANY_VEHICLES * len(known))
    for row, column in np.argwhere(still & rare).tolist():
        vehicle = int(known[row])
        begin, end = int(ordered.starts[vehicle]), int(ordered.starts[vehicle + 1])
        values = ordered.at(slice(begin, end), column)
        if np.all(values == values[0]) and _others_move(ordered, begin, end):
            yield column, vehicle, begin, end - begin


def _others_move(ordered: _Ordered, begin: int, end: int) -> bool:
    end = min(end, begin + _block(ordered))
    rows = ordered.rows(slice(begin, end))
    return bool(np.any(rows[1:] != rows[:-1]))


def _still_stretches(ordered: _Ordered) -> Iterator[tuple[int, int, int, int]]:
    """Find long stretches without a move of signals that seldom rest: column, vehicle, begin, length.

    Where a signal stands more than once, it rests: an engine that is off, a vehicle at a light.
    """
    moved, begins = _moved(ordered)
    if len(begins) < _STUCK_STRETCHES:
        return
    restless = moved.mean(axis=0) >= _USUALLY_MOVES
    still = ~moved & restless & np.any(moved, axis=1, keepdims=True)
    # Of one vehicle, a stretch begins where the one before ends.
    follows = begins[1:] - begins[:-1] == STILL_STEPS
    for column in np.flatnonzero(still.sum(axis=0) >= _STUCK_STRETCHES).tolist():
        runs = [(int(begins[first]), last - first + 1) for first, last in _runs(still[:, column], follows)]
        if max(length for _, length in runs) < _STUCK_STRETCHES:
            continue
        values = ordered.at(np.array([begin for begin, _ in runs]), column)
        times_there = dict(zip(*np.unique(values, return_counts=True), strict=True))
        for (begin, length), value in zip(runs, values, strict=True):
            if length >= _STUCK_STRETCHES and times_there[value] == 1 and not _missing(value).item():
                vehicle = int(np.searchsorted(ordered.starts, begin, side="right")) - 1
                yield column, vehicle, begin, length * STILL_STEPS + 1


def _runs(still: NDArray[np.bool_], follows: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Find where `still` is true in a row: first and last position of each run."""
    positions = np.flatnonzero(still)
    breaks = np.flatnonzero((np.diff(positions) > 1) | ~follows[positions[:-1]]) + 1
    for run in np.split(positions, breaks):
        if len(run):
            yield int(run[0]), int(run[-1])


def _moved(ordered: _Ordered) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Tell which signal moved in which stretch of one vehicle.

    Returns:
        Shape (n_stretches, n_features), and the position that each stretch begins at, ascending.
    """
    n_readings, n_features = ordered.bits.shape
    begins = np.arange(0, n_readings - STILL_STEPS, STILL_STEPS)
    # The last reading of a stretch is the first of the next: both are of the vehicle it begins with.
    vehicle_end = ordered.starts[np.searchsorted(ordered.starts, begins, side="right")]
    begins = begins[begins + STILL_STEPS < vehicle_end]
    moved = np.zeros((len(begins), n_features), np.bool_)
    order = np.empty(0, np.intp) if ordered.order is None else ordered.order
    sequence_kernel.moved_within(ordered.bits, order, begins, STILL_STEPS, moved)
    return moved, begins


def warm_up() -> None:
    """Compile what looks at a batch, or load it compiled, on the smallest one."""
    sequences(TelemetryBatch(np.zeros((1, 1)), ["v"], np.zeros(1, "datetime64[us]")))


def _missing(bits: NDArray[np.int64]) -> NDArray[np.bool_]:
    missing: NDArray[np.bool_] = np.isnan(bits.view(np.float64))
    return missing


def _block(ordered: _Ordered) -> int:
    n_features: int = ordered.bits.shape[1]
    return max(STILL_STEPS, _BLOCK_CELLS // n_features)
