"""Every way in which a message cannot be decoded, in words for who sent it.

The words are made from msgspec's; a new version of it that says something else fails here.
"""

from typing import Any

import msgspec
import pytest

from vehicle_anomaly.adapters.inbound.wire.decoding import INGEST, PROMOTE, RECORD, SCORE, Encoding
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.readings import decode_readings

NO_NAN = "; JSON has no NaN and no Infinity, and null is a missing reading"
START = b'{"vehicle_id":"v","timestamp":"t",'


def _told(decode: Any, message: bytes) -> str:
    with pytest.raises(MalformedMessage) as raised:
        decode(message)
    return str(raised.value)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (b"", "body: malformed: input data was truncated"),
        (b"[", "body: expected an object, got an array"),
        (b"7", "body: expected an object, got an integer"),
        (b"7.5", "body: expected an object, got a number"),
        (b"true", "body: expected an object, got a boolean"),
        (b"null", "body: expected an object, got null"),
        (b'"x"', "body: expected an object, got a string"),
        (b"{}", "vehicle_id: missing; this field is required"),
        (b'{"vehicle_id":"v"}', "timestamp: missing; this field is required"),
        (b'{"vehicle_id":7}', "vehicle_id: expected a string, got an integer"),
        (b'{"vehicle_id":""}', "vehicle_id: expected at least 1 character"),
        (b'{"vehicle_id":"' + b"v" * 65 + b'"}', "vehicle_id: expected at most 64 characters"),
        (b'{"colour":1}', "colour: unknown field"),
        (b'{"co`lour":1}', "co`lour: unknown field"),
        (b'{"a.b[0]":1}', "a.b[0]: unknown field"),
        (b'{"' + b"x" * 500 + b'":1}', "x" * 80 + ": unknown field"),
        (START + b'"feature_vector":[]}', "feature_vector: expected at least 1 item"),
        (START + b'"feature_vector":{}}', "feature_vector: expected an array, got an object"),
        (START + b'"feature_vector":[1,"2"]}', "feature_vector[1]: expected a number or null, got a string"),
        (
            START + b'"feature_vector":[1,true]}',
            "feature_vector[1]: expected a number or null, got a boolean",
        ),
        (START + b'"feature_vector":[1,[]]}', "feature_vector[1]: expected a number or null, got an array"),
        (
            START + b'"feature_vector":[1e39]}',
            "feature_vector[0]: expected a finite number that float32 can hold",
        ),
        (
            START + b'"feature_vector":[-1e400]}',
            "feature_vector[0]: expected a finite number that float32 can hold, got one beyond it",
        ),
        (
            START + b'"feature_vector":[1,NaN]}',
            f"feature_vector[1]: malformed: invalid character (byte 54){NO_NAN}",
        ),
        (
            START + b'"feature_vector":[1,-Infinity]}',
            f"feature_vector[1]: malformed: invalid character (byte 55){NO_NAN}",
        ),
        (START + b'"feature_vector":[1,01]}', "feature_vector[1]: malformed: invalid number (byte 55)"),
        (START + b'"features":{}}', "features: expected at least 1 name"),
        (START + b'"features":[]}', "features: expected an object, got an array"),
        (START + b'"features":{"a":1,"b":"x"}}', "features.b: expected a number or null, got a string"),
        (
            START + b'"features":{"a/~":-1e39}}',
            "features.a/~: expected a finite number that float32 can hold",
        ),
        (
            START + b'"features":{"a":1e400,"b":"x"}}',
            "features.a: expected a finite number that float32 can hold, got one beyond it",
        ),
        (START + b'"features":{"a":NaN}}', f"features.a: malformed: invalid character (byte 50){NO_NAN}"),
        (START + b'"features":{"a":"x"', "features: expected a number or null, got a string"),
        (b'{"vehicle_id":"\xff"}', "body: expected UTF-8, got b'\\xff' in a string"),
    ],
)
def test_json(message: bytes, told: str) -> None:
    assert _told(SCORE[Encoding.JSON], message) == told


RECORD_OF = {"vehicle_id": "v", "timestamp": "t"}


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            {**RECORD_OF, "feature_vector": [float("nan")]},
            "feature_vector[0]: expected a finite number that float32 can hold",
        ),
        (
            {**RECORD_OF, "features": {"b": float("inf")}},
            "features.b: expected a finite number that float32 can hold",
        ),
        ({**RECORD_OF, "features": {7: 1.0}}, "features: expected a string, got an integer as a name"),
        ({7: 1}, "body: expected a string, got an integer as a name"),
        ({"vehicle_id": b"v"}, "vehicle_id: expected a string, got bytes"),
        ({**RECORD_OF, "feature_vector": None}, "feature_vector: expected an array, got null"),
        ({"vehicle_id": msgspec.msgpack.Ext(7, b"")}, "vehicle_id: expected a string, got an extension type"),
    ],
)
def test_msgpack(message: Any, told: str) -> None:
    assert _told(SCORE[Encoding.MSGPACK], msgspec.msgpack.encode(message)) == told


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (b"", "body: malformed: input data was truncated"),
        (msgspec.msgpack.encode(RECORD_OF)[:-1], "body: malformed: input data was truncated"),
        (
            msgspec.msgpack.encode({**RECORD_OF, "feature_vector": [1]}) + b"]}",
            "body: malformed: trailing characters (byte 43)",
        ),
        (b"\xc1", "body: malformed: invalid opcode '\\xc1' (byte 0)"),
    ],
)
def test_bytes_that_are_no_msgpack(message: bytes, told: str) -> None:
    assert _told(SCORE[Encoding.MSGPACK], message) == told


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("decoders", [INGEST, SCORE, PROMOTE, RECORD])
def test_nesting_without_end(decoders: Any, encoding: Encoding) -> None:
    depth = 100_000
    deep = b'{"x":' * depth if encoding is Encoding.JSON else b"\x81\xa1x" * depth
    assert _told(decoders[encoding], deep) == "x: unknown field"
    records = (
        b'{"records":[' + b"[" * depth if encoding is Encoding.JSON else b"\x81\xa7records" + b"\x91" * depth
    )
    _told(decoders[encoding], records)


def test_records_are_told_by_their_position_and_all_of_them() -> None:
    records = [msgspec.Raw(b"{}"), msgspec.Raw(START + b'"feature_vector":[1]}'), msgspec.Raw(b"[]")]
    with pytest.raises(MalformedMessage) as raised:
        list(decode_readings(records, Encoding.JSON))
    assert [wrong.place.pointer for wrong in raised.value.wrong] == [
        "/records/0/vehicle_id",
        "/records/1/timestamp",
        "/records/2",
    ]


def test_nothing_is_read_for_a_caller_behind_a_bad_record() -> None:
    good = msgspec.Raw(START.replace(b'"t"', b'"2026-11-22T10:00:00Z"') + b'"feature_vector":[1]}')
    read = decode_readings([good, msgspec.Raw(b"[]"), good, good], Encoding.JSON)
    next(read)
    with pytest.raises(MalformedMessage, match=r"records\[1\]"):
        next(read)


def test_no_more_than_a_hundred_places_are_told() -> None:
    with pytest.raises(MalformedMessage) as raised:
        list(decode_readings([msgspec.Raw(b"{}")] * 5000, Encoding.JSON))
    assert len(raised.value.wrong) == 100
