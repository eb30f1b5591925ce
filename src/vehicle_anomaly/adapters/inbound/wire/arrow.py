"""Telemetry in Arrow: streams in and out over HTTP, and Parquet files; the one module that imports pyarrow.

It is an extra, and takes a moment to import: who sends no Arrow needs neither.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.adapters.inbound.wire.arrow_sizes import announced
from vehicle_anomaly.adapters.inbound.wire.limits import NO_LIMITS, MessageLimits
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.core.telemetry import MAX_FEATURE, MAX_VEHICLE_ID_LENGTH, check_feature_names

if TYPE_CHECKING:
    import pyarrow as pa

VEHICLE_ID: Final = "vehicle_id"
TIMESTAMP: Final = "timestamp"
MAX_VALUES: Final = 50_000_000
"""Rows times features of a stream: 400 MB in memory."""
MAX_EXPANDED_BYTES: Final = 512 * 1024 * 1024
"""Of a stream's buffers, decompressed."""
# Telemetry is compressed to a third or a tenth; a few bytes that become hundreds of megabytes are none.
_MOST_EXPANSION: Final = 20
_FREE_BYTES: Final = 32 * 1024 * 1024
ROWS_AT_ONCE: Final = 16_384

_FIRST_MOMENT: Final = np.datetime64("0001-01-01", "us")
_LAST_MOMENT: Final = np.datetime64("9999-12-31T23:59:59.999999", "us")


class ArrowMissing(Exception):
    """pyarrow is not installed; the message says how to install it."""


@dataclass(frozen=True, slots=True, eq=False)
class ArrowTelemetry:
    """Readings, column by column.

    Attributes:
        vehicle_ids: One per reading.
        timestamps: Shape (n_readings,), datetime64[us] in UTC.
        feature_names: In the order of the columns.
        values: Shape (n_readings, n_features), float64; NaN is a missing reading.
    """

    vehicle_ids: list[str]
    timestamps: NDArray[np.datetime64]
    feature_names: tuple[str, ...]
    values: NDArray[np.float64]

    def told_timestamps(self) -> list[str]:
        """Return the timestamps in RFC 3339, with as many digits as the one that needs most."""
        whole_seconds = bool((self.timestamps == self.timestamps.astype("datetime64[s]")).all())
        told = np.datetime_as_string(self.timestamps, "s" if whole_seconds else "us")
        return [f"{moment}Z" for moment in told.tolist()]


def require() -> Any:
    """Return pyarrow.

    Raises:
        ArrowMissing: It is not installed.
    """
    try:
        import pyarrow  # noqa: PLC0415  # an extra, which takes a moment to import
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        reason = "Arrow and Parquet need pyarrow: pip install 'vehicle-anomaly[arrow]'"
        raise ArrowMissing(reason) from error
    return pyarrow


def read_stream(body: bytes, limits: MessageLimits = NO_LIMITS) -> ArrowTelemetry:
    """Read an Arrow IPC stream.

    Raises:
        MalformedMessage: It is none, or has not the columns or values that it must have.
        InvalidFeatureNames: A feature has no name, or a name stands twice.
        TooManyRecords: It has, or says that it has, more rows than the limit.
        ArrowMissing: pyarrow is not installed.
    """
    pa = require()
    says = announced(body)
    most = min(MAX_EXPANDED_BYTES, max(_FREE_BYTES, _MOST_EXPANSION * len(body)))
    if says.expanded_bytes > most:
        raise _wrong(f"expected at most {most} bytes, decompressed, got {says.expanded_bytes}")
    limits.check_records(range(says.rows))
    try:
        with pa.ipc.open_stream(pa.BufferReader(body)) as reader:
            names = _feature_names(reader.schema)
            if says.rows * len(names) > MAX_VALUES:
                raise _wrong(f"expected at most {MAX_VALUES} values, got {says.rows * len(names)}")
            table = reader.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _wrong(f"malformed: {_line(error)}") from error
    if table.num_rows * len(names) > MAX_VALUES:
        raise _wrong(f"expected at most {MAX_VALUES} values, got {table.num_rows * len(names)}")
    return _telemetry(table, names)


def read_parquet(source: Path | BinaryIO) -> Iterator[ArrowTelemetry]:
    """Read a Parquet file, `ROWS_AT_ONCE` at a time.

    Raises:
        MalformedMessage: It is none, or has not the columns or values that it must have.
        InvalidFeatureNames: A feature has no name, or a name stands twice.
        ArrowMissing: pyarrow is not installed.
        OSError: It cannot be read.
    """
    pa = require()
    first = 0
    try:
        with pa.parquet.ParquetFile(source) as file:
            names = _feature_names(file.schema_arrow)
            for batch in file.iter_batches(ROWS_AT_ONCE):
                batch.validate(full=True)
                yield _telemetry(pa.Table.from_batches([batch]), names, first)
                first += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(error) from error


def parquet_rows(source: BinaryIO) -> int:
    """Return how many rows a Parquet file says it has; raises as `read_parquet`."""
    pa = require()
    try:
        return int(pa.parquet.read_metadata(source).num_rows)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(error) from error


def write_stream(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Write verdicts, column by column, as an Arrow IPC stream."""
    pa = require()
    texts = pa.list_(pa.string())
    number = pa.float64()
    contribution = pa.struct(
        [
            ("feature", pa.string()),
            ("contribution", number),
            ("observed", number),
            ("expected", number),
            ("deviation", number),
        ]
    )
    types = {
        "is_anomaly": pa.bool_(),
        "anomaly_score": number,
        "missing": texts,
        "reasons": texts,
        "percentile": number,
        "explanation": pa.list_(contribution),
    }
    table = pa.table(
        {name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()}
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _feature_names(schema: "pa.Schema") -> tuple[str, ...]:
    types = require().types
    for required in (VEHICLE_ID, TIMESTAMP):
        if schema.names.count(required) != 1:
            found = schema.names.count(required)
            raise _wrong(f"expected one column of that name, got {found or 'none'}", required)
    vehicle = schema.field(VEHICLE_ID).type
    kind = vehicle.value_type if types.is_dictionary(vehicle) else vehicle
    if not (types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)):
        raise _wrong(f"expected strings, got {str(vehicle)[:80]}", VEHICLE_ID)
    if not types.is_timestamp(schema.field(TIMESTAMP).type):
        raise _wrong(f"expected timestamps, got {str(schema.field(TIMESTAMP).type)[:80]}", TIMESTAMP)
    names = tuple(name for name in schema.names if name not in (VEHICLE_ID, TIMESTAMP))
    if not names:
        raise _wrong("expected at least one column that is a feature")
    check_feature_names(names)
    for name in names:
        kind = schema.field(name).type
        if not (types.is_integer(kind) or types.is_floating(kind)):
            raise _wrong(f"expected integers or floating-point numbers, got {str(kind)[:80]}", name)
    return names


def _telemetry(table: "pa.Table", names: tuple[str, ...], first_record: int = 0) -> ArrowTelemetry:
    values = np.empty((table.num_rows, len(names)))
    for position, name in enumerate(names):
        _fill(values[:, position], table.column(name), name, first_record)
    return ArrowTelemetry(
        _vehicle_ids(table.column(VEHICLE_ID), first_record),
        _moments(table.column(TIMESTAMP), first_record),
        names,
        values,
    )


def _fill(values: NDArray[np.float64], column: "pa.ChunkedArray", name: str, first_record: int) -> None:
    pa = require()
    at = 0
    for chunk in column.chunks:
        part = values[at : at + len(chunk)]
        part[:] = chunk.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        # Infinite, beyond float32, or NaN where there is a value; a missing one is NaN as well.
        bad = ~(np.abs(part) <= MAX_FEATURE)
        if chunk.null_count:
            bad &= chunk.is_valid().to_numpy(zero_copy_only=False)
        if bad.any():
            row = int(bad.argmax())
            reason = f"expected a finite number that float32 can hold, or null, got {part[row]}"
            raise MalformedMessage(
                [Wrong(Place(("records", first_record + at + row, "features", name)), reason)]
            )
        at += len(chunk)


def _vehicle_ids(column: "pa.ChunkedArray", first_record: int) -> list[str]:
    _refuse_nulls(column, VEHICLE_ID, first_record)
    vehicle_ids: list[str] = []
    for chunk in column.chunks:
        encoded = chunk if hasattr(chunk, "dictionary") else chunk.dictionary_encode()
        known = encoded.dictionary.to_pylist()
        indices = encoded.indices.to_numpy(zero_copy_only=False)
        bad = np.array([one is None or not 1 <= len(one) <= MAX_VEHICLE_ID_LENGTH for one in known], bool)
        if bad.any() and bad[indices].any():
            row = first_record + len(vehicle_ids) + int(bad[indices].argmax())
            raise MalformedMessage(
                [
                    Wrong(
                        Place(("records", row, VEHICLE_ID)),
                        f"expected 1 to {MAX_VEHICLE_ID_LENGTH} characters",
                    )
                ]
            )
        vehicle_ids += np.array(known, object)[indices].tolist() if len(indices) else []
    return vehicle_ids


def _moments(column: "pa.ChunkedArray", first_record: int) -> NDArray[np.datetime64]:
    pa = require()
    _refuse_nulls(column, TIMESTAMP, first_record)
    counted = column.cast(pa.int64()).to_numpy()
    unit = column.type.unit
    if unit == "ns":
        counted = counted // 1000
    factor = {"s": 1_000_000, "ms": 1000}.get(unit, 1)
    low, high = int(_FIRST_MOMENT.astype(np.int64)), int(_LAST_MOMENT.astype(np.int64))
    beyond = (counted < -(-low // factor)) | (counted > high // factor)
    if beyond.any():
        place = Place(("records", first_record + int(beyond.argmax()), TIMESTAMP))
        raise MalformedMessage([Wrong(place, "expected a time in the years 1 to 9999")])
    moments: NDArray[np.datetime64] = (counted * factor).astype("datetime64[us]")
    return moments


def _refuse_nulls(column: "pa.ChunkedArray", name: str, first_record: int) -> None:
    if column.null_count:
        row = int(column.is_null().to_numpy().argmax())
        raise MalformedMessage(
            [Wrong(Place(("records", first_record + row, name)), "expected a value, got null")]
        )


def _wrong(reason: str, *steps: str) -> MalformedMessage:
    return MalformedMessage([Wrong(Place(steps), reason)])


def _unreadable(error: Exception) -> Exception:
    """Return what is to be raised: the operating system's errors have a number, and stay what they are."""
    if isinstance(error, OSError) and error.errno is not None:
        return error
    return _wrong(f"malformed: {_line(error)}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
