"""A body in MessagePack that is scanned says what the decoded one says; what is odd, the decoder judges."""

import struct
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.adapters.inbound.wire.conftest import NAMES, outcome
from vehicle_anomaly.adapters.inbound.wire import bulk, commands
from vehicle_anomaly.adapters.inbound.wire.bulk import score_batch
from vehicle_anomaly.adapters.inbound.wire.commands import to_train_model_command, train_model_command
from vehicle_anomaly.adapters.inbound.wire.decoding import INGEST, Encoding
from vehicle_anomaly.adapters.inbound.wire.packed_bodies import decode_packed_ingest, scan_packed_body
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.train_model import TrainModelCommand

_HEAD: dict[str, Any] = {"vehicle_id": "veh-1", "timestamp": "2026-11-22T10:00:00Z"}
_VALUE = st.one_of(
    st.floats(),
    st.none(),
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([0, 127, 128, -1, -32, -33, 2**31]),
)
_RECORD = st.one_of(
    st.builds(lambda vector: _HEAD | {"feature_vector": vector}, st.lists(_VALUE, min_size=2, max_size=2)),
    st.builds(
        lambda values: {"features": values} | _HEAD, st.fixed_dictionaries(dict.fromkeys(NAMES, _VALUE))
    ),
    st.sampled_from(
        [
            _HEAD | {"feature_vector": [1.0]},
            _HEAD | {"features": {"rpm": 1.0}},
            _HEAD | {"features": {"torque": 1.0, "rpm": 2.0}},
            _HEAD | {"feature_vector": [1.0, True]},
            _HEAD | {"feature_vector": [1.0, 2.0], "vehicle_id": "x" * 64},
            _HEAD | {"feature_vector": [1.0, 2.0], "vehicle_id": "x" * 65},
            _HEAD | {"feature_vector": [1.0, 2.0], "vehicle_id": b"x"},
            _HEAD | {"feature_vector": [1.0, 2.0], "vehicle_id": "Ü"},
            _HEAD | {"feature_vector": [1.0, 2.0], "timestamp": "today"},
            7,
        ]
    ),
)
_BESIDE = st.fixed_dictionaries(
    {},
    optional={
        "model_name": st.sampled_from(["default", "records", "no name", "x" * 40, 7]),
        "feature_names": st.sampled_from(
            [None, ["rpm", "speed"], ["speed", "rpm", "torque"], ["a", "a"], ["records", "b"], [], [["a"]]]
        ),
        "false_alarm_rate": st.sampled_from([0.01, 7, -1]),
        "more": st.just({"records": []}),
    },
)


def _check(body: bytes) -> None:
    decoded = outcome(lambda: to_train_model_command(INGEST[Encoding.MSGPACK](body), Encoding.MSGPACK))
    scanned = outcome(lambda: train_model_command(body, Encoding.MSGPACK))
    if not isinstance(decoded, TrainModelCommand):
        assert scanned == decoded
        return
    assert isinstance(scanned, TrainModelCommand)
    one, other = scanned.batch, decoded.batch
    assert one.values.tobytes() == other.values.tobytes()
    np.testing.assert_array_equal(one.timestamps, other.timestamps)
    assert (list(one.vehicle_ids), one.feature_names) == (list(other.vehicle_ids), other.feature_names)
    assert (scanned.model_name, scanned.model_version) == (decoded.model_name, decoded.model_version)


_SCORE_BESIDE = st.fixed_dictionaries(
    {},
    optional={
        "model_name": st.sampled_from(["default", "records", "no name", "x" * 40, 7]),
        "model_version": st.sampled_from([None, "v1", "v2", ""]),
        "explain": st.sampled_from(["always", "never", "sometimes"]),
        "more": st.just({"records": []}),
    },
)


@given(st.lists(_RECORD, max_size=6), _SCORE_BESIDE, _SCORE_BESIDE)
@example([_HEAD | {"feature_vector": [-1.5, None]}] * 20, {"model_version": "v1"}, {"explain": "always"})
@example([_HEAD | {"feature_vector": [float("nan"), 1.0]}], {}, {})
@example([_HEAD | {"feature_vector": [float("inf"), 1.0]}], {}, {})
@example([_HEAD | {"feature_vector": [1.0, 1.0], "timestamp": "2026-11-22T10:00:00"}], {}, {})
def test_a_batch_gets_the_same_answer_scanned_and_decoded(
    score_telemetry: ScoreTelemetry, records: list[Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    body = msgspec.msgpack.encode(before | {"records": records} | after)

    def answer() -> bytes:
        return msgspec.msgpack.encode(score_batch(body, Encoding.MSGPACK, score_telemetry))

    decoded = outcome(answer)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bulk, "_DECODED_AT_ONCE_BYTES", 0)
        assert outcome(answer) == decoded


def test_usual_bodies_of_a_megabyte_are_scored_without_decoding(
    score_telemetry: ScoreTelemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*arguments: object) -> Any:
        raise AssertionError(arguments)

    monkeypatch.setattr(bulk, "score_split_batch", decoded)
    body = msgspec.msgpack.encode({"records": [_HEAD | {"feature_vector": [1.5, None]}] * 20_000})
    assert len(body) > 1024 * 1024
    assert len(score_batch(body, Encoding.MSGPACK, score_telemetry).results) == 20_000


@given(st.lists(_RECORD, max_size=6), _BESIDE, _BESIDE)
@example([_HEAD | {"feature_vector": [-1.5, None]}] * 20, {"model_name": "x"}, {"feature_names": NAMES})
def test_a_batch_is_the_same_scanned_and_decoded(
    records: list[Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    _check(msgspec.msgpack.encode(before | {"records": records} | after))


_USUAL = msgspec.msgpack.encode(
    {
        "model_name": "trucks",
        "records": [_HEAD | {"feature_vector": [1.5, None, -3, 2**40, 300]}] * 2,
        "feature_names": ["a", "b", "c", "d", "e"],
    }
)


@given(st.lists(st.tuples(st.integers(0, len(_USUAL)), st.integers(0, 2), st.binary(max_size=2)), max_size=3))
def test_bytes_that_were_changed_are_the_same_scanned_and_decoded(
    changes: list[tuple[int, int, bytes]],
) -> None:
    body = _USUAL
    for position, length, change in changes:
        body = body[:position] + change + body[position + length :]
    _check(body)


@pytest.mark.parametrize("length", range(len(_USUAL)))
def test_a_body_that_is_cut_off_is_left_to_the_decoder(length: int) -> None:
    assert scan_packed_body(_USUAL[:length], decode_packed_ingest, 100) is None


def test_a_body_that_lies_about_its_length_takes_no_memory() -> None:
    body = b"\x81\xa7records\xdd\xff\xff\xff\xff" + msgspec.msgpack.encode(_HEAD | {"feature_vector": [1.0]})
    assert scan_packed_body(body, decode_packed_ingest, 50_000_000) is None
    assert scan_packed_body(b"\xdf\xff\xff\xff\xff", decode_packed_ingest, 50_000_000) is None
    many = b"\x81\xadfeature_names\xdd\xff\xff\xff\xff" + b"\xc0" * 100_000
    assert scan_packed_body(many, decode_packed_ingest, 50_000_000) is None


def test_records_that_stand_twice_are_left_to_the_decoder() -> None:
    one = msgspec.msgpack.encode({"records": [_HEAD | {"feature_vector": [1.0]}]})
    for other in ([0], []):
        body = b"\x82" + one[1:] + msgspec.msgpack.encode({"records": other})[1:]
        assert scan_packed_body(body, decode_packed_ingest, 100) is None


def test_usual_bodies_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*arguments: object) -> Any:
        raise AssertionError(arguments)

    monkeypatch.setattr(commands, "to_train_model_command", decoded)
    batch = train_model_command(_USUAL, Encoding.MSGPACK).batch
    np.testing.assert_array_equal(batch.values, [[1.5, np.nan, -3, 2**40, 300]] * 2)
    named = {"records": [_HEAD | {"features": {"a": 1, "b": None}}, _HEAD | {"features": {"b": 2.5}}]}
    batch = train_model_command(msgspec.msgpack.encode(named), Encoding.MSGPACK).batch
    np.testing.assert_array_equal(batch.values, [[1, np.nan], [np.nan, 2.5]])


@pytest.mark.parametrize("value", [1.1, -0.0, 3.4e38, 1e-45])
def test_single_precision_is_read(value: float) -> None:
    single = b"\xca" + struct.pack(">f", value)
    body = _USUAL.replace(b"\xcb" + struct.pack(">d", 1.5), single)
    assert single in body
    _check(body)
