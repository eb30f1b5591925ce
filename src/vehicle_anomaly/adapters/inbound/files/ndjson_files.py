"""Telemetry in NDJSON: one record a line, as in the `records` of an HTTP request."""

from collections.abc import Iterator

from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine
from vehicle_anomaly.adapters.inbound.files.numbered_lines import NumberedLines
from vehicle_anomaly.adapters.inbound.files.sourced import SourcedReading, first_wrong
from vehicle_anomaly.adapters.inbound.wire.decoding import RECORD, Encoding
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.readings import to_reading
from vehicle_anomaly.core.errors import InvalidTelemetry


def ndjson_readings(lines: NumberedLines) -> Iterator[SourcedReading]:
    """Read the records; blank lines are skipped.

    Raises:
        BadLine: A line is no record.
    """
    decode = RECORD[Encoding.JSON]
    for line in lines:
        if line.isspace():
            continue
        try:
            reading, timestamp = to_reading(decode(line))
        except (MalformedMessage, InvalidTelemetry) as error:
            raise BadLine(lines.file, lines.number, str(first_wrong(error))) from error
        yield SourcedReading(reading, timestamp, lines.file, lines.number)
