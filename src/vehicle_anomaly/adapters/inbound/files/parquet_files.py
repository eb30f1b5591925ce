"""Telemetry in Parquet: a column per feature; read some thousand rows at a time."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import BinaryIO

import numpy as np

from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine
from vehicle_anomaly.adapters.inbound.files.columns import Columns
from vehicle_anomaly.adapters.inbound.files.sourced import SourcedReading
from vehicle_anomaly.adapters.inbound.wire.arrow import parquet_rows, read_parquet
from vehicle_anomaly.adapters.inbound.wire.arrow_layout import ArrowTelemetry
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.core.errors import InvalidFeatureNames
from vehicle_anomaly.core.telemetry import Reading


@dataclass(frozen=True, slots=True)
class ParquetColumns:
    """The features of a file.

    Attributes:
        feature_names: In the order of its columns.
        header_line: Where errors about them are told: there is no such line, and 0 is none of the rows.
    """

    feature_names: tuple[str, ...]
    header_line: int = 0


def parquet_readings(
    stream: BinaryIO, file: str, columns: Columns, advance: Callable[[int], None]
) -> Iterator[SourcedReading]:
    """Read the rows, which are told from 1 where CSV has lines.

    Args:
        stream: Of the file; it must be seekable.
        file: Its name, for errors.
        columns: Orders the columns.
        advance: Told, now and then, how many more bytes have been read.

    Raises:
        BadLine: A row is no reading, or the file is not Parquet.
        ArrowMissing: pyarrow is not installed.
    """
    if not stream.seekable():
        raise BadLine(file, 0, "Parquet is read from its end: expected a file, not a pipe")
    size = stream.seek(0, os.SEEK_END)
    first = reported = 0
    try:
        n_rows = parquet_rows(stream)
        for told in read_parquet(stream):
            yield from _rows(told, file, first, columns(file, ParquetColumns(told.feature_names)))
            first += len(told.vehicle_ids)
            advance(size * first // n_rows - reported)
            reported = size * first // n_rows
    except MalformedMessage as error:
        raise _located(error.wrong[0], file) from error
    except InvalidFeatureNames as error:
        raise BadLine(file, 0, error.flaws[0].reason) from error
    advance(size - reported)


def _rows(told: ArrowTelemetry, file: str, first: int, names: Sequence[str]) -> Iterator[SourcedReading]:
    at = {name: position for position, name in enumerate(told.feature_names)}
    # One more column, of missing readings, which the features without a column are read from.
    wanted = [at.get(name, -1) for name in names]
    X = np.column_stack([told.values, np.full(len(told.values), np.nan)])[:, wanted]
    cells = X.astype(object)
    cells[np.isnan(X)] = None
    values = cells.tolist()
    rows = zip(told.vehicle_ids, told.timestamps.tolist(), told.told_timestamps(), values, strict=True)
    for line, (vehicle_id, moment, text, vector) in enumerate(rows, first + 1):
        yield SourcedReading(Reading(vehicle_id, moment.replace(tzinfo=UTC), vector), text, file, line)


def _located(wrong: Wrong, file: str) -> BadLine:
    match wrong.place.steps:
        case ("records", int(row), *_, str(name)):
            return BadLine(file, row + 1, f"column {name!r}: {wrong.reason}")
        case _:
            return BadLine(file, 0, wrong.reason if wrong.place == Place() else str(wrong))
