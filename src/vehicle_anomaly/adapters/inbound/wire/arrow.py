"""Telemetry in Arrow: streams in and out over HTTP, and Parquet files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from vehicle_anomaly.adapters.inbound.wire.arrow_layout import (
    ArrowLayout,
    ArrowTelemetry,
    feature_names,
    wrong,
)
from vehicle_anomaly.adapters.inbound.wire.arrow_sizes import announced
from vehicle_anomaly.adapters.inbound.wire.limits import NO_LIMITS, MessageLimits
from vehicle_anomaly.adapters.inbound.wire.pyarrow_extra import require

MAX_VALUES: Final = 50_000_000
"""Rows times features of a stream: 400 MB in memory."""
MAX_EXPANDED_BYTES: Final = 1024 * 1024 * 1024
"""Of a stream's buffers, decompressed, and of its readings, laid out."""
# Real trips, compressed, take 20 times their size when laid out; a few kilobytes that become hundreds
# of megabytes are no telemetry.
_MOST_EXPANSION: Final = 40
_FREE_BYTES: Final = 40 * 1024 * 1024
# Of a reading beside its values: its time, its vehicle's id, and that id as an object of its own.
_READING_BYTES: Final = 8 + 8 + 64
# A batch takes a tenth of a millisecond and each of its columns a tenth of that, however few its rows are.
MAX_BATCHES: Final = 10_000
"""Record batches of a stream. Who streams has thousands of rows in each."""
_MOST_COLUMNS: Final = 100_000
# Smaller batches are decompressed in less time by one thread than it takes to hand them to several.
_THREADED_BYTES: Final = 1024 * 1024
ROWS_AT_ONCE: Final = 16_384


def read_stream(body: bytes, limits: MessageLimits = NO_LIMITS) -> ArrowTelemetry:
    """Read an Arrow IPC stream, a record batch at a time.

    Raises:
        MalformedMessage: It is none, has not the columns or values that it must have, or takes much more
            memory than its size.
        InvalidFeatureNames: A feature has no name, or a name stands twice.
        WrongFeatureCount: It has more features than the limit.
        TooManyRecords: It has, or says that it has, more rows than the limit.
        ArrowMissing: pyarrow is not installed.
    """
    pa = require()
    says = announced(body)
    _check_memory(says.expanded_bytes, len(body))
    if says.batches > MAX_BATCHES:
        raise wrong(f"expected at most {MAX_BATCHES} record batches, got {says.batches}: write larger ones")
    limits.check_records(range(says.rows))
    options = pa.ipc.IpcReadOptions(use_threads=says.expanded_bytes > says.batches * _THREADED_BYTES)
    try:
        with pa.ipc.open_stream(pa.BufferReader(body), options=options) as reader:
            names = feature_names(reader.schema)
            limits.check_features(len(names))
            if says.batches * len(names) > _MOST_COLUMNS:
                raise wrong(
                    f"expected at most {_MOST_COLUMNS} columns in all record batches together, got "
                    f"{says.batches * len(names)}: write larger batches"
                )
            if says.rows * len(names) > MAX_VALUES:
                raise wrong(f"expected at most {MAX_VALUES} values, got {says.rows * len(names)}")
            laid_out = says.rows * (8 * len(names) + _READING_BYTES)
            _check_memory(says.expanded_bytes + laid_out, len(body))
            telemetry = ArrowLayout(names, says.rows)
            for batch in reader:
                telemetry.add(batch)
            return telemetry.told()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise wrong(f"malformed: {_line(error)}") from error


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
            names = feature_names(file.schema_arrow)
            for batch in file.iter_batches(ROWS_AT_ONCE):
                telemetry = ArrowLayout(names, batch.num_rows, first)
                telemetry.add(batch)
                yield telemetry.told()
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


def _check_memory(needed: int, n_bytes: int) -> None:
    most = min(MAX_EXPANDED_BYTES, max(_FREE_BYTES, _MOST_EXPANSION * n_bytes))
    if needed > most:
        raise wrong(
            f"expected at most {most} bytes, decompressed and laid out, got {needed}: send it in parts"
        )


def _unreadable(error: Exception) -> Exception:
    """Return what is to be raised: the operating system's errors have a number, and stay what they are."""
    if isinstance(error, OSError) and error.errno is not None:
        return error
    return wrong(f"malformed: {_line(error)}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
