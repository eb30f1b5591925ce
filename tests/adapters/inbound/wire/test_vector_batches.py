"""The quick way of a batch is the other way's equal, or leaves it to that."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vehicle_anomaly.adapters.inbound.wire.decoding import INGEST, Encoding
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.readings import decode_readings, to_batch
from vehicle_anomaly.adapters.inbound.wire.vector_batches import vector_batch
from vehicle_anomaly.core.errors import Refusal
from vehicle_anomaly.core.telemetry import TelemetryBatch

MAX_VALUES = 40

_NUMBERS = st.one_of(st.floats(-1e30, 1e30), st.integers(-(2**53), 2**53), st.none())
_GOOD: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "vehicle_id": st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64),
        "timestamp": st.sampled_from(
            ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.123456", "2026-11-22T10:00:00+05:30"]
        ),
        "feature_vector": st.lists(_NUMBERS, min_size=2, max_size=2),
    }
)
_ODD = st.sampled_from(
    [
        {"vehicle_id": ""},
        {"vehicle_id": 7},
        {"vehicle_id": "v" * 65},
        {"timestamp": "today"},
        {"timestamp": "0001-01-01T00:00:00+14:00"},
        {"timestamp": "9999-12-31T23:59:59-14:00"},
        {"feature_vector": []},
        {"feature_vector": [1.0]},
        {"feature_vector": [1.0, 1e300]},
        {"feature_vector": [1.0, True]},
        {"feature_vector": [1.0, "2"]},
        {"feature_vector": None},
        {"features": {"a": 1.0, "b": 2.0}},
        {"more": 1},
    ]
)
_RECORDS = st.lists(st.one_of(_GOOD, st.builds(lambda good, odd: good | odd, _GOOD, _ODD)), max_size=30)
_NAMES = st.sampled_from([None, ["a", "b"], ["a", "a"], ["a"], ["a", ""], []])


def _slow(records: list[msgspec.Raw], names: list[str] | None, encoding: Encoding) -> TelemetryBatch:
    return to_batch((reading for reading, _ in decode_readings(records, encoding)), names, MAX_VALUES)


@given(records=_RECORDS, names=_NAMES, encoding=st.sampled_from(list(Encoding)))
@example(
    records=[{"vehicle_id": "v", "timestamp": "2026-11-22T10:00:00Z", "feature_vector": [1.0, None]}],
    names=None,
    encoding=Encoding.JSON,
)
def test_it_gives_the_same_batch_or_none(
    records: list[dict[str, Any]], names: list[str] | None, encoding: Encoding
) -> None:
    encode = msgspec.json.encode if encoding is Encoding.JSON else msgspec.msgpack.encode
    raw = INGEST[encoding](encode({"records": records})).records
    quick = vector_batch(raw, names, encoding, MAX_VALUES)
    try:
        slow = _slow(raw, names, encoding)
    except (MalformedMessage, Refusal):
        assert quick is None
        return
    # What is in order and has vectors goes the quick way.
    if not any("features" in record for record in records):
        assert quick is not None
    if quick is not None:
        np.testing.assert_array_equal(quick.values, slow.values)
        np.testing.assert_array_equal(quick.timestamps, slow.timestamps)
        assert (list(quick.vehicle_ids), quick.feature_names) == (list(slow.vehicle_ids), slow.feature_names)


@pytest.mark.parametrize("encoding", list(Encoding))
def test_many_records_stay_in_order(encoding: Encoding) -> None:
    encode = msgspec.json.encode if encoding is Encoding.JSON else msgspec.msgpack.encode
    records = [
        {"vehicle_id": f"v{i}", "timestamp": "2026-11-22T10:00:00Z", "feature_vector": [i] * (500 + 1)}
        for i in range(2345)
    ]
    raw = INGEST[encoding](encode({"records": records})).records
    batch = vector_batch(raw, None, encoding, 10_000_000)
    assert batch is not None
    assert batch.values[:, 500].tolist() == list(range(2345))
    assert list(batch.vehicle_ids) == [f"v{i}" for i in range(2345)]
