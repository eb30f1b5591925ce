"""Files of telemetry: what format each has, and their readings, one after another."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Final

from vehicle_anomaly.adapters.inbound.cli.columns import Columns
from vehicle_anomaly.adapters.inbound.cli.csv_files import CsvTelemetry
from vehicle_anomaly.adapters.inbound.cli.ndjson_files import ndjson_readings
from vehicle_anomaly.adapters.inbound.cli.numbered_lines import NumberedLines
from vehicle_anomaly.adapters.inbound.cli.sourced import SourcedReading

STANDARD_INPUT: Final = Path("-")


class FileFormat(Enum):
    """How telemetry and verdicts are written."""

    CSV = "csv"
    NDJSON = "ndjson"


_BY_SUFFIX: Final = {".csv": FileFormat.CSV, ".ndjson": FileFormat.NDJSON, ".jsonl": FileFormat.NDJSON}


def format_by_name(path: Path) -> FileFormat | None:
    """Return the format that a file's name tells; None when it tells none."""
    return _BY_SUFFIX.get(path.suffix.lower())


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


def read_telemetry(
    files: Sequence[TelemetryFile], columns: Columns, advance: Callable[[int], None]
) -> Iterator[SourcedReading]:
    """Read files one after another, never more than a line of them at a time.

    Args:
        files: In the order in which they are read.
        columns: Orders the columns of CSV files.
        advance: Told, now and then, how many more bytes have been read.

    Raises:
        Failure: A line is no reading.
        OSError: A file cannot be read.
    """
    for file in files:
        with file.open() as stream:
            lines = NumberedLines(stream, file.name, advance)
            if file.format is FileFormat.CSV:
                telemetry = CsvTelemetry(lines)
                yield from telemetry.readings(columns(file.name, telemetry))
            else:
                yield from ndjson_readings(lines)
