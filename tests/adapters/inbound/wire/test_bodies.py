"""A body that is scanned says what the decoded one says; what is odd about it, the decoder judges."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.adapters.inbound.wire.conftest import NAMES, outcome
from vehicle_anomaly.adapters.inbound.wire import bulk, commands
from vehicle_anomaly.adapters.inbound.wire.bodies import decode_ingest, scan_body
from vehicle_anomaly.adapters.inbound.wire.bulk import score_batch, score_batch_for_json
from vehicle_anomaly.adapters.inbound.wire.commands import to_train_model_command, train_model_command
from vehicle_anomaly.adapters.inbound.wire.decoding import INGEST, Encoding
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.train_model import TrainModelCommand

_HEAD: dict[str, Any] = {"vehicle_id": "veh-1", "timestamp": "2026-11-22T10:00:00Z"}
_VALUE = st.one_of(st.floats(-10, 10), st.none())
_RECORD = st.one_of(
    st.builds(lambda vector: _HEAD | {"feature_vector": vector}, st.lists(_VALUE, min_size=2, max_size=2)),
    st.builds(
        lambda values: _HEAD | {"features": values}, st.fixed_dictionaries(dict.fromkeys(NAMES, _VALUE))
    ),
    st.sampled_from(
        [
            _HEAD | {"feature_vector": [1.0]},
            _HEAD | {"features": {"rpm": 1.0}},
            _HEAD | {"features": {"torque": 1.0, "rpm": 2.0}},
            _HEAD | {"feature_vector": [1.0, 1e300]},
            _HEAD | {"feature_vector": [1.0, 2.0], "vehicle_id": "records"},
            _HEAD | {"feature_vector": [1.0, 2.0], "vehicle_id": "Ü"},
            _HEAD | {"feature_vector": [1.0, 2.0], "timestamp": "2026-11-22T10:00:00"},
            7,
        ]
    ),
)
_BESIDE = st.fixed_dictionaries(
    {},
    optional={
        "model_name": st.sampled_from(["default", "records", "no name", "other", 7, "a\\b"]),
        "model_version": st.sampled_from([None, "v1", "v2", ""]),
        "explain": st.sampled_from(["always", "never", "sometimes"]),
        "more": st.just(1),
    },
)
_INGEST_BESIDE = st.fixed_dictionaries(
    {},
    optional={
        "model_name": st.sampled_from(["default", "records", "no name"]),
        "feature_names": st.sampled_from(
            [None, ["rpm", "speed"], ["speed", "rpm", "torque"], ["a", "a"], ["records", "b"], [], ["a"]]
        ),
        "false_alarm_rate": st.sampled_from([0.01, 7]),
    },
)


def _body(records: list[Any], before: dict[str, Any], after: dict[str, Any], indent: int | None) -> bytes:
    return json.dumps(before | {"records": records} | after, indent=indent, ensure_ascii=False).encode()


@given(st.lists(_RECORD, max_size=6), _BESIDE, _BESIDE, st.sampled_from([None, 1]))
@example([_HEAD | {"feature_vector": [1.0, None]}] * 3, {}, {"model_name": "default"}, None)
def test_a_batch_gets_the_same_answer_scanned_and_decoded(
    score_telemetry: ScoreTelemetry,
    records: list[Any],
    before: dict[str, Any],
    after: dict[str, Any],
    indent: int | None,
) -> None:
    body = _body(records, before, after, indent)
    decoded = outcome(lambda: msgspec.json.encode(score_batch(body, Encoding.JSON, score_telemetry)))
    spliced = outcome(lambda: msgspec.json.encode(score_batch_for_json(body, score_telemetry)))
    assert spliced == decoded


@given(st.lists(_RECORD, max_size=6), _INGEST_BESIDE, _INGEST_BESIDE, st.sampled_from([None, 1]))
def test_a_batch_to_learn_from_is_the_same_scanned_and_decoded(
    records: list[Any], before: dict[str, Any], after: dict[str, Any], indent: int | None
) -> None:
    body = _body(records, before, after, indent)
    decoded = outcome(lambda: to_train_model_command(INGEST[Encoding.JSON](body), Encoding.JSON))
    scanned = outcome(lambda: train_model_command(body, Encoding.JSON))
    if not isinstance(decoded, TrainModelCommand):
        assert scanned == decoded
        return
    assert isinstance(scanned, TrainModelCommand)
    one, other = scanned.batch, decoded.batch
    assert one.values.tobytes() == other.values.tobytes()
    np.testing.assert_array_equal(one.timestamps, other.timestamps)
    assert (list(one.vehicle_ids), one.feature_names) == (list(other.vehicle_ids), other.feature_names)
    assert (scanned.model_name, scanned.model_version) == (decoded.model_name, decoded.model_version)


def test_usual_bodies_are_not_decoded(
    score_telemetry: ScoreTelemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*arguments: object) -> Any:
        raise AssertionError(arguments)

    body = _body([_HEAD | {"feature_vector": [1.0, None]}] * 9, {"model_name": "default"}, {}, 2)
    expected = msgspec.json.encode(score_batch(body, Encoding.JSON, score_telemetry))
    monkeypatch.setattr(bulk, "score_batch", decoded)
    monkeypatch.setattr(commands, "to_train_model_command", decoded)
    assert msgspec.json.encode(score_batch_for_json(body, score_telemetry)) == expected
    assert len(train_model_command(body, Encoding.JSON).batch.values) == 9


@pytest.mark.parametrize(
    "body",
    [
        b'{"records":[RECORD],"records":[]}',
        b'{"records":[RECORD],"records":[0]}',
        b'{"records":[RECORD],"\\u0072ecords":[0]}',
        b'{"records":[RECORD]} x',
        b'{"records":[RECORD]',
        b'{"records":[RECORD,]}',
        b'[{"records":[RECORD]}]',
        b'{"model_name":"records":[RECORD]}',
        b'{"feature_names":["records":[RECORD]]}',
        b'{"feature_names":[{"records":[RECORD]}]}',
        b'\xef\xbb\xbf{"records":[RECORD]}',
        b'{"model_name":"\xff","records":[RECORD]}',
        b'{"records":[RECORD],"model_name":"' + b"x" * 2_000_000 + b'"}',
    ],
)
def test_what_stands_beside_the_records_is_the_decoders_to_judge(body: bytes) -> None:
    record = json.dumps(_HEAD | {"feature_vector": [1.0, 2.0]}).encode()
    assert scan_body(body.replace(b"RECORD", record), decode_ingest, 1000) is None


def test_more_values_than_may_be_are_not_laid_out() -> None:
    body = _body([_HEAD | {"feature_vector": [1.0, 2.0]}] * 10, {}, {}, None)
    assert scan_body(body, decode_ingest, 18) is None
    assert scan_body(body, decode_ingest, 20) is not None
