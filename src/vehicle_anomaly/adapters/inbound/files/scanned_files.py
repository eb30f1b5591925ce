"""Blocks of lines → readings in columns, and one by one those that are not plain."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from vehicle_anomaly.adapters.inbound.files import csv_kernel
from vehicle_anomaly.adapters.inbound.files.blocks import Block
from vehicle_anomaly.adapters.inbound.files.csv_files import CsvTelemetry
from vehicle_anomaly.adapters.inbound.files.ndjson_files import ndjson_readings
from vehicle_anomaly.adapters.inbound.files.numbered_lines import NumberedLines
from vehicle_anomaly.adapters.inbound.files.sourced import SourcedReading
from vehicle_anomaly.adapters.inbound.wire.record_layout import DONE, N_SPANS, N_STATE
from vehicle_anomaly.adapters.inbound.wire.scanned import (
    Scan,
    Scanned,
    Shape,
    are_plain,
    as_array,
    likely_shape,
)
from vehicle_anomaly.core.model import ModelMetadata

Readings = Scanned | list[SourcedReading]
"""Some that stand one after another."""

ReadBlock = Callable[[Block], Iterator[Readings]]
"""Reads a block, in order; raises BadLine where a line is no reading."""


class _RowScan(Scan):
    """A scan of rows of CSV."""

    def __init__(self, data: np.ndarray, role: np.ndarray, n_features: int, n_rows: int) -> None:
        super().__init__(data, Shape(n_features), n_rows)
        self._role = role

    def lines(self) -> bool:
        """Read rows on, as `Scan.lines`."""
        ended = csv_kernel.scan_rows(
            self._data,
            self._state,
            self._role,
            self._room.values,
            self._room.spans,
            self._room.instants,
            self._room.has_offset,
        )
        return bool(ended == DONE)


def ndjson_blocks(model: ModelMetadata) -> ReadBlock:
    """Return what reads records for a model."""
    names = model.feature_names
    vectors = Shape(model.n_features)
    named = None if names is None or not are_plain(names) else Shape(model.n_features, names)

    def read(block: Block) -> Iterator[Readings]:
        found = likely_shape(block.text)
        shape = vectors if found is None or found.names is None else named
        if shape is None:
            yield list(ndjson_readings(block.lines(block.first, 0, len(block.text))))
            return
        scan = Scan(as_array(block.text), shape, block.n_lines)
        yield from _read(block, scan, ndjson_readings)

    return read


def csv_blocks(telemetry: CsvTelemetry, feature_names: Sequence[str]) -> ReadBlock:
    """Return what reads rows without quotes, under the header that has been read.

    Args:
        telemetry: Its header has been read.
        feature_names: The order of the values of each reading.
    """
    role = np.array(telemetry.roles(feature_names), np.int64)

    def read_lines(lines: NumberedLines) -> Iterator[SourcedReading]:
        return telemetry.readings(feature_names, lines)

    def read(block: Block) -> Iterator[Readings]:
        scan = _RowScan(as_array(block.text), role, len(feature_names), block.n_lines)
        yield from _read(block, scan, read_lines)

    return read


def _read(
    block: Block, scan: Scan, read_lines: Callable[[NumberedLines], Iterator[SourcedReading]]
) -> Iterator[Readings]:
    since = 0
    n_odd = 1
    while not scan.lines():
        if scan.n_records > since:
            yield scan.scanned(since)
        since = scan.n_records
        first, begin = block.first + scan.n_lines, scan.at
        scan.pass_lines(block.text, n_odd)
        # Where many are odd, what is read one by one is as much again each time: few calls, whatever comes.
        n_odd *= 2
        yield list(read_lines(block.lines(first, begin, scan.at)))
    if scan.n_records > since:
        yield scan.scanned(since)


def warm_up() -> None:
    """Compile what reads rows, or load what was compiled."""
    csv_kernel.scan_rows(
        as_array(b""),
        np.zeros(N_STATE, np.int64),
        np.zeros(1, np.int64),
        np.empty((0, 1)),
        np.empty((0, N_SPANS), np.int64),
        np.empty(0, np.int64),
        np.empty(0, np.uint8),
    )
