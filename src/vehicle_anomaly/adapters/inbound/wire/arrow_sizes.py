"""What an Arrow stream says it holds, read before any of it is decoded.

A compressed buffer begins with its size: a few kilobytes can announce terabytes, and Arrow would make room
for them. So the frames of the stream are walked here first, by the format's own description:
https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from vehicle_anomaly.adapters.inbound.wire.arrow_schema import MOST_TEXT_BYTES, check_schema, metadata_bytes
from vehicle_anomaly.adapters.inbound.wire.flatbuffers import FlatTable
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place

_CONTINUATION: Final = 0xFFFFFFFF
_SCHEMA, _DICTIONARY, _RECORDS = 1, 2, 3
_MAX_MESSAGES: Final = 100_000
# Arrow copies the whole of a dictionary, and looks through it, for each message that adds to it.
_MOST_COPIED_BYTES: Final = 128 * 1024 * 1024


class Announced(NamedTuple):
    """What a stream announces.

    Attributes:
        rows: Of all record batches.
        batches: How many of these there are.
        expanded_bytes: Of all buffers, decompressed.
    """

    rows: int
    batches: int
    expanded_bytes: int


class _Content(NamedTuple):
    """What a message holds: values, of records or of a dictionary.

    Attributes:
        dictionary: Which one; None for records.
        adds: Whether they come to those that the dictionary has.
    """

    dictionary: int | None = None
    adds: bool = False


def announced(stream: bytes) -> Announced:
    """Sum up what a stream announces.

    Raises:
        MalformedMessage: It is no Arrow stream, or is cut off.
    """
    rows = batches = expanded = copied = 0
    known: dict[int, int] = {}
    try:
        for message, batch, body in _batches(stream):
            length = _number(batch.scalar(0, 8))
            if length < 0:
                raise _malformed("a negative number of rows")
            n_bytes = _expanded(batch, body)
            expanded += n_bytes
            if message.dictionary is None:
                rows += length
                batches += 1
                continue
            if message.adds:
                n_bytes += known.get(message.dictionary, 0)
                copied += n_bytes
                if copied > _MOST_COPIED_BYTES:
                    raise _too_many_additions()
            known[message.dictionary] = n_bytes
    except (struct.error, IndexError, OverflowError) as error:
        raise _malformed("cut off, or not what it announces") from error
    return Announced(rows, batches, expanded)


def _batches(stream: bytes) -> Iterator[tuple[_Content, FlatTable, memoryview]]:
    whole, at, told_bytes = memoryview(stream), 0, 0
    for _ in range(_MAX_MESSAGES):
        if at == len(whole):
            return
        marker, length = struct.unpack_from("<Ii", whole, at)
        if marker != _CONTINUATION or length < 0:
            raise _malformed("expected an Arrow IPC stream")
        if length == 0:
            return
        head = whole[at + 8 : at + 8 + length]
        message = FlatTable(head, struct.unpack_from("<I", head)[0])
        kind, body_bytes = message.scalar(1, 1)[0], _number(message.scalar(3, 8))
        told_bytes += metadata_bytes(message, 4)
        if told_bytes > MOST_TEXT_BYTES:
            raise _malformed(f"expected at most {MOST_TEXT_BYTES} bytes of metadata of messages")
        at += 8 + length
        if body_bytes < 0 or at + body_bytes > len(whole):
            raise _malformed("cut off")
        table = message.referred(2)
        if kind == _SCHEMA and table is not None:
            check_schema(FlatTable(head, table))
        if kind in (_DICTIONARY, _RECORDS) and table is not None:
            batch, content = FlatTable(head, table), _Content()
            if kind == _DICTIONARY:
                content = _Content(_number(batch.scalar(0, 8)), bool(batch.scalar(2, 1)[0]))
                data = batch.referred(1)
                batch = FlatTable(head, table if data is None else data)
            yield content, batch, whole[at : at + body_bytes]
        at += body_bytes
    raise _malformed(f"expected at most {_MAX_MESSAGES} parts")


def _expanded(batch: FlatTable, body: memoryview) -> int:
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


def _too_many_additions() -> MalformedMessage:
    reason = (
        f"expected additions to dictionaries that make Arrow copy at most {_MOST_COPIED_BYTES} bytes: send "
        "fewer of them, or each dictionary whole"
    )
    return MalformedMessage([Wrong(Place(), reason)])


def _malformed(what: str) -> MalformedMessage:
    return MalformedMessage([Wrong(Place(), f"malformed: {what}")])
