"""The files that a command names, and their readings, one after another."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from vehicle_anomaly.adapters.inbound.files.block_scoring import BlockScoring
from vehicle_anomaly.adapters.inbound.files.columns import Columns
from vehicle_anomaly.adapters.inbound.files.formats import FileFormat
from vehicle_anomaly.adapters.inbound.files.numbered_lines import NumberedLines
from vehicle_anomaly.adapters.inbound.files.parquet_files import parquet_readings
from vehicle_anomaly.adapters.inbound.files.reading import read_file
from vehicle_anomaly.adapters.inbound.files.sourced import SourcedReading
from vehicle_anomaly.adapters.inbound.files.verdicts import SomeVerdicts

STANDARD_INPUT: Final = Path("-")


@dataclass(frozen=True, slots=True)
class TelemetryFile:
    """A file, or standard input.

    Attributes:
        path: `STANDARD_INPUT` for that.
        format: How it is written.
    """

    path: Path
    format: FileFormat

    @property
    def name(self) -> str:
        """What errors call it."""
        return "<stdin>" if self.path == STANDARD_INPUT else str(self.path)

    @property
    def size(self) -> int | None:
        """Bytes; None when it cannot be known before it is read."""
        return self.path.stat().st_size if self.path.is_file() and self.path != STANDARD_INPUT else None

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Open it for reading; leaving the context closes it, but for standard input."""
        return nullcontext(sys.stdin.buffer) if self.path == STANDARD_INPUT else self.path.open("rb")


def score_files(
    files: Sequence[TelemetryFile],
    scoring: BlockScoring,
    columns: Columns,
    advance: Callable[[int], None],
) -> Iterator[tuple[SomeVerdicts, bytes]]:
    """Score files one after another, never more than some blocks of them at a time.

    Args:
        files: In the order in which they are read.
        scoring: Scores.
        columns: Orders the columns of CSV and Parquet files.
        advance: Told, now and then, how many more bytes have been read.

    Yields:
        Verdicts in order, and their text.

    Raises:
        BadLine: A line is no reading, or does not fit the model.
        OSError: A file cannot be read.
    """
    for file in files:
        with file.open() as stream:
            if file.format is FileFormat.PARQUET:
                yield from scoring.readings(parquet_readings(stream, file.name, columns, advance))
            else:
                yield from scoring.file(stream, file.name, file.format, columns, advance)


def read_telemetry(
    files: Sequence[TelemetryFile], columns: Columns, advance: Callable[[int], None]
) -> Iterator[SourcedReading]:
    """Read files one after another, never more than a line of them at a time.

    Args:
        files: In the order in which they are read.
        columns: Orders the columns of CSV and Parquet files.
        advance: Told, now and then, how many more bytes have been read.

    Raises:
        BadLine: A line is no reading.
        OSError: A file cannot be read.
    """
    for file in files:
        with file.open() as stream:
            if file.format is FileFormat.PARQUET:
                yield from parquet_readings(stream, file.name, columns, advance)
                continue
            yield from read_file(NumberedLines(stream, file.name, advance), file.format, columns)
