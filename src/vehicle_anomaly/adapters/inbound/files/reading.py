"""The readings of one file, whatever its format."""

from collections.abc import Iterator

from vehicle_anomaly.adapters.inbound.files.columns import Columns
from vehicle_anomaly.adapters.inbound.files.csv_files import CsvTelemetry
from vehicle_anomaly.adapters.inbound.files.formats import FileFormat
from vehicle_anomaly.adapters.inbound.files.ndjson_files import ndjson_readings
from vehicle_anomaly.adapters.inbound.files.numbered_lines import NumberedLines
from vehicle_anomaly.adapters.inbound.files.sourced import SourcedReading


def read_file(lines: NumberedLines, file_format: FileFormat, columns: Columns) -> Iterator[SourcedReading]:
    """Read a file, never more than a line of it at a time.

    Args:
        lines: Of the file.
        file_format: How it is written.
        columns: Orders the columns, if it is CSV.

    Raises:
        BadLine: A line is no reading.
        OSError: The file cannot be read.
    """
    if file_format is FileFormat.CSV:
        telemetry = CsvTelemetry(lines)
        yield from telemetry.readings(columns(lines.file, telemetry))
    else:
        yield from ndjson_readings(lines)
