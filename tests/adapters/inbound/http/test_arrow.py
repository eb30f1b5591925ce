"""Arrow streams in and out: the same verdicts, the same strictness."""

import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.inbound.http.service import NAMES, Service, problem_in
from vehicle_anomaly.adapters.inbound.wire import arrow, arrow_layout
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.core.errors import Refusal

ARROW = "application/vnd.apache.arrow.stream"
MOMENT = datetime(2026, 11, 22, 10, tzinfo=UTC)


def stream(table: pa.Table, compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def in_batches(batches: list[pa.RecordBatch], **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    written_as = pa.ipc.IpcWriteOptions(compression="zstd", **options)
    with pa.ipc.new_stream(sink, batches[0].schema, options=written_as) as writer:
        for batch in batches:
            writer.write_batch(batch)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def a_table(rows: list[list[float | None]], **other: Any) -> pa.Table:
    columns: dict[str, Any] = {
        "vehicle_id": pa.array(["veh-1"] * len(rows), pa.string()),
        "timestamp": pa.array([MOMENT] * len(rows), pa.timestamp("us", "UTC")),
    }
    columns |= {
        name: pa.array([row[position] for row in rows], pa.float64()) for position, name in enumerate(NAMES)
    }
    return pa.table(columns | other)


def post(service: Service, path: str, body: bytes, **headers: str) -> Any:
    return service.post(path, body, content_type=ARROW, **headers)


values = st.none() | st.floats(-1e6, 1e6)


@settings(max_examples=25, deadline=None, database=None)
@given(rows=st.lists(st.lists(values, min_size=3, max_size=3), min_size=1, max_size=20))
def test_the_same_verdicts_as_in_json_and_msgpack(service: Service, rows: list[list[float | None]]) -> None:
    records = [
        {"vehicle_id": "veh-1", "timestamp": "2026-11-22T10:00:00Z", "feature_vector": row} for row in rows
    ]
    in_json = service.client.post("/score/batch", json={"records": records}).json()
    packed = service.post(
        "/score/batch", msgspec.msgpack.encode({"records": records}), content_type="application/msgpack"
    )
    assert packed.json() == in_json
    assert post(service, "/score/batch", stream(a_table(rows))).json() == in_json
    answered = post(service, "/score/batch", stream(a_table(rows), "zstd"), accept=ARROW)
    assert answered.headers["content-type"] == ARROW
    # A column of sentences stands for the reasons.
    assert pa.ipc.open_stream(answered.content).read_all().to_pylist() == [
        {**verdict, "reasons": [reason["message"] for reason in verdict["reasons"]]}
        for verdict in in_json["results"]
    ]


def test_a_weight_beyond_all_numbers_is_no_weight(service: Service) -> None:
    answered = post(service, "/score/batch", stream(a_table([[1.0, 2.0, 3.0]])), accept="a/b;q=inf")
    assert (answered.status_code, answered.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("explain", ["always", "anomalies", "never"])
def test_explanations_are_as_in_json(service: Service, explain: str) -> None:
    rows: list[list[float | None]] = [[1e3 * i, -5.0 * i, None if i % 2 else 2.0 * i] for i in range(8)]
    records = [
        {"vehicle_id": "veh-1", "timestamp": "2026-11-22T10:00:00Z", "feature_vector": row} for row in rows
    ]
    in_json = service.client.post("/score/batch", json={"records": records, "explain": explain}).json()
    answered = post(service, f"/score/batch?explain={explain}", stream(a_table(rows)), accept=ARROW)
    told = pa.ipc.open_stream(answered.content).read_all().to_pylist()
    assert [verdict["explanation"] for verdict in told] == [
        verdict["explanation"] for verdict in in_json["results"]
    ]
    if explain != "anomalies":
        assert {verdict["explanation"] is not None for verdict in told} == {explain == "always"}


@pytest.mark.parametrize(
    ("path", "place", "told"),
    [
        (
            "/score/batch?explain=sometimes",
            "/explain",
            "expected anomalies, always or never, got 'sometimes'",
        ),
        ("/score/batch?explain=", "/explain", "expected anomalies, always or never, got ''"),
        ("/score/batch?explain=never&explain=always", "/explain", "stands twice"),
        ("/score/batch?false_alarm_rate=0.1", "/false_alarm_rate", "unknown parameter"),
        ("/ingest?explain=always", "/explain", "unknown parameter"),
        ("/ingest?false_alarm_rate=few", "/false_alarm_rate", "expected a number, got 'few'"),
        ("/ingest?false_alarm_rate=0.7", "/false_alarm_rate", "expected 0.0001 to 0.5"),
        ("/ingest?false_alarm_rate=nan", "/false_alarm_rate", "expected 0.0001 to 0.5"),
    ],
)
def test_what_the_query_asks_for_and_is_not_is_told_by_its_place(
    service: Service, path: str, place: str, told: str
) -> None:
    problem = problem_in(post(service, path, stream(a_table([[1.0, 2.0, 3.0]]))))
    assert problem.status == 400
    assert isinstance(problem.errors, list)
    assert [(each.pointer, told in each.detail) for each in problem.errors] == [(place, True)]


def test_a_false_alarm_rate_in_the_query(scratch: Service) -> None:
    X = np.random.default_rng(0).normal(size=(120, 3)).tolist()
    answer = post(scratch, "/ingest?false_alarm_rate=0.05", stream(a_table(X))).json()
    assert answer["metadata"]["false_alarm_rate"] == 0.05


def test_train_as_in_json(scratch: Service) -> None:
    rows: list[list[float | None]] = [[i / 7, i % 3, None if i == 4 else -float(i)] for i in range(50)]
    records = [
        {"vehicle_id": "veh-1", "timestamp": "2026-11-22T10:00:00Z", "feature_vector": row} for row in rows
    ]
    body = {"records": records, "feature_names": NAMES, "model_version": "both", "model_name": "vans"}
    first = scratch.client.post("/ingest", json=body)
    again = post(scratch, "/ingest?model_name=vans&model_version=both", stream(a_table(rows)))
    assert (first.status_code, again.status_code) == (201, 201)
    # Under one version: other content would be refused.
    assert again.json() == first.json()


@pytest.mark.parametrize(
    "vehicles",
    [
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array(["a", "b"], pa.large_string()),
        pa.array(["a", "b"], pa.string_view()),
    ],
    ids=["dictionary", "large", "view"],
)
@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.timestamp("ms", "Europe/Berlin"), pa.timestamp("ns")])
def test_ways_to_write_vehicles_and_times(service: Service, vehicles: pa.Array, kind: pa.DataType) -> None:
    naive = [MOMENT.replace(tzinfo=None)] * 2
    times = pa.array(naive, pa.timestamp("us")).cast(pa.timestamp(kind.unit)).cast(kind, safe=False)
    if kind.tz is not None:
        times = pa.array([MOMENT] * 2, kind)
    table = a_table([[1, 2, 3]] * 2, vehicle_id=vehicles, timestamp=times)
    told = post(service, "/score/batch", stream(table)).json()["results"]
    assert [(one["vehicle_id"], one["timestamp"]) for one in told] == [
        ("a", "2026-11-22T10:00:00Z"),
        ("b", "2026-11-22T10:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("table", "detail"),
    [
        (a_table([[1, float("nan"), 3]]), "records[0].features.vehicle_speed_kmh: expected a finite number"),
        (a_table([[1, 2, 3], [1, 2, float("inf")]]), "records[1].features.coolant"),
        (a_table([[1, 1e39, 3]]), "records[0].features.vehicle_speed_kmh"),
        (a_table([[1, 2, 3]], vehicle_id=pa.array([None], pa.string())), "records[0].vehicle_id"),
        (a_table([[1, 2, 3]], vehicle_id=pa.array([""])), "records[0].vehicle_id: expected 1 to 64"),
        (a_table([[1, 2, 3]], vehicle_id=pa.array([7])), "vehicle_id: expected strings, got int64"),
        (a_table([[1, 2, 3]], timestamp=pa.array(["now"])), "timestamp: expected timestamps, got string"),
        (
            a_table([[1, 2, 3]], timestamp=pa.array([2**62], pa.timestamp("s"))),
            "records[0].timestamp: expected a time in the years",
        ),
        (a_table([[1, 2, 3]], lamp=pa.array([True])), "lamp: expected integers or floating-point"),
        (a_table([[1, 2, 3]], lamp=pa.nulls(1)), "lamp: expected integers or floating-point"),
        (a_table([[1, 2, 3]], lamp=pa.array([1.0])), "unknown name"),
        (a_table([[1, 2, 3]]).drop(["timestamp"]), "timestamp: expected one column of that name, got none"),
        (a_table([[1, 2, 3]]).rename_columns(["vehicle_id", "timestamp", "a", "a", "b"]), "stands already"),
        (a_table([]), "expected at least one record"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(service: Service, table: pa.Table, detail: str) -> None:
    told = problem_in(post(service, "/score/batch", stream(table)))
    assert told.status == 400
    assert detail in told.detail


def test_a_small_body_does_not_expand_beyond_a_bound() -> None:
    rows = 70_000_000
    zeros = pa.array(np.zeros(rows, np.int8))
    table = pa.table({"x": zeros, **{f"x{i}": zeros for i in range(8)}})
    with pytest.raises(MalformedMessage, match="decompressed"):
        arrow.read_stream(stream(table, "zstd"))


def test_what_is_small_until_it_is_laid_out_is_bounded_too() -> None:
    rows = 500_000
    zeros = pa.array(np.zeros(rows, np.int8))
    columns = a_table([]).select(["vehicle_id", "timestamp"]).schema
    vehicles = pa.array(["v"]).dictionary_encode().take(pa.array(np.zeros(rows, np.int8)))
    times = pa.array(np.zeros(rows, "M8[us]"), columns.field("timestamp").type)
    table = pa.table({"vehicle_id": vehicles, "timestamp": times, **{f"x{i}": zeros for i in range(16)}})
    with pytest.raises(MalformedMessage, match="decompressed and laid out"):
        arrow.read_stream(stream(table, "zstd"))
    assert arrow.read_stream(stream(table)).values.shape == (rows, 16)


def test_of_a_dictionary_only_what_is_used_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a million vehicles, and a batch for each reading, all of them each time would take minutes."""
    known = pa.array([f"veh-{number}" for number in range(1000)])
    tables = [
        a_table([[1, 2, 3]] * 2, vehicle_id=pa.DictionaryArray.from_arrays(pa.array([row, 7]), known))
        for row in range(100)
    ]
    told, texts = [], arrow_layout._texts  # noqa: SLF001

    def looked_at(dictionary: pa.Array, used: pa.Array) -> list[str | None]:
        told.append(len(used))
        return texts(dictionary, used)

    monkeypatch.setattr(arrow_layout, "_texts", looked_at)
    read = arrow.read_stream(stream(pa.concat_tables(tables)))
    assert read.vehicle_ids == [f"veh-{one}" for row in range(100) for one in (row, 7)]
    assert sum(told) == 199


def test_more_record_batches_than_may_be_are_refused_by_their_number(service: Service) -> None:
    batch = a_table([[1.0, 2.0, 3.0]]).to_batches()[0]
    most = arrow.MAX_BATCHES
    right = in_batches([batch] * most)
    assert len(arrow.read_stream(right).vehicle_ids) == most
    told = problem_in(post(service, "/score/batch", in_batches([batch] * (most + 1))))
    assert told.status == 400
    assert told.detail == "body: expected at most 10000 record batches, got 10001: write larger ones"


def growing(known: int, additions: int) -> bytes:
    """Batches of a reading each, all but the first of which add a vehicle to the dictionary."""
    vehicles = pa.array([*[""] * known, *(str(number) for number in range(additions + 1))])
    others = a_table([[1.0, 2.0, 3.0]]).drop_columns("vehicle_id").to_batches()[0]
    index = pa.array([known], pa.int32())
    dictionaries = (vehicles[: known + 1 + number] for number in range(additions + 1))
    return in_batches(
        [
            pa.RecordBatch.from_arrays(
                [pa.DictionaryArray.from_arrays(index, known_by_then), *others.columns],
                names=["vehicle_id", *others.schema.names],
            )
            for known_by_then in dictionaries
        ],
        emit_dictionary_deltas=True,
    )


def test_a_dictionary_that_grows_is_read() -> None:
    told = arrow.read_stream(growing(10, 100))
    assert told.vehicle_ids == ["0"] * 101


def test_a_large_dictionary_that_grows_often_is_refused() -> None:
    """Each addition took as long as the whole of it: minutes, for a few kilobytes."""
    body = growing(1_000_000, 40)
    assert len(body) < 100_000
    with pytest.raises(MalformedMessage, match="expected additions to dictionaries"):
        arrow.read_stream(body)


def test_another_dictionary_in_the_middle() -> None:
    tables = [
        a_table([[1, 2, 3]] * 2, vehicle_id=pa.array(names).dictionary_encode())
        for names in (["a", "b"], ["c", "a"], ["b", "b"])
    ]
    assert arrow.read_stream(stream(pa.concat_tables(tables))).vehicle_ids == ["a", "b", "c", "a", "b", "b"]


def test_an_index_beyond_its_dictionary() -> None:
    beyond = pa.DictionaryArray.from_arrays(pa.array([0, 5]), pa.array(["a"]), safe=False)
    with pytest.raises(MalformedMessage, match="beyond its dictionary"):
        arrow.read_stream(stream(a_table([[1, 2, 3]] * 2, vehicle_id=beyond)))


@settings(max_examples=300, deadline=None, database=None)
@given(data=st.data(), compression=st.sampled_from([None, "lz4", "zstd"]))
def test_a_damaged_stream_is_refused_or_read(data: st.DataObject, compression: str | None) -> None:
    body = bytearray(stream(a_table([[1, None, 3], [4, 5, 6]]), compression))
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), min_size=1, max_size=4)):
        body[place] = data.draw(st.integers(0, 255))
    with suppress(MalformedMessage, Refusal):
        told = arrow.read_stream(bytes(body[: data.draw(st.integers(0, len(body)))]))
        assert len(told.values) == len(told.vehicle_ids) == len(told.timestamps)


def test_without_pyarrow_it_says_what_to_install(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = post(service, "/score/batch", b"")
    assert answer.status_code == 415
    assert "pip install 'vehicle-anomaly[arrow]'" in answer.json()["detail"]
