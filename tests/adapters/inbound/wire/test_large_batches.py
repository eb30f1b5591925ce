"""Of a large batch, the records are looked at before an object is made of each."""

from typing import Any

import msgspec
import pytest

from vehicle_anomaly.adapters.inbound.wire.decoding import INGEST, SCORE_BATCH, Encoding, MessageDecoder
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage

_RECORD: dict[str, object] = {
    "vehicle_id": "veh-Ü",
    "timestamp": "2026-11-22T10:00:00Z",
    "feature_vector": [1.0, None],
}
_N_RECORDS = 20_000
_ENCODE = {Encoding.JSON: msgspec.json.encode, Encoding.MSGPACK: msgspec.msgpack.encode}


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("decoders", [INGEST, SCORE_BATCH])
@pytest.mark.parametrize("odd", [0, None, {}, {"vehicle_id": "veh-1"}, "veh-1", [[]]])
def test_what_is_no_record_is_told_by_its_place(
    decoders: dict[Encoding, MessageDecoder[Any]], encoding: Encoding, odd: object
) -> None:
    records: list[object] = [_RECORD] * _N_RECORDS
    records[1234] = odd
    with pytest.raises(MalformedMessage) as refused:
        decoders[encoding](_ENCODE[encoding]({"records": records}))
    assert str(refused.value.wrong[0].place).startswith("records[1234]")


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("decoders", [INGEST, SCORE_BATCH])
def test_what_is_one_is_left_to_be_judged(
    decoders: dict[Encoding, MessageDecoder[Any]], encoding: Encoding
) -> None:
    """Values and fields that are wrong are told by their places as ever, and all that stands beside."""
    records = [_RECORD] * _N_RECORDS
    records[7] = _RECORD | {"more": 1, "vehicle_id": 5}
    message = decoders[encoding](_ENCODE[encoding]({"model_name": "vans", "records": records}))
    assert message.model_name == "vans"
    assert len(message.records) == _N_RECORDS
    with pytest.raises(MalformedMessage, match="colour"):
        decoders[encoding](_ENCODE[encoding]({"records": records, "colour": "red"}))
