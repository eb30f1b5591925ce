"""What is scanned is what the strict decoder makes of the bytes; what it refuses, the scan leaves to it."""

import json
from datetime import UTC
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vehicle_anomaly.adapters.inbound.wire.decoding import RECORD, Encoding
from vehicle_anomaly.adapters.inbound.wire.readings import MAX_RECORD_BYTES, to_reading
from vehicle_anomaly.adapters.inbound.wire.scanned import Scan, Scanned, Shape, are_plain, as_array, shape_at

NAMES = ("speed", "rpm", "coolant temperature", "größe")
VECTORS, NAMED = Shape(3), Shape(len(NAMES), NAMES)

_decode = RECORD[Encoding.JSON]
_VALUE = st.one_of(st.floats(-1e38, 1e38), st.integers(-(2**70), 2**70), st.none())
_RECORD: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from(
                ["v", "veh-017", "x" * 64, "x" * 65, "", "Ü", 'a"b', "a\\b", "~ !"]
            ),
            "timestamp": st.sampled_from(
                ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00", "2026-11-22 10:00:00.5+05:30", "today", ""]
            ),
        },
        optional={
            "feature_vector": st.lists(_VALUE, max_size=4),
            "features": st.dictionaries(st.sampled_from([*NAMES, "more"]), _VALUE, max_size=5),
            "more": _VALUE,
        },
    )
)
_PLAIN: dict[str, Any] = {
    "vehicle_id": "veh-1",
    "timestamp": "2026-11-22T10:00:00.25+01:00",
    "feature_vector": [1.5, None, -3],
}
_CHANGES = st.one_of(
    st.sampled_from(
        [b"", b"\x00", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\t", b"\r", b"\xff", b"\xc3"]
    ),
    st.sampled_from(
        [b"null", b"1e400", b"NaN", b"-", b"0", b"1" * 30, b"[" * 2000, b'"vehicle_id":"w",', b"true"]
    ),
)


def _written(record: dict[str, Any], order: list[str], *, spaced: bool) -> bytes:
    shuffled = {name: record[name] for name in order if name in record} | record
    return json.dumps(shuffled, ensure_ascii=False, separators=None if spaced else (",", ":")).encode()


def _check(scanned: Scanned, position: int, text: bytes) -> None:
    """Hold one scanned record to what is decoded of its text."""
    record = _decode(text)
    reading, timestamp = to_reading(record)
    assert scanned.vehicle_id(position) == reading.vehicle_id
    assert scanned.timestamp(position) == timestamp
    moment = reading.timestamp.astimezone(UTC).replace(tzinfo=None)
    assert scanned.timestamps[position] == np.datetime64(moment, "us")
    values = reading.values
    if scanned.shape.names is not None:
        assert isinstance(values, dict)
        assert values.keys() <= set(scanned.shape.names)
        values = [values.get(name) for name in scanned.shape.names]
    expected = np.array([np.nan if value is None else value for value in values], np.float64)
    assert scanned.values[position].tobytes() == expected.tobytes()


_ORDERS = st.permutations(["vehicle_id", "timestamp", "feature_vector", "features"])


@given(
    _RECORD,
    _ORDERS,
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3), _CHANGES), max_size=2),
)
@example(_PLAIN, ["features"], False, [])
@example(_PLAIN, ["features"], True, [(300, 0, b" \r")])
@example(_PLAIN | {"vehicle_id": "a\\u0062"}, ["features"], True, [])
@example(_PLAIN, ["features"], False, [(300, 0, b"\0")])
def test_a_line_that_is_taken_is_what_is_decoded(
    record: dict[str, Any], order: list[str], spaced: bool, changes: list[tuple[int, int, bytes]]
) -> None:
    text = _written(record, order, spaced=spaced)
    for position, length, change in changes:
        text = text[:position] + change + text[position + length :]
    if b"\n" in text:
        return
    for shape in (VECTORS, NAMED):
        scan = Scan(as_array(text + b"\n"), shape, 2)
        if scan.lines() and scan.n_records:
            assert scan.n_records == 1
            _check(scan.scanned(), 0, text)
            # No byte beyond the end is looked at: what is cut off is not whole.
            assert not Scan(as_array(text.strip()[:-1]), shape, 2).lines()


@given(
    st.lists(st.tuples(_RECORD, _ORDERS, st.booleans()), min_size=1, max_size=5),
    st.sampled_from([b"", b"\n ", b"\t\r\n"]),
)
def test_items_that_are_taken_are_what_is_decoded(
    records: list[tuple[dict[str, Any], list[str], bool]], space: bytes
) -> None:
    texts = [_written(record, order, spaced=spaced) for record, order, spaced in records]
    body = b"[" + (space + b"," + space).join(texts) + b"]rest"
    shape = shape_at(as_array(body), 1, over_lines=True)
    if shape is None:
        return
    scan = Scan(as_array(body), shape, 9, 1)
    done = scan.items()
    if done:
        assert body[scan.at :] == b"rest"
        assert scan.n_records == len(texts)
    for position in range(scan.n_records):
        _check(scan.scanned(), position, texts[position])


@pytest.mark.parametrize("spaced", [True, False])
@pytest.mark.parametrize("order", [["vehicle_id"], ["feature_vector", "features", "timestamp"]])
def test_usual_records_are_taken(order: list[str], spaced: bool) -> None:
    named = {name: value for name, value in _PLAIN.items() if name != "feature_vector"} | {
        "features": {"rpm": 800, "größe": 1.5, "speed": None}
    }
    for record, shape in ((_PLAIN, VECTORS), (named, NAMED)):
        text = _written(record, order, spaced=spaced)
        scan = Scan(as_array(b"\n" + text + b"\r\n \n" + text), shape, 2)
        assert scan.lines()
        assert (scan.n_records, scan.n_lines) == (2, 4)
        _check(scan.scanned(), 1, text)


def test_names_may_stand_in_any_order_but_not_take_for_ever() -> None:
    names = tuple(f"signal_{number}" for number in range(4096))
    record = {"vehicle_id": "v", "timestamp": "2026-11-22T10:00:00Z"}
    usual = json.dumps(record | {"features": dict.fromkeys(names, 1.0)}).encode() + b"\n"
    backwards = json.dumps(record | {"features": dict.fromkeys(names[::-1], 1.0)}).encode() + b"\n"
    scan = Scan(as_array(usual + usual + backwards), Shape(len(names), names), 3)
    # What would take a step for each pair of names is left to the decoder, which hashes.
    assert not scan.lines()
    assert scan.n_records == 2


def test_a_name_that_stands_twice_is_left_to_the_decoder() -> None:
    text = b'{"vehicle_id":"v","timestamp":"2026-11-22T10:00:00Z","features":{"rpm":null,"rpm":1}}'
    assert not Scan(as_array(text), NAMED, 1).lines()
    assert shape_at(as_array(text), 0, over_lines=False) is None


def test_a_record_that_is_too_long_is_left_to_the_decoder() -> None:
    text = json.dumps(_PLAIN).encode().replace(b",", b"," + b" " * MAX_RECORD_BYTES, 1)
    assert not Scan(as_array(b"[" + text + b"]"), VECTORS, 1, 1).items()


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\x00b", "a\nb"])
def test_names_that_json_escapes_are_not_plain(name: str) -> None:
    assert not are_plain(["a", name])


def test_vehicles_are_named_whatever_their_number() -> None:
    vehicles = [f"veh-{number % 7000}" for number in range(9000)] + ["veh-0", "veh-1"]
    text = b"".join(json.dumps(_PLAIN | {"vehicle_id": vehicle}).encode() + b"\n" for vehicle in vehicles)
    scan = Scan(as_array(text), VECTORS, len(vehicles))
    assert scan.lines()
    vehicle_ids = scan.scanned().vehicle_ids()
    assert vehicle_ids == vehicles


def test_a_vehicle_is_named_once() -> None:
    vehicles = [f"veh-{number % 500:03}" for number in range(3000)]
    text = b"".join(json.dumps(_PLAIN | {"vehicle_id": vehicle}).encode() + b"\n" for vehicle in vehicles)
    scan = Scan(as_array(text), VECTORS, len(vehicles))
    assert scan.lines()
    vehicle_ids = scan.scanned().vehicle_ids()
    assert vehicle_ids == vehicles
    # A few meet in one place of the table and are forgotten for each other.
    assert len({id(vehicle) for vehicle in vehicle_ids}) < 1000


@given(st.binary(max_size=80))
def test_any_bytes_are_survived(data: bytes) -> None:
    for shape in (VECTORS, NAMED):
        Scan(as_array(data), shape, 3).lines()
        Scan(as_array(data), shape, 3).items()
    shape_at(as_array(data), 0, over_lines=True)
