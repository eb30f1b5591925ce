"""Schemas of Arrow streams that share one text among many fields, which no library writes."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_CONTINUATION = 0xFFFFFFFF
_UTF8, _FLOATING, _TIMESTAMP = 5, 3, 10


@dataclass(eq=False)
class _Table:
    """A table of a flatbuffer: numbers of a byte, and what it refers to, by position."""

    numbers: dict[int, int] = field(default_factory=dict)
    refers: dict[int, Any] = field(default_factory=dict)


def shared_names(n_fields: int, size: int) -> bytes:
    """Many fields of one name."""
    name = "x" * size
    return _stream([*_key(), *[_column(name)] * n_fields])


def shared_metadata(n_fields: int, size: int) -> bytes:
    """Many fields whose metadata are one pair."""
    pairs = [_Table(refers={0: "k", 1: "x" * size})]
    one = _column("a", {6: pairs})
    return _stream([*_key(), *[one] * n_fields])


def shared_time_zone(n_fields: int, size: int) -> bytes:
    """Many fields of one time zone."""
    zone = _Table({0: 2}, {1: "x" * size})
    one = _Table({2: _TIMESTAMP}, {0: "a", 3: zone})
    return _stream([*_key(), *[one] * n_fields])


def metadata_of_the_schema(n_pairs: int, size: int) -> bytes:
    """One pair many times."""
    pair = _Table(refers={0: "k", 1: "x" * size})
    return _stream([*_key(), _column("a")], {2: [pair] * n_pairs})


def nested(levels: int) -> bytes:
    """A field in a field, and so on."""
    inner = _column("a")
    for _ in range(levels):
        inner = _Table({2: 12}, {0: "a", 3: _Table(), 5: [inner]})
    return _stream([*_key(), inner])


def _key() -> list[_Table]:
    vehicle = _Table({2: _UTF8}, {0: "vehicle_id", 3: _Table()})
    return [vehicle, _Table({2: _TIMESTAMP}, {0: "timestamp", 3: _Table({0: 2})})]


def _column(name: str, more: dict[int, Any] | None = None) -> _Table:
    return _Table({2: _FLOATING}, {0: name, 3: _Table({0: 2}), **(more or {})})


def _stream(fields: list[_Table], more: dict[int, Any] | None = None) -> bytes:
    schema = _Table(refers={1: fields, **(more or {})})
    head = _written(_Table({0: 4, 1: 1}, {2: schema}))
    return struct.pack("<II", _CONTINUATION, len(head)) + head + struct.pack("<II", _CONTINUATION, 0)


def _written(root: _Table) -> bytes:
    """Lay out what is referred to behind what refers to it, once; then say how far away it is."""
    data, refers = bytearray(4), [(0, root)]
    places: dict[Any, int] = {}
    for at, what in refers:
        key = what if isinstance(what, str) else id(what)
        # What lies before cannot be referred to: once more, then.
        if places.get(key, 0) <= at:
            places[key] = _laid_out(data, what, refers)
        struct.pack_into("<I", data, at, places[key] - at)
    return bytes(data) + bytes(-len(data) % 8)


def _laid_out(data: bytearray, what: Any, refers: list[tuple[int, Any]]) -> int:
    data += bytes(-len(data) % 8)
    if isinstance(what, str):
        at = len(data)
        data += struct.pack("<I", len(what)) + what.encode() + b"\0"
    elif isinstance(what, Sequence):
        at = len(data)
        data += struct.pack("<I", len(what)) + bytes(4 * len(what))
        refers += [(at + 4 + 4 * place, each) for place, each in enumerate(what)]
    else:
        slots = 1 + max([*what.numbers, *what.refers], default=-1)
        vtable = len(data)
        data += struct.pack("<HH", 4 + 2 * slots, 4 + 4 * slots) + bytes(2 * slots)
        data += bytes(-len(data) % 4)
        at = len(data)
        data += struct.pack("<i", at - vtable) + bytes(4 * slots)
        for slot in [*what.numbers, *what.refers]:
            struct.pack_into("<H", data, vtable + 4 + 2 * slot, 4 + 4 * slot)
        for slot, number in what.numbers.items():
            data[at + 4 + 4 * slot] = number
        refers += [(at + 4 + 4 * slot, each) for slot, each in what.refers.items()]
    return at
