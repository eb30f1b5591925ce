"""Records that were read into columns, and what reads them: the quick way of batches, streams and files.

What it cannot take (`json_kernel`) is no fault: it says where it stopped, and the strict decoder judges that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.adapters.inbound.wire import json_kernel, splice_kernel
from vehicle_anomaly.adapters.inbound.wire.record_layout import (
    AT,
    DONE,
    ID_FROM,
    ID_TO,
    LINES,
    N_SPANS,
    ROW,
    TIME_FROM,
    TIME_TO,
)
from vehicle_anomaly.core.telemetry import MAX_FEATURES

_SHORTEST_RECORD: Final = len('{"vehicle_id":"v","timestamp":"2026-11-22T10:00:00","features":{"a":1}}')


# Lines, for one that shows what they are.
_LOOKED_AT: Final = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """What kind of values records have.

    Attributes:
        n_features: How many.
        names: Their names, in records with `features`; None in those with a `feature_vector`.
    """

    n_features: int
    names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scanned:
    """Records in columns.

    Attributes:
        data: Where the spans are.
        shape: Of the values.
        values: Shape (n_records, n_features), float64; NaN is a missing reading.
        spans: Shape (n_records, N_SPANS): where vehicle and timestamp stand in `data`.
        instants: Shape (n_records,), int64: microseconds since 1970 in UTC.
        has_offset: Shape (n_records,), uint8: 0 where the timestamp has no offset from UTC.
    """

    data: NDArray[np.uint8]
    shape: Shape
    values: NDArray[np.float64]
    spans: NDArray[np.int64]
    instants: NDArray[np.int64]
    has_offset: NDArray[np.uint8]

    @classmethod
    def with_room(cls, data: NDArray[np.uint8], shape: Shape, n_records: int) -> Self:
        """Make room for records; what is never written to takes no memory."""
        return cls(
            data,
            shape,
            np.empty((n_records, shape.n_features)),
            np.empty((n_records, N_SPANS), np.int64),
            np.empty(n_records, np.int64),
            np.empty(n_records, np.uint8),
        )

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self.values)

    def part(self, records: slice) -> "Scanned":
        """Return some of them, in the same memory."""
        return Scanned(
            self.data,
            self.shape,
            self.values[records],
            self.spans[records],
            self.instants[records],
            self.has_offset[records],
        )

    def move(self, records: slice, to: int) -> None:
        """Put some of them in the place of others."""
        there = slice(to, to + records.stop - records.start)
        for column in (self.values, self.spans, self.instants, self.has_offset):
            column[there] = column[records]

    @property
    def timestamps(self) -> NDArray[np.datetime64]:
        """Shape (n_records,), datetime64[us] in UTC."""
        return self.instants.view("datetime64[us]")

    def vehicle_id(self, record: int) -> str:
        """Return the vehicle of a record."""
        return _text(self.data, self.spans[record, ID_FROM], self.spans[record, ID_TO])

    def timestamp(self, record: int) -> str:
        """Return the timestamp of a record as it is to be answered."""
        text = _text(self.data, self.spans[record, TIME_FROM], self.spans[record, TIME_TO])
        return text if self.has_offset[record] else f"{text}Z"

    def told(self, records: Sequence[int]) -> list[tuple[str, str]]:
        """Return vehicle and timestamp of some records, as they are to be answered."""
        data = self.data.data
        offsets = self.has_offset[records].tolist()
        return [
            (
                str(data[id_from:id_to], "ascii"),
                str(data[time_from:time_to], "ascii") + ("" if offset else "Z"),
            )
            for (id_from, id_to, time_from, time_to), offset in zip(
                self.spans[records].tolist(), offsets, strict=True
            )
        ]

    def vehicle_ids(self) -> list[str]:
        """Return the vehicle of each record; what is alike is one object, as far as that is quickly seen."""
        numbers = np.empty(len(self), np.int64)
        first = np.empty(len(self), np.int64)
        n_vehicles = splice_kernel.number_vehicles(self.data, self.spans, numbers, first)
        firsts = self.spans[first[:n_vehicles]]
        spans = zip(firsts[:, ID_FROM].tolist(), firsts[:, ID_TO].tolist(), strict=True)
        data = self.data.data
        names = np.array([str(data[begin:end], "ascii") for begin, end in spans], object)
        vehicle_ids: list[str] = names[numbers].tolist()
        return vehicle_ids


class Scan:
    """A scan of records of one shape, with room for so many."""

    def __init__(
        self, data: NDArray[np.uint8], shape: Shape, n_rows: int, at: int = 0, room: Scanned | None = None
    ) -> None:
        """Make room.

        Args:
            data: `as_array` of what is read.
            shape: Of the records; its names are all plain.
            n_rows: Records at most.
            at: Where it begins.
            room: Where the records go, if there is room for so many already.
        """
        room = Scanned.with_room(data, shape, n_rows) if room is None else room
        names = [name.encode() for name in shape.names or ()]
        self._names = as_array(b"".join(names))
        self._name_at = np.cumsum([0, *map(len, names)], dtype=np.int64)
        self._usual = np.arange(len(names), dtype=np.int64)
        self._data = data
        self._shape = shape
        self._room = room
        self._state = np.array([at, 0, 0], np.int64)

    @property
    def at(self) -> int:
        """Where it stopped."""
        return int(self._state[AT])

    @property
    def n_records(self) -> int:
        """Records read."""
        return int(self._state[ROW])

    @property
    def n_lines(self) -> int:
        """Lines passed."""
        return int(self._state[LINES])

    def lines(self) -> bool:
        """Read lines on; return whether it came to the end, and not to what it cannot take."""
        return self._scan(as_items=False) == DONE

    def items(self) -> bool:
        """Read the items of an array on; return whether it came behind its end."""
        return self._scan(as_items=True) == DONE

    def pass_lines(self, text: bytes, n_lines: int) -> int:
        """Go on behind the next lines of the text it reads, which ends with LF: so many at most.

        Returns:
            How many it passed.
        """
        at, passed = self.at, 0
        while passed < n_lines and at < len(text):
            at = text.index(b"\n", at) + 1
            passed += 1
        self._state[AT] = at
        self._state[LINES] += passed
        return passed

    def scanned(self, since: int = 0) -> Scanned:
        """Return what has been read, from a record on."""
        return self._room.part(slice(since, self.n_records))

    def _scan(self, *, as_items: bool) -> int:
        ended: int = json_kernel.scan(
            self._data,
            self._state,
            as_items,
            self._shape.names is not None,
            self._names,
            self._name_at,
            self._usual,
            self._room.values,
            self._room.spans,
            self._room.instants,
            self._room.has_offset,
        )
        return ended


def as_array(data: bytes) -> NDArray[np.uint8]:
    """Return bytes as an array, without copying them."""
    return np.frombuffer(data, np.uint8)


def shape_at(data: NDArray[np.uint8], at: int, *, over_lines: bool) -> Shape | None:
    """Look what kind of record begins at a position; None when it is not plain.

    Args:
        data: `as_array` of what is read.
        at: Where.
        over_lines: Whether a record may stand on several lines.
    """
    name_at, name_to = np.empty(MAX_FEATURES, np.int64), np.empty(MAX_FEATURES, np.int64)
    return shape_from(data, json_kernel.shape_of(data, at, over_lines, name_at, name_to), name_at, name_to)


def shape_from(
    data: NDArray[np.uint8], found: int, name_at: NDArray[np.int64], name_to: NDArray[np.int64]
) -> Shape | None:
    """Return what a kernel's `shape_of` has found; None when it is not plain, or a name stands twice."""
    if found >= 0:
        return Shape(found) if found else None
    spans = zip(name_at[:-found].tolist(), name_to[:-found].tolist(), strict=True)
    names = tuple(_text(data, begin, end) for begin, end in spans)
    return Shape(len(names), names) if len(set(names)) == len(names) else None


def likely_shape(text: bytes) -> Shape | None:
    """Tell what lines seem to be, by the first that is plain; None when none of the first few is."""
    data = as_array(text)
    at = 0
    for _ in range(_LOOKED_AT):
        found = shape_at(data, at, over_lines=False)
        if found is not None:
            return found
        at = text.find(b"\n", at) + 1
        if not 0 < at < len(text):
            break
    return None


def are_plain(names: Sequence[str]) -> bool:
    """Tell whether names stand in JSON as they are, and may be those of a scan's `Shape`."""
    return all(name.isprintable() and '"' not in name and "\\" not in name for name in names)


def most_records(n_bytes: int, shape: Shape, max_values: int) -> int:
    """Return a number of records that is enough for so many bytes, or for so many values.

    It is some times as many as there are: room that is never written to takes no memory.
    """
    shortest = _SHORTEST_RECORD + 2 * (shape.n_features - 1) if shape.names is None else _SHORTEST_RECORD
    return min(n_bytes // shortest + 1, max_values // shape.n_features)


def warm_up() -> None:
    """Compile what reads records, or load what was compiled."""
    line = as_array(b'{"vehicle_id":"v","timestamp":"2026-11-22T10:00:00","feature_vector":[1]}')
    shape_at(line, 0, over_lines=False)
    scan = Scan(line, Shape(1), 1)
    scan.lines()
    scan.scanned().vehicle_ids()


def _text(data: NDArray[np.uint8], begin: int, end: int) -> str:
    return data[begin:end].tobytes().decode()
