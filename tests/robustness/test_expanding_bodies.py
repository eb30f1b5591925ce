"""Bodies that expand, nest, repeat keys or lie about length: none costs 50 MB beyond what is held idle."""

import gzip
import json
import socket
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from tests.adapters.inbound.http.service import NAMES, READING
from tests.http_service import host_and_port
from tests.robustness import arrow_schemas
from tests.robustness.process_memory import LINUX_ONLY, MEGABYTE, forget_peak, held, peak
from tests.robustness.served import SCORE_BODY, Served, served

pytestmark = LINUX_ONLY

PATHS = ("/score", "/score/batch", "/ingest", "/models/default/versions/v1/compare")
JSON, MSGPACK = "application/json", "application/msgpack"
ARROW, NDJSON = "application/vnd.apache.arrow.stream", "application/x-ndjson"
EXPANDED = 128 * MEGABYTE
DEEP = 1_000_000


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("store")) as running:
        for path in PATHS:
            running.client.post(path, content=b"{}")
            # pyarrow is loaded by who first sends Arrow.
            running.client.post(path, content=b"", headers={"content-type": ARROW})
        yield running


def _expanding_stream(compression: str, rows: int) -> bytes:
    columns = {
        "vehicle_id": pa.array(["v"], pa.string())
        .dictionary_encode()
        .take(pa.array(np.zeros(rows, np.int8))),
        "timestamp": pa.array(np.zeros(rows, "M8[us]"), pa.timestamp("us", "UTC")),
        **{name: pa.array(np.zeros(rows)) for name in NAMES},
    }
    table, sink = pa.table(columns), pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _small_integers(rows: int) -> bytes:
    """Bytes that are small, and become float64."""
    columns = {
        "vehicle_id": pa.array(["v"]).dictionary_encode().take(pa.array(np.zeros(rows, np.int8))),
        "timestamp": pa.array(np.zeros(rows, "M8[us]"), pa.timestamp("us", "UTC")),
        **{f"signal{number}": pa.array(np.zeros(rows, np.int8)) for number in range(24)},
    }
    return _written([pa.record_batch(columns)])


def _many_vehicles(known: int, batches: int) -> bytes:
    """Batches of a reading each that share a dictionary of millions of vehicles; the last is not right."""
    vehicles = pa.DictionaryArray.from_arrays(pa.array([known], pa.int32()), pa.array([""] * known + ["v"]))
    moments = pa.array(np.zeros(1, "M8[us]"), pa.timestamp("us", "UTC"))
    right, wrong = (
        pa.record_batch(
            {"vehicle_id": vehicles, "timestamp": moments, **{name: pa.array([value]) for name in NAMES}}
        )
        for value in (0.0, float("nan"))
    )
    return _written([*[right] * batches, wrong])


def _written(batches: Sequence[pa.RecordBatch]) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _lying_stream() -> bytes:
    """A few rows of which the first buffer says that it is 2 TB when unpacked."""
    moments = pa.array([datetime(2026, 11, 22, tzinfo=UTC)] * 2000, pa.timestamp("us", "UTC"))
    table = pa.table(
        {"vehicle_id": ["v"] * 2000, "timestamp": moments, **{name: [0.0] * 2000 for name in NAMES}}
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    data = bytearray(sink.getvalue().to_pybytes())
    frame = data.index(b"\x28\xb5\x2f\xfd")  # zstd's magic number; before it stands the size
    data[frame - 8 : frame] = struct.pack("<q", 2 * 1024**4)
    return bytes(data)


def _many_names(count: int) -> bytes:
    features = b",".join(b'"speed":%d' % number for number in range(count))
    return b'{"vehicle_id":"v","timestamp":"2026-11-22T10:00:00Z","features":{%b}}' % features


def _wrong_at_its_end(encode: Callable[[object], bytes], right: bytes) -> bytes:
    """A batch that only its last record keeps from being scored."""
    n_records = 10 * MEGABYTE // len(right)
    return encode({"records": [*[READING] * n_records, {**READING, "feature_vector": ["fast", 0, 0]}]})


GZIPPED = gzip.compress(b" " * EXPANDED, 1)
RECORDS = b"\x81\xa7records"
ABUSES: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "gzip": (JSON, GZIPPED, {"content-encoding": "gzip"}),
    "deflate": (JSON, zlib.compress(b"[" * EXPANDED, 1), {"content-encoding": "deflate"}),
    "gzip in gzip": (
        NDJSON,
        gzip.compress(GZIPPED),
        {"content-encoding": "gzip, gzip"},
    ),
    "gzip unsaid": (JSON, GZIPPED, {}),
    "npz": ("application/x-npz", GZIPPED, {}),
    "Arrow that lies": (ARROW, _lying_stream(), {}),
    "Arrow that expands": (ARROW, _expanding_stream("zstd", 2_000_000), {}),
    "Arrow of small integers": (ARROW, _small_integers(1_000_000), {}),
    "Arrow of four million vehicles": (ARROW, _many_vehicles(4_000_000, 300), {}),
    "Arrow of a name that fields share": (ARROW, arrow_schemas.shared_names(2000, 200_000), {}),
    "Arrow of metadata that fields share": (ARROW, arrow_schemas.shared_metadata(1000, 200_000), {}),
    "Arrow of a time zone that fields share": (ARROW, arrow_schemas.shared_time_zone(1000, 200_000), {}),
    "Arrow of one pair of metadata": (ARROW, arrow_schemas.metadata_of_the_schema(500, 200_000), {}),
    "Arrow of a field in a field": (ARROW, arrow_schemas.nested(5_000), {}),
    "Arrow of fields without end": (ARROW, arrow_schemas.nested(20_000), {}),
    "Arrow of many batches": (ARROW, _many_vehicles(1, 6_000), {}),
    "Arrow cut": (ARROW, _expanding_stream("lz4", 10_000)[:-500], {}),
    "msgpack array of 4 billion": (MSGPACK, RECORDS + b"\xdd\xff\xff\xff\xff", {}),
    "msgpack array of 4 billion, some there": (
        MSGPACK,
        RECORDS + b"\xdd\xff\xff\xff\xff" + b"\xc0" * 100_000,
        {},
    ),
    "msgpack map of 4 billion": (MSGPACK, b"\xdf\xff\xff\xff\xff" + b"\xa1a\xc0" * 1000, {}),
    "msgpack text of 4 GB": (MSGPACK, b"\x81\xdb\xff\xff\xff\xff" + b"a" * 1000, {}),
    "msgpack bytes of 4 GB": (MSGPACK, RECORDS + b"\xc6\xff\xff\xff\xff" + b"a" * 1000, {}),
    "msgpack extension of 4 GB": (MSGPACK, RECORDS + b"\xc9\xff\xff\xff\xff\x01" + b"a" * 1000, {}),
    "msgpack nested arrays": (MSGPACK, RECORDS + b"\x91" * DEEP, {}),
    "msgpack nested maps": (MSGPACK, b"\x81\xa1a" * DEEP, {}),
    "nested arrays": (JSON, b"[" * DEEP, {}),
    "nested objects": (JSON, b'{"a":' * DEEP, {}),
    "nested records": (JSON, b'{"records":[' + b"[" * DEEP + b"]" * DEEP + b"]}", {}),
    "nested features": (JSON, SCORE_BODY[:-1] + b',"features":' + b'{"a":' * DEEP + b"}" * DEEP + b"}", {}),
    "a model's name of ten megabytes": (
        JSON,
        SCORE_BODY[:-1] + b',"model_name":"' + b"a" * 10 * MEGABYTE + b'"}',
        {},
    ),
    "ten million empty lines": (NDJSON, b"\n" * 10_000_000, {}),
    "a number of a million digits": (JSON, SCORE_BODY.replace(b"0.1", b"1" * DEEP), {}),
    "a number beyond all": (JSON, SCORE_BODY.replace(b"0.1", b"1e999999999999"), {}),
    "a line without an end": (NDJSON, b"[" * 6 * MEGABYTE, {}),
    "five million noughts": (JSON, b'{"records":[' + b"0," * 5_000_000 + b"0]}", {}),
    "three million objects with nothing in them": (JSON, b'{"records":[' + b"{}," * 3_000_000 + b"{}]}", {}),
    "ten million nils": (MSGPACK, RECORDS + b"\xdd\x00\x98\x96\x80" + b"\xc0" * 10_000_000, {}),
    "a batch wrong at its end": (JSON, _wrong_at_its_end(msgspec.json.encode, SCORE_BODY), {}),
    "a batch wrong at its end, in msgpack": (
        MSGPACK,
        _wrong_at_its_end(msgspec.msgpack.encode, SCORE_BODY),
        {},
    ),
    "a name a hundred thousand times": (JSON, _many_names(100_000), {}),
    "two million names of features": (
        JSON,
        b'{"records":[%b],"feature_names":[%b"a"]}' % (SCORE_BODY, b'"a",' * 2_000_000),
        {},
    ),
    "a field a hundred thousand times": (JSON, b"{" + b'"records":[],' * 100_000 + b'"records":[]}', {}),
}


@pytest.mark.parametrize("abuse", ABUSES)
def test_it_is_refused_and_takes_no_memory(service: Served, abuse: str) -> None:
    content_type, body, headers = ABUSES[abuse]
    idle = held(service.pid).memory
    forget_peak(service.pid)
    for path in PATHS:
        sent = {"content-type": content_type, **headers}
        response = service.client.post(path, content=body, headers=sent)
        if content_type == NDJSON and response.status_code == 200:
            # A stream is answered line by line: each of its lines is a problem.
            lines = [json.loads(line) for line in response.text.splitlines()]
            assert all(400 <= line["status"] < 500 for line in lines)
        else:
            assert 400 <= response.status_code < 500, response.text[:500]
    assert peak(service.pid) - idle < 50 * MEGABYTE
    assert service.still_scores()


def test_a_version_of_ten_megabytes_is_not_promoted_and_takes_no_memory(service: Served) -> None:
    body = b'{"model_version":"' + b"a" * 10 * MEGABYTE + b'"}'
    idle = held(service.pid).memory
    forget_peak(service.pid)
    response = service.client.put("/models/default/latest", content=body, headers={"content-type": JSON})
    assert response.status_code == 400
    # The body as it comes in, and once as a text.
    assert peak(service.pid) - idle < 60 * MEGABYTE
    assert service.still_scores()


HEAD = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LIES = {
    "longer than it is": b"Content-Length: 1000\r\n\r\n" + SCORE_BODY,
    "endless": b"Content-Length: 999999999999999999\r\n\r\n{",
    "beyond counting": b"Content-Length: " + b"9" * 400 + b"\r\n\r\n{",
    "negative": b"Content-Length: -1\r\n\r\n{}",
    "a word": b"Content-Length: ten\r\n\r\n{}",
    "two lengths": b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length and chunks": b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk of 16 exabytes": b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n{",
    "a chunk beyond counting": b"Transfer-Encoding: chunked\r\n\r\n" + b"F" * 100 + b"\r\n{",
    "a chunk that is none": b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}",
    "coded twice": b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_length_is_refused_and_takes_no_memory(service: Served, lie: str) -> None:
    idle = held(service.pid).memory
    forget_peak(service.pid)
    with socket.create_connection(host_and_port(service.url), 60) as connection:
        connection.sendall(HEAD + LIES[lie])
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    # Who hangs up in the middle need not be answered.
    assert not answer or answer.startswith(b"HTTP/1.1 4"), answer[:500]
    assert peak(service.pid) - idle < 50 * MEGABYTE
    assert service.still_scores()


def test_what_follows_a_body_that_is_longer_than_it_says_is_no_request(service: Served) -> None:
    short = len(SCORE_BODY) - 5
    with socket.create_connection(host_and_port(service.url), 60) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % short + SCORE_BODY)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert READING["vehicle_id"] not in answer.decode() or b'"is_anomaly"' not in answer
    assert b"HTTP/1.1 2" not in answer
