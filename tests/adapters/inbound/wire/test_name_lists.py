"""Lists of more names than there may be features, and what else stands where records should."""

import tracemalloc

import msgspec
import pytest

from vehicle_anomaly.adapters.inbound.wire.bodies import decode_ingest, scan_body
from vehicle_anomaly.adapters.inbound.wire.decoding import INGEST, Encoding
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.name_lists import IngestFields, refuse_too_many_names
from vehicle_anomaly.adapters.inbound.wire.requests import IngestRequest
from vehicle_anomaly.core.telemetry import MAX_FEATURE_NAME_LENGTH, MAX_FEATURES

MEGABYTE = 1024 * 1024
RECORD = b'{"vehicle_id":"v","timestamp":"2026-11-22T10:00:00Z","feature_vector":[1,2,3]}'
TOO_MANY = f"feature_names: expected at most {MAX_FEATURES} items"


def message(names: bytes, key: bytes = b"feature_names", after: bytes = b"") -> bytes:
    return b'{"records":[%b],"%b":[%b]%b}' % (RECORD, key, names, after)


def peak_of(body: bytes) -> tuple[str, int]:
    """What is told of a request to train, and the most memory that it took beside the body."""
    tracemalloc.start()
    try:
        with pytest.raises(MalformedMessage) as refused:
            INGEST[Encoding.JSON](body)
        return str(refused.value), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


LONG = b",".join([b'"a"'] * MEGABYTE)


@pytest.mark.parametrize(
    "body",
    [
        message(LONG),
        message(b" \n" + LONG.replace(b",", b" ,\t")),
        message(rb'"\\",' * MEGABYTE + b'"a"'),
        message(LONG, key=rb"feature\u005fnames"),
        message(LONG, after=b',"feature_names":["a"]'),
    ],
    ids=["plain", "spaced", "escapes in names", "an escape in the key", "twice"],
)
def test_millions_of_names_are_refused_before_there_is_a_string_of_each(body: bytes) -> None:
    told, taken = peak_of(body)
    assert told == TOO_MANY
    assert taken < MEGABYTE


def test_another_field_that_is_such_a_list_is_told_as_what_it_is() -> None:
    told, taken = peak_of(message(LONG, key=b"x"))
    assert told == "x: unknown field"
    assert taken < MEGABYTE


def test_as_many_names_as_there_may_be_are_taken() -> None:
    names = [f"{number:0{MAX_FEATURE_NAME_LENGTH}}" for number in range(MAX_FEATURES)]
    # A quotation mark and a bracket in a text are no array.
    names[0], names[1] = '":["', ","
    written = b",".join(map(msgspec.json.encode, names))
    refuse_too_many_names(message(written))
    assert decode_ingest(message(written).replace(RECORD, b"0")).feature_names == names
    with pytest.raises(msgspec.ValidationError, match="length <= 4096"):
        refuse_too_many_names(message(written + b',"one more"'))


def test_the_fields_are_those_of_a_request_to_train() -> None:
    assert IngestFields.__struct_fields__ == IngestRequest.__struct_fields__


@pytest.mark.parametrize("before", [True, False])
def test_much_beside_the_records_is_not_copied(before: bool) -> None:
    much = b'"x":"%b"' % (b"a" * 8 * MEGABYTE)
    records = b'"records":[%b]' % RECORD
    body = b"{%b,%b}" % ((much, records) if before else (records, much))
    tracemalloc.start()
    try:
        assert scan_body(body, decode_ingest, 1000) is None
        assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    finally:
        tracemalloc.stop()
