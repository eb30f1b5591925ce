"""Records with vectors → a batch to learn from, the quick way: in columns, without an object a reading.

Whatever is unusual goes the other way (`readings.to_batch`), which finds the places of what is wrong: here
nothing is refused.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import UNSET

from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.moments import moments
from vehicle_anomaly.adapters.inbound.wire.readings import check_record_size
from vehicle_anomaly.adapters.inbound.wire.repeated_keys import refuse_repeated, stand_once
from vehicle_anomaly.adapters.inbound.wire.requests import TelemetryRecord
from vehicle_anomaly.adapters.inbound.wire.scanned import Scanned
from vehicle_anomaly.core.column_order import in_order
from vehicle_anomaly.core.errors import InvalidTelemetry
from vehicle_anomaly.core.telemetry import TelemetryBatch, check_feature_names, matrix

# Decoding holds the interpreter, and other callers wait: a millisecond or two for as much as this.
_AT_ONCE: Final = 1000
_AT_ONCE_BYTES: Final = 256 * 1024

_NOT_QUICK = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, MalformedMessage)

_NAIVE_OR_UTC: Final = {None, UTC}


def scanned_batch(
    scanned: Scanned, feature_names: Sequence[str] | None, max_values: int
) -> TelemetryBatch | None:
    """Take scanned records for a batch to learn from.

    Args:
        scanned: The records.
        feature_names: Name of each position of the vectors, or the order of values that have names.
        max_values: Readings times features that may be laid out.

    Returns:
        The batch; None when the records do not fit the names, or anything is wrong with them.
    """
    values, names = scanned.values, scanned.shape.names
    if feature_names is not None and len(scanned) * len(feature_names) > max_values:
        return None
    try:
        if feature_names is not None:
            check_feature_names(feature_names)
            values = in_order(values, names, len(feature_names), feature_names)
            names = tuple(feature_names)
        return TelemetryBatch(values, scanned.vehicle_ids(), scanned.timestamps, names)
    except InvalidTelemetry:
        return None


def vector_batch(
    records: Sequence[msgspec.Raw],
    feature_names: Sequence[str] | None,
    encoding: Encoding,
    max_values: int,
) -> TelemetryBatch | None:
    """Lay records out as a batch to learn from, some hundred at a time.

    Args:
        records: As they came.
        feature_names: Name of each position of the vectors.
        encoding: Of the records.
        max_values: Readings times features that may be laid out.

    Returns:
        The batch; None when the records are not all vectors of one length, or anything is wrong with them.
    """
    vehicle_ids: list[str] = []
    timestamps: list[np.ndarray] = []
    values: list[np.ndarray] = []
    n_features = None if feature_names is None else len(feature_names)
    try:
        for part in _parts(records):
            decoded = _DECODE[encoding](part)
            vectors = [record.feature_vector for record in decoded if record.feature_vector is not UNSET]
            if len(vectors) < len(decoded) or any(record.features is not UNSET for record in decoded):
                return None
            n_features = len(vectors[0]) if n_features is None else n_features
            if {len(vector) for vector in vectors} != {n_features} or len(records) * n_features > max_values:
                return None
            values.append(matrix(vectors, n_features, None))
            timestamps.append(_instants([record.timestamp for record in decoded]))
            vehicle_ids += [record.vehicle_id for record in decoded]
        if not values:
            return None
        names = None if feature_names is None else tuple(feature_names)
        return TelemetryBatch(np.concatenate(values), vehicle_ids, np.concatenate(timestamps), names)
    except (*_NOT_QUICK, InvalidTelemetry):
        return None


def _parts(records: Sequence[msgspec.Raw]) -> Iterator[list[msgspec.Raw]]:
    part: list[msgspec.Raw] = []
    size = 0
    for record in records:
        check_record_size(record)
        part.append(record)
        size += memoryview(record).nbytes
        if len(part) == _AT_ONCE or size >= _AT_ONCE_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _instants(texts: list[str]) -> np.ndarray:
    told = moments(texts)
    if not {moment.tzinfo for moment in told} <= _NAIVE_OR_UTC:
        told = [moment if moment.tzinfo is None else moment.astimezone(UTC) for moment in told]
    return np.array([moment.replace(tzinfo=None) for moment in told], "datetime64[us]")


_JSON: Final = msgspec.json.Decoder(list[TelemetryRecord])
_MSGPACK: Final = msgspec.msgpack.Decoder(list[TelemetryRecord])


def _json(part: list[msgspec.Raw]) -> list[TelemetryRecord]:
    text = b",".join(part)
    decoded = _JSON.decode(b"[" + text + b"]")
    if not stand_once(text, decoded):
        for raw, record in zip(part, decoded, strict=True):
            refuse_repeated(raw, record)
    return decoded


def _msgpack(part: list[msgspec.Raw]) -> list[TelemetryRecord]:
    # "array 32" of the MessagePack specification.
    return _MSGPACK.decode(b"\xdd" + len(part).to_bytes(4, "big") + b"".join(part))


_DECODE: Final[dict[Encoding, Callable[[list[Any]], list[TelemetryRecord]]]] = {
    Encoding.JSON: _json,
    Encoding.MSGPACK: _msgpack,
}
