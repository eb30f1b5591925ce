"""Files of telemetry → one batch to learn from."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from vehicle_anomaly.adapters.inbound.cli.failure import Failure
from vehicle_anomaly.adapters.inbound.cli.telemetry_files import TelemetryFile, read_telemetry
from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine
from vehicle_anomaly.adapters.inbound.files.columns import SameColumns
from vehicle_anomaly.adapters.inbound.files.sourced import SourcedReading, wrong_in_record
from vehicle_anomaly.adapters.inbound.wire.readings import to_batch
from vehicle_anomaly.core.errors import InvalidTelemetry
from vehicle_anomaly.core.telemetry import Reading, TelemetryBatch


class _Origins:
    """Where each record of a batch was read, at 8 bytes a record."""

    def __init__(self) -> None:
        self._lines = array("Q")
        self._files: list[str] = []
        self._first_record: list[int] = []

    def note(self, readings: Iterable[SourcedReading]) -> Iterator[Reading]:
        """Pass readings on, and remember where they stand."""
        for sourced in readings:
            if not self._files or sourced.file != self._files[-1]:
                self._files.append(sourced.file)
                self._first_record.append(len(self._lines))
            self._lines.append(sourced.line)
            yield sourced.reading

    def __getitem__(self, record: int) -> tuple[str, int]:
        """Return file and line of a record."""
        return self._files[bisect_right(self._first_record, record) - 1], self._lines[record]


def read_batch(files: Sequence[TelemetryFile], advance: Callable[[int], None]) -> TelemetryBatch:
    """Read all files as one batch.

    Args:
        files: All of one format.
        advance: Told, now and then, how many more bytes have been read.

    Raises:
        Failure: There is no reading, or a sensor without any value.
        BadLine: A line is no reading, or does not fit the others.
        OSError: A file cannot be read.
    """
    columns = SameColumns()
    readings = read_telemetry(files, columns, advance)
    # With the first reading, the header that names the features has been read.
    first = next(readings, None)
    if first is None:
        raise Failure(f"no reading to learn from in {', '.join(file.name for file in files)}")
    origins = _Origins()
    try:
        return to_batch(origins.note(chain([first], readings)), columns.feature_names)
    except InvalidTelemetry as error:
        flaw = error.flaws[0]
        wrong = str(wrong_in_record(flaw))
        if flaw.record is None:
            raise Failure(wrong) from error
        raise BadLine(*origins[flaw.record], wrong) from error
