"""What one request may hold, as set, in every way in which it may be written."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from tests.adapters.inbound.http.service import NAMES, READING, Json, Service, problem_in, running

ARROW, NDJSON = "application/vnd.apache.arrow.stream", "application/x-ndjson"
MOST_RECORDS, MOST_FEATURES, MOST_LINE_BYTES, MOST_LEVELS = 5, 4, 2000, 6


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    limits: dict[str, Any] = {
        "max_records": MOST_RECORDS,
        "max_features": MOST_FEATURES,
        "max_line_bytes": MOST_LINE_BYTES,
        "max_nesting": MOST_LEVELS,
    }
    with running(tmp_path_factory.mktemp("store"), **limits) as service:
        yield service


def _records(count: int, n_features: int = 3) -> list[Json]:
    return [
        {**READING, "feature_vector": [row / 7, row % 3, -row, 1.0, 2.0][:n_features]} for row in range(count)
    ]


def _odd(records: list[Json]) -> bytes:
    """Write them so that the compiled scanners leave them to the strict decoder."""
    return json.dumps({"records": records}).replace("veh", "v\\u0065h").encode()


def _stream(records: list[Json]) -> bytes:
    rows = len(records)
    names = NAMES if len(records[0]["feature_vector"]) == len(NAMES) else [*NAMES, "d", "e"]
    table = pa.table(
        {
            "vehicle_id": ["v"] * rows,
            "timestamp": pa.array([0] * rows, pa.timestamp("us", "UTC")),
            **{name: [0.5 * row for row in range(rows)] for name in names},
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


WRITTEN: dict[str, tuple[str, Callable[[list[Json]], bytes]]] = {
    "plain": ("application/json", lambda records: msgspec.json.encode({"records": records})),
    "odd": ("application/json", _odd),
    "msgpack": ("application/msgpack", lambda records: msgspec.msgpack.encode({"records": records})),
    "arrow": (ARROW, _stream),
}
# With itself: what other tests have trained is the latest by then.
COMPARE = "/models/default/versions/v1/compare?with=v1"
PATHS = {"/ingest": 201, "/score/batch": 200, COMPARE: 200}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("path", PATHS)
def test_a_batch_of_more_records_than_there_may_be(limited: Service, path: str, written: str) -> None:
    content_type, write = WRITTEN[written]
    if path == COMPARE and content_type == ARROW:
        pytest.skip("not read there")
    told = problem_in(limited.post(path, write(_records(MOST_RECORDS + 1)), content_type=content_type))
    assert (told.status, told.type.rpartition(":")[2]) == (413, "too-many-records")
    count = f"at most {MOST_RECORDS} (MAX_RECORDS), got {MOST_RECORDS + 1}"
    assert told.detail == f"records: expected {count}: send them in parts"
    assert (
        limited.post(path, write(_records(MOST_RECORDS)), content_type=content_type).status_code
        == PATHS[path]
    )


def test_lines_that_are_compared(limited: Service) -> None:
    lines = [msgspec.json.encode(record) + b"\n" for record in _records(MOST_RECORDS + 1)]
    assert limited.post(COMPARE, b"".join(lines), content_type=NDJSON).status_code == 413
    assert limited.post(COMPARE, b"".join(lines[1:]), content_type=NDJSON).status_code == 200


def test_a_stream_may_have_any_number_of_lines(limited: Service) -> None:
    lines = b"".join(msgspec.json.encode(record) + b"\n" for record in _records(3 * MOST_RECORDS))
    answered = limited.post("/score/batch", lines, content_type=NDJSON).text.splitlines()
    assert len([line for line in answered if "anomaly_score" in line]) == 3 * MOST_RECORDS


@pytest.mark.parametrize("written", WRITTEN)
def test_more_features_than_there_may_be(limited: Service, written: str) -> None:
    content_type, write = WRITTEN[written]
    told = problem_in(
        limited.post("/ingest", write(_records(4, MOST_FEATURES + 1)), content_type=content_type)
    )
    assert (told.status, told.type.rpartition(":")[2]) == (400, "wrong-feature-count")
    assert f"expected at most {MOST_FEATURES} features (MAX_FEATURES), got {MOST_FEATURES + 1}" in told.detail


def test_a_line_that_is_longer_than_it_may_be(limited: Service) -> None:
    good = msgspec.json.encode(READING)
    lines = b"\n".join([good, good + b" " * MOST_LINE_BYTES, good])
    first, second, third = map(
        json.loads, limited.post("/score/batch", lines, content_type=NDJSON).text.splitlines()
    )
    assert "anomaly_score" in first
    assert "anomaly_score" in third
    assert (second["line"], second["status"]) == (2, 400)
    assert f"expected a line of at most {MOST_LINE_BYTES} bytes" in second["detail"]


def _nested(levels: int) -> Any:
    innermost: Any = 1.0
    for _ in range(levels):
        innermost = [innermost]
    return innermost


ENCODED: dict[str, tuple[str, Callable[[Any], bytes]]] = {
    "json": ("application/json", msgspec.json.encode),
    "msgpack": ("application/msgpack", msgspec.msgpack.encode),
}
# The bodies with something nested in them, how many levels there are around it, and where it stands.
NESTING: dict[str, tuple[Callable[[Any], Any], int, str]] = {
    "/score": (lambda inner: {**READING, "feature_vector": inner}, 1, "feature_vector[0]"),
    "/score/batch": (
        lambda inner: {"records": [{**READING, "feature_vector": inner}]},
        3,
        "records[0].feature_vector[0]",
    ),
    "/ingest": (
        lambda inner: {"records": [READING, {**READING, "features": inner}]},
        3,
        "records[1].features",
    ),
    COMPARE: (lambda inner: {"records": [{**READING, "timestamp": inner}]}, 3, "records[0].timestamp"),
}


@pytest.mark.parametrize("encoded", ENCODED)
@pytest.mark.parametrize("path", NESTING)
def test_a_message_that_is_nested_deeper_than_it_may_be(limited: Service, path: str, encoded: str) -> None:
    content_type, encode = ENCODED[encoded]
    body, around, place = NESTING[path]
    for levels in (MOST_LEVELS + 1, 30):
        message = encode(body(_nested(levels - around)))
        told = problem_in(limited.post(path, message, content_type=content_type))
        assert (told.status, told.type.rpartition(":")[2]) == (400, "malformed-message")
        limit = f"expected at most {MOST_LEVELS} levels (MAX_NESTING), got {levels}"
        assert told.detail.endswith(f": nested too deep: {limit}")
        assert told.detail.startswith(place)
    # What is wrong in another way is told so.
    told = problem_in(
        limited.post(path, encode(body(_nested(MOST_LEVELS - around))), content_type=content_type)
    )
    assert told.status == 400
    assert "nested" not in told.detail


def test_a_line_that_is_nested_deeper_than_it_may_be(limited: Service) -> None:
    deep = msgspec.json.encode({**READING, "feature_vector": _nested(MOST_LEVELS)})
    lines = b"\n".join([msgspec.json.encode(READING), deep])
    first, second = map(
        json.loads, limited.post("/score/batch", lines, content_type=NDJSON).text.splitlines()
    )
    assert "anomaly_score" in first
    assert (second["line"], second["status"]) == (2, 400)
    assert f"at most {MOST_LEVELS} levels (MAX_NESTING), got {MOST_LEVELS + 1}" in second["detail"]
