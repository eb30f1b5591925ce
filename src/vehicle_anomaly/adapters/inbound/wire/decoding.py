"""Bytes → messages, strictly, in JSON or MessagePack, with every fault told by its place."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, Generic, TypeVar

import msgspec

from vehicle_anomaly.adapters.inbound.wire.fields import Number
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong, explain
from vehicle_anomaly.adapters.inbound.wire.name_lists import refuse_too_many_names
from vehicle_anomaly.adapters.inbound.wire.nesting import levels_of
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.adapters.inbound.wire.repeated_keys import refuse_repeated
from vehicle_anomaly.adapters.inbound.wire.requests import (
    IngestRequest,
    PromoteRequest,
    ScoreBatchRequest,
    ScoreRequest,
    TelemetryRecord,
)

Message = TypeVar("Message")

_DECODING_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Encoding(Enum):
    """How messages are written."""

    JSON = "application/json"
    MSGPACK = "application/msgpack"


class _FeaturesOnly(msgspec.Struct):
    """A message of which only the values by name are looked at, one by one."""

    features: dict[str, msgspec.Raw]


class _Keyed(msgspec.Struct, gc=False):
    """What every record has; what else it has is not looked at."""

    vehicle_id: msgspec.Raw
    timestamp: msgspec.Raw


class _RecordsOnly(msgspec.Struct):
    """A message of which only the records are looked at, and at the first that is none the looking ends."""

    records: list[_Keyed] = []


# From here on a body's records are looked at before an object is made of each: ten millions of `0` would
# take seventy times their size.
_LARGE_BYTES: Final = 1024 * 1024

_DECODERS: Final = {Encoding.JSON: msgspec.json.Decoder, Encoding.MSGPACK: msgspec.msgpack.Decoder}
_FEATURES_ONLY: Final = {encoding: kind(_FeaturesOnly) for encoding, kind in _DECODERS.items()}
_FEATURE: Final = {encoding: kind(Number | None) for encoding, kind in _DECODERS.items()}


@dataclass(frozen=True, slots=True)
class MessageDecoder(Generic[Message]):
    """Decodes one type of message from bytes in one encoding."""

    decode: Callable[[bytes | msgspec.Raw], Message]
    encoding: Encoding

    def __call__(self, message: bytes | msgspec.Raw) -> Message:
        """Decode.

        Raises:
            MalformedMessage: It is not such a message, or in JSON a name stands twice in an object of it.
        """
        is_json = self.encoding is Encoding.JSON
        try:
            decoded = self.decode(message)
        except _DECODING_ERRORS as error:
            wrong = explain(error, bytes(message) if is_json else None)
            levels = levels_of(message, is_json=is_json)
            raise MalformedMessage([self._name_feature(wrong, message)], levels) from error
        if is_json:
            refuse_repeated(message, decoded)
        return decoded

    def _name_feature(self, wrong: Wrong, message: bytes | msgspec.Raw) -> Wrong:
        # Of a map's values msgspec does not say which one is wrong.
        if wrong.place.steps[-1:] != ("features",):
            return wrong
        try:
            features = _FEATURES_ONLY[self.encoding].decode(message).features
        except _DECODING_ERRORS:
            # It is wrong in more ways than one, and one is told already.
            return wrong
        culprit = next((name for name, value in features.items() if not self._is_feature(value)), None)
        return wrong if culprit is None else Wrong(Place((*wrong.place.steps, culprit)), wrong.reason)

    def _is_feature(self, value: msgspec.Raw) -> bool:
        try:
            _FEATURE[self.encoding].decode(value)
        except _DECODING_ERRORS:
            return False
        return True


def decoders(kind: Any) -> dict[Encoding, MessageDecoder[Any]]:
    """Make the decoders of one type of message."""
    return {encoding: MessageDecoder(each(kind).decode, encoding) for encoding, each in _DECODERS.items()}


def batch_decoders(kind: Any) -> dict[Encoding, MessageDecoder[Any]]:
    """Make the decoders of a message with records that are decoded one by one."""
    return {
        encoding: MessageDecoder(_looking_first(each(_RecordsOnly).decode, each(kind).decode), encoding)
        for encoding, each in _DECODERS.items()
    }


def _looking_first(
    look: Callable[[bytes | msgspec.Raw], object], decode: Callable[[bytes | msgspec.Raw], Any]
) -> Callable[[bytes | msgspec.Raw], Any]:
    def looked_at(message: bytes | msgspec.Raw) -> Any:
        if memoryview(message).nbytes >= _LARGE_BYTES:
            look(message)
        return decode(message)

    return looked_at


def _ingest_decoders() -> dict[Encoding, MessageDecoder[Any]]:
    made = batch_decoders(IngestRequest[msgspec.Raw])
    json = made[Encoding.JSON]
    return {**made, Encoding.JSON: replace(json, decode=_looking_first(refuse_too_many_names, json.decode))}


INGEST: dict[Encoding, MessageDecoder[IngestRequest[msgspec.Raw]]] = _ingest_decoders()
SCORE: dict[Encoding, MessageDecoder[ScoreRequest]] = decoders(ScoreRequest)
SCORE_BATCH: dict[Encoding, MessageDecoder[ScoreBatchRequest[msgspec.Raw]]] = batch_decoders(
    ScoreBatchRequest[msgspec.Raw]
)
PROMOTE: dict[Encoding, MessageDecoder[PromoteRequest]] = decoders(PromoteRequest)
RECORD: dict[Encoding, MessageDecoder[TelemetryRecord]] = decoders(TelemetryRecord)
