"""Bytes → messages, strictly, in JSON or MessagePack, with every fault told by its place."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

import msgspec

from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong, explain
from vehicle_anomaly.adapters.inbound.wire.places import Place
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


@dataclass(frozen=True, slots=True)
class MessageDecoder(Generic[Message]):
    """Decodes one type of message from bytes in one encoding."""

    decode: Callable[[bytes | msgspec.Raw], Message]
    decode_anything: Callable[[bytes | msgspec.Raw], Any]

    def __call__(self, message: bytes | msgspec.Raw) -> Message:
        """Decode.

        Raises:
            MalformedMessage: It is not such a message.
        """
        try:
            return self.decode(message)
        except _DECODING_ERRORS as error:
            raise MalformedMessage([self._name_feature(explain(error, bytes(message)), message)]) from error

    def _name_feature(self, wrong: Wrong, message: bytes | msgspec.Raw) -> Wrong:
        # Of a map's values msgspec does not say which one is wrong.
        if wrong.place.steps[-1:] != ("features",) or not wrong.reason.startswith("expected a"):
            return wrong
        features = self.decode_anything(message).get("features")
        if not isinstance(features, dict):
            return wrong
        culprit = next((name for name, value in features.items() if not _is_number_or_none(value)), None)
        return wrong if culprit is None else Wrong(Place((*wrong.place.steps, str(culprit))), wrong.reason)


def _is_number_or_none(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _decoders(kind: Any) -> dict[Encoding, MessageDecoder[Any]]:
    return {
        Encoding.JSON: MessageDecoder(msgspec.json.Decoder(kind).decode, msgspec.json.Decoder().decode),
        Encoding.MSGPACK: MessageDecoder(
            msgspec.msgpack.Decoder(kind).decode, msgspec.msgpack.Decoder().decode
        ),
    }


INGEST: dict[Encoding, MessageDecoder[IngestRequest[msgspec.Raw]]] = _decoders(IngestRequest[msgspec.Raw])
SCORE: dict[Encoding, MessageDecoder[ScoreRequest]] = _decoders(ScoreRequest)
SCORE_BATCH: dict[Encoding, MessageDecoder[ScoreBatchRequest[msgspec.Raw]]] = _decoders(
    ScoreBatchRequest[msgspec.Raw]
)
PROMOTE: dict[Encoding, MessageDecoder[PromoteRequest]] = _decoders(PromoteRequest)
RECORD: dict[Encoding, MessageDecoder[TelemetryRecord]] = _decoders(TelemetryRecord)
