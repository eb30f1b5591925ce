"""Telemetry to begin with, in every form that is read; made here, so that none is kept as bytes."""

import io
import json
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

TIMES = ("2026-11-22T10:00:00Z", "2026-11-22T10:00:01.250+02:00", "2026-11-22T10:00:02")
NAMES = ("temperature", "pressure", "speed")


def records(*, named: bool) -> list[dict[str, Any]]:
    """Return three records that differ in what may differ."""
    rows: tuple[list[float | None], ...] = ([1470.0, 62.5, None], [0, -1.5e-3, 88], [3.4e38, 1e-320, 0.1])
    return [
        {"vehicle_id": f"veh-{row}", "timestamp": moment}
        | ({"features": dict(zip(NAMES, values, strict=True))} if named else {"feature_vector": values})
        for row, (moment, values) in enumerate(zip(TIMES, rows, strict=True))
    ]


def as_json(*messages: Any) -> list[bytes]:
    """Write messages compactly, and as people do."""
    return [msgspec.json.encode(each) for each in messages] + [
        json.dumps(each, indent=1).encode() for each in messages
    ]


def as_msgpack(*messages: Any) -> list[bytes]:
    """Write messages in MessagePack."""
    return [msgspec.msgpack.encode(each) for each in messages]


def batches(**further: Any) -> list[dict[str, Any]]:
    """Return batches by position and by name, one for a model that cannot be, and one of nothing."""
    return [
        {"records": records(named=False), **further},
        {"records": records(named=True), "model_name": "vans", "model_version": "v1"},
        {"records": records(named=False), "model_name": "va:ns"},
        {"records": []},
    ]


def single() -> list[dict[str, Any]]:
    """Return requests to score one reading."""
    return [
        {**records(named=False)[0], "explain": "always"},
        {**records(named=True)[1], "model_name": "vans", "model_version": "v1"},
    ]


def named_lines() -> bytes:
    """Return records with names, one a line."""
    return b"\n".join(map(msgspec.json.encode, records(named=True)))


def lines() -> list[bytes]:
    """Return records one a line, with what may stand between them."""
    written = [msgspec.json.encode(each) for each in (*records(named=False), *records(named=True))]
    return [
        b"\n".join(written),
        b"\xef\xbb\xbf" + b"\r\n\n ".join(written[:2]) + b"\n",
        written[0] + b"\n{}\n",
    ]


def csv() -> list[bytes]:
    """Return tables with and without quotes, and with missing cells."""
    return [
        b"vehicle_id,timestamp,temperature,pressure,speed\nv,2026-11-22T10:00:00Z,1,2.5,\n",
        b'timestamp,speed,vehicle_id,temperature\r\n2026-11-22T10:00:00+01:00,1e3,"a ""b"",c",-.5\r\n',
        b"\xef\xbb\xbfvehicle_id,timestamp,speed\nv,2026-11-22,x\n",
    ]


def arrow_streams() -> list[bytes]:
    """Return streams, plain and compressed, with a dictionary and with nulls."""
    return [_stream(_table(), each) for each in (None, "lz4", "zstd")]


def parquet_files() -> list[bytes]:
    """Return files, plain and compressed."""
    written = []
    for compression in ("none", "snappy", "zstd"):
        sink = io.BytesIO()
        pq.write_table(_table(), sink, compression=compression)
        written.append(sink.getvalue())
    return written


def _table() -> Any:
    moments = pa.array([0, 1_000_000, 2_000_000], pa.timestamp("us", "UTC"))
    vehicles = pa.array(["v", "w", "v"]).dictionary_encode()
    columns = {name: pa.array([1.0, None, float(place)]) for place, name in enumerate(NAMES)}
    return pa.table({"vehicle_id": vehicles, "timestamp": moments, **columns})


def _stream(table: Any, compression: str | None) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(
        sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)
    ) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written
