"""Telemetry in CSV (RFC 4180): a header with `timestamp`, `vehicle_id` and the features, in any order."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Final

from vehicle_anomaly.adapters.inbound.files import csv_kernel
from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine
from vehicle_anomaly.adapters.inbound.files.numbered_lines import NumberedLines
from vehicle_anomaly.adapters.inbound.files.sourced import SourcedReading, first_wrong
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.readings import to_reading
from vehicle_anomaly.adapters.inbound.wire.requests import TelemetryRecord
from vehicle_anomaly.core.errors import InvalidTelemetry
from vehicle_anomaly.core.telemetry import MAX_FEATURE, MAX_FEATURE_NAME_LENGTH

TIMESTAMP: Final = "timestamp"
VEHICLE_ID: Final = "vehicle_id"

# Narrower than `float()`, which also takes `nan`, `inf`, `1_000` and digits of other scripts.
_NUMBER: Final = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
_OTHER_ROLES: Final = {VEHICLE_ID: csv_kernel.VEHICLE, TIMESTAMP: csv_kernel.TIME}
_PLAIN: Final = re.compile(r"[0-9.eE+-]*")
_SHOWN_CHARACTERS: Final = 64


class CsvTelemetry:
    """One CSV file whose header has been read.

    Attributes:
        feature_names: The columns that are features, in the header's order.
        header_line: Physical line of the header.
        lines_read: Physical lines up to its end.
    """

    def __init__(self, lines: NumberedLines) -> None:
        """Read the header.

        Raises:
            BadLine: There is none, or it cannot be one.
        """
        self._file = lines.file
        self._rows = _rows(lines)
        self.header_line, header = next(self._rows, (1, []))
        self.lines_read = lines.number
        fault = _fault_in_header(header)
        if fault:
            raise BadLine(self._file, self.header_line, fault)
        self._column = {name: column for column, name in enumerate(header)}
        self.feature_names = tuple(name for name in header if name not in (TIMESTAMP, VEHICLE_ID))

    def roles(self, feature_names: Sequence[str]) -> list[int]:
        """Return what each column is to `csv_kernel.scan_rows`, for features in some order."""
        position = {name: position for position, name in enumerate(feature_names)}
        return [position.get(name, _OTHER_ROLES.get(name, 0)) for name in self._column]

    def readings(
        self, feature_names: Sequence[str], lines: NumberedLines | None = None
    ) -> Iterator[SourcedReading]:
        """Read the rows.

        Args:
            feature_names: The order of the values of each reading; one that the file has no column for is
                missing in every reading.
            lines: Other rows under the same header; None: those that follow it.

        Raises:
            BadLine: A row is no reading.
        """
        timestamp, vehicle_id = self._column[TIMESTAMP], self._column[VEHICLE_ID]
        width = len(self._column)
        # A row is given one more cell, empty, which the features without a column are read from.
        features = [(name, self._column.get(name, width)) for name in feature_names]
        for line, cells in self._rows if lines is None else _rows(lines):
            if len(cells) != width:
                reason = f"expected {width} cells, as in the header, got {len(cells)}"
                raise BadLine(self._file, line, reason)
            cells.append("")
            values: list[float | None] | None = _plain_numbers([cells[column] for _, column in features])
            if values is None:
                values = [self._number(line, name, cells[column]) for name, column in features]
            try:
                reading, told = to_reading(TelemetryRecord(cells[vehicle_id], cells[timestamp], values))
            except (MalformedMessage, InvalidTelemetry) as error:
                wrong = first_wrong(error)
                raise self._bad_line(line, str(wrong.place), wrong.reason) from error
            yield SourcedReading(reading, told, self._file, line)

    def _number(self, line: int, column: str, cell: str) -> float | None:
        try:
            return _number(cell)
        except ValueError as error:
            raise self._bad_line(line, column, str(error)) from error

    def _bad_line(self, line: int, column: str, reason: str) -> BadLine:
        return BadLine(self._file, line, f"column {column!r}: {reason}")


def _rows(lines: NumberedLines) -> Iterator[tuple[int, list[str]]]:
    before = lines.number
    rows = csv.reader(lines.text(), strict=True)
    while True:
        # A quoted cell may hold line ends: a row is told by the line it begins at.
        line = before + rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadLine(lines.file, line, _in_words(error)) from error
        if cells:
            yield line, cells


def _in_words(error: csv.Error) -> str:
    if "new-line character" in str(error):
        return "a carriage return within the line: expected lines to end in LF or CRLF"
    return f"not CSV: {error}"


def _fault_in_header(header: Sequence[str]) -> str | None:
    expected = f"expected a header line with {TIMESTAMP}, {VEHICLE_ID} and at least one feature"
    if not header:
        return f"{expected}, got an empty file"
    for required in (TIMESTAMP, VEHICLE_ID):
        if required not in header:
            return f"no column {required!r}: {expected}, got {', '.join(map(repr, header))[:160]}"
    if set(header) == {TIMESTAMP, VEHICLE_ID}:
        return f"no feature: {expected}"
    return _fault_in_names(header)


def _fault_in_names(header: Sequence[str]) -> str | None:
    first_column: dict[str, int] = {}
    for column, name in enumerate(header, 1):
        if not name:
            return f"column {column} of {len(header)} has no name"
        if len(name) > MAX_FEATURE_NAME_LENGTH:
            return f"column {column}: expected at most {MAX_FEATURE_NAME_LENGTH} characters, got {len(name)}"
        if name in first_column:
            return f"column {name!r} stands twice, as columns {first_column[name]} and {column}"
        first_column[name] = column
    return None


def _plain_numbers(cells: Sequence[str]) -> list[float | None] | None:
    """Read a row that is all there in one go, several times as fast as cell by cell; None when it is not."""
    if not _PLAIN.fullmatch("".join(cells)):
        return None
    try:
        values = list(map(float, cells))
    except ValueError:
        return None
    return [*values] if min(values) >= -MAX_FEATURE and max(values) <= MAX_FEATURE else None


def _number(cell: str) -> float | None:
    if _NUMBER.fullmatch(cell):
        value = float(cell)
        if -MAX_FEATURE <= value <= MAX_FEATURE:
            return value
        shown = cell.strip()[:_SHOWN_CHARACTERS]
        raise ValueError(f"expected a finite number that float32 can hold, got {shown!r}")
    if not cell or cell.isspace():
        return None
    raise ValueError(f"expected a number, or nothing where it is missing, got {cell[:_SHOWN_CHARACTERS]!r}")
