"""Bodies with `records` in MessagePack: records scanned into columns, all else decoded, as in `bodies`."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
import numpy as np

from vehicle_anomaly.adapters.inbound.wire import msgpack_kernel
from vehicle_anomaly.adapters.inbound.wire.record_layout import DONE
from vehicle_anomaly.adapters.inbound.wire.requests import IngestRequest, ScoreBatchRequest
from vehicle_anomaly.adapters.inbound.wire.scanned import Scan, Scanned, Shape, as_array, shape_from
from vehicle_anomaly.core.telemetry import MAX_FEATURES

Request = TypeVar("Request", bound=ScoreBatchRequest[Any] | IngestRequest[Any])

_KEY: Final = b"records"
_IN_THEIR_PLACE: Final = 0
# Bytes of a number behind its first, by that.
_FIXED: Final = {0xC0: 0, 0xCA: 4, 0xCB: 8, **{0xCC + step: 1 << (step & 3) for step in range(8)}}
_MAX_FIELDS: Final = 15

decode_packed_score_batch: Final = msgspec.msgpack.Decoder(ScoreBatchRequest[int]).decode
decode_packed_ingest: Final = msgspec.msgpack.Decoder(IngestRequest[int]).decode


class _NotPlain(Exception):
    """Something stands beside the records that is not looked into."""


class _PackedScan(Scan):
    """A scan of records that stand one behind the other."""

    def packed(self, n_records: int) -> bool:
        """Read so many; return whether all could be taken."""
        ended = msgpack_kernel.scan(
            self._data,
            self._state,
            n_records,
            self._shape.names is not None,
            self._names,
            self._name_at,
            self._usual,
            self._room.values,
            self._room.spans,
            self._room.instants,
            self._room.has_offset,
        )
        return bool(ended == DONE)


def scan_packed_body(
    message: bytes, decode_rest: Callable[[bytes], Request], max_values: int
) -> tuple[Request, Scanned] | None:
    """Read a body; takes and returns what `bodies.scan_body` does."""
    try:
        found = _scan(message, max_values)
        if found is None:
            return None
        scanned, begin, end = found
        # An array of one zero: a header and a number.
        request = decode_rest(message[:begin] + bytes([0x91, _IN_THEIR_PLACE]) + message[end:])
    except (_NotPlain, IndexError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return (request, scanned) if request.records == [_IN_THEIR_PLACE] else None


def _scan(message: bytes, max_values: int) -> tuple[Scanned, int, int] | None:
    """Return the records of the body's map, and from where to where their array stands."""
    if not 0x80 <= message[0] <= 0x80 + _MAX_FIELDS:
        raise _NotPlain
    found: tuple[Scanned, int, int] | None = None
    at = 1
    for _ in range(message[0] - 0x80):
        key, at = _string(message, at)
        if key != _KEY:
            at = _behind(message, at)
            continue
        if found is not None:
            raise _NotPlain
        begin = at
        n_records, at = _length(message, at, 0x90, 0xDC)
        scan = _scanned(message, at, n_records, max_values)
        at = scan.at
        found = scan.scanned(), begin, at
    return found


def _scanned(message: bytes, at: int, n_records: int, max_values: int) -> Scan:
    data = as_array(message)
    name_at, name_to = np.empty(MAX_FEATURES, np.int64), np.empty(MAX_FEATURES, np.int64)
    shape = shape_from(data, msgpack_kernel.shape_of(data, at, name_at, name_to), name_at, name_to)
    # A length says nothing yet: no record is as short as three fields of a byte each.
    if shape is None or not 0 < n_records <= min(len(message) // 3, max_values // shape.n_features):
        raise _NotPlain
    scan = _PackedScan(data, shape, n_records, at)
    if not scan.packed(n_records):
        raise _NotPlain
    return scan


def _string(message: bytes, at: int) -> tuple[bytes, int]:
    first = message[at]
    if not 0xA0 <= first <= 0xBF:
        raise _NotPlain
    end = at + 1 + first - 0xA0
    return message[at + 1 : end], end


def _behind(message: bytes, at: int) -> int:
    """Return what is behind a string, a number, nil, or an array of those; the decoder judges all of them."""
    first = message[at]
    if first <= 0x7F or first >= 0xE0:
        return at + 1
    if 0xA0 <= first <= 0xBF:
        return at + 1 + first - 0xA0
    if first == 0xD9:
        return at + 2 + message[at + 1]
    if first in _FIXED:
        return at + 1 + _FIXED[first]
    n_items, at = _length(message, at, 0x90, 0xDC)
    if n_items > MAX_FEATURES:
        raise _NotPlain
    for _ in range(n_items):
        if 0x90 <= message[at] <= 0x9F or message[at] in (0xDC, 0xDD):
            raise _NotPlain
        at = _behind(message, at)
    return at


def _length(message: bytes, at: int, few: int, many: int) -> tuple[int, int]:
    first = message[at]
    if few <= first <= few + 15:
        return first - few, at + 1
    if first not in (many, many + 1):
        raise _NotPlain
    end = at + (3 if first == many else 5)
    if end > len(message):
        raise _NotPlain
    return int.from_bytes(message[at + 1 : end], "big"), end


def warm_up() -> None:
    """Compile what reads records, or load what was compiled."""
    record = msgspec.msgpack.encode(
        {"vehicle_id": "v", "timestamp": "2026-11-22T10:00:00", "feature_vector": [1]}
    )
    name_at = np.empty(1, np.int64)
    msgpack_kernel.shape_of(as_array(record), 0, name_at, name_at)
    _PackedScan(as_array(record), Shape(1), 1).packed(1)
