"""What an Arrow stream says it holds, read before any of it is decoded.

A compressed buffer begins with its size: a few kilobytes can announce terabytes, and Arrow would make room
for them. So the frames of the stream are walked here first, by the format's own description:
https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place

_CONTINUATION: Final = 0xFFFFFFFF
_DICTIONARY, _RECORDS = 2, 3
_MAX_MESSAGES: Final = 100_000


class Announced(NamedTuple):
    """What a stream announces.

    Attributes:
        rows: Of all record batches.
        expanded_bytes: Of all buffers, decompressed.
    """

    rows: int
    expanded_bytes: int


def announced(stream: bytes) -> Announced:
    """Sum up what a stream announces.

    Raises:
        MalformedMessage: It is no Arrow stream, or is cut off.
    """
    rows = expanded = 0
    try:
        for kind, batch, body in _batches(stream):
            length = _number(batch.scalar(0, 8))
            if length < 0:
                raise _malformed("a negative number of rows")
            rows += length if kind == _RECORDS else 0
            expanded += _expanded(batch, body)
    except (struct.error, IndexError, OverflowError) as error:
        raise _malformed("cut off, or not what it announces") from error
    return Announced(rows, expanded)


class _Table(NamedTuple):
    """A table of a flatbuffer."""

    head: memoryview
    at: int

    def position(self, field: int) -> int | None:
        """Return where a field is; None where it is left out."""
        vtable = self.at - struct.unpack_from("<i", self.head, self.at)[0]
        if vtable < 0:
            raise IndexError
        if 4 + 2 * field >= struct.unpack_from("<H", self.head, vtable)[0]:
            return None
        offset: int = struct.unpack_from("<H", self.head, vtable + 4 + 2 * field)[0]
        return self.at + offset if offset else None

    def scalar(self, field: int, size: int) -> bytes:
        """Return a number's bytes; zero where it is left out."""
        at = self.position(field)
        return bytes(size) if at is None else bytes(self.head[at : at + size])

    def referred(self, field: int) -> int | None:
        """Return where what a field refers to begins."""
        at = self.position(field)
        return None if at is None else at + int(struct.unpack_from("<I", self.head, at)[0])


def _batches(stream: bytes) -> Iterator[tuple[int, _Table, memoryview]]:
    whole, at = memoryview(stream), 0
    for _ in range(_MAX_MESSAGES):
        if at == len(whole):
            return
        marker, length = struct.unpack_from("<Ii", whole, at)
        if marker != _CONTINUATION or length < 0:
            raise _malformed("expected an Arrow IPC stream")
        if length == 0:
            return
        head = whole[at + 8 : at + 8 + length]
        message = _Table(head, struct.unpack_from("<I", head)[0])
        kind, body_bytes = message.scalar(1, 1)[0], _number(message.scalar(3, 8))
        at += 8 + length
        if body_bytes < 0 or at + body_bytes > len(whole):
            raise _malformed("cut off")
        table = message.referred(2)
        if kind in (_DICTIONARY, _RECORDS) and table is not None:
            batch = _Table(head, table)
            if kind == _DICTIONARY:
                data = batch.referred(1)
                batch = _Table(head, table if data is None else data)
            yield kind, batch, whole[at : at + body_bytes]
        at += body_bytes
    raise _malformed(f"expected at most {_MAX_MESSAGES} parts")


def _expanded(batch: _Table, body: memoryview) -> int:
    buffers = batch.referred(2)
    if buffers is None:
        return 0
    compressed = batch.position(3) is not None
    (count,) = struct.unpack_from("<I", batch.head, buffers)
    total = 0
    for at in range(buffers + 4, buffers + 4 + 16 * count, 16):
        offset, length = struct.unpack_from("<qq", batch.head, at)
        if offset < 0 or length < 0 or offset + length > len(body):
            raise _malformed("a buffer beyond its message")
        size = struct.unpack_from("<q", body, offset)[0] if compressed and length else length
        if size < -1:
            raise _malformed("a buffer of negative size")
        # -1: left as it was, because it would not have become smaller.
        total += length if size == -1 else size
    return total


def _number(little_endian: bytes) -> int:
    return int(struct.unpack("<q", little_endian)[0])


def _malformed(what: str) -> MalformedMessage:
    return MalformedMessage([Wrong(Place(), f"malformed: {what}")])
