"""How deep a message is nested, counted in its bytes."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vehicle_anomaly.adapters.inbound.wire.nesting import MOST_COUNTED, levels_of

TEXTS = st.text(max_size=40)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(TEXTS, inner, max_size=20),
    max_leaves=60,
)


def _levels(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_levels, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_levels, value), default=0)
    return 0


@given(VALUES, st.booleans())
def test_of_json(value: Any, ascii_only: bool) -> None:
    assert levels_of(json.dumps(value, ensure_ascii=ascii_only).encode(), is_json=True) == _levels(value)


@given(VALUES)
def test_of_msgpack(value: Any) -> None:
    assert levels_of(msgspec.msgpack.encode(value), is_json=False) == _levels(value)


LONG: list[Any] = [
    b"x" * 300,
    b"x" * 70_000,
    "x" * 300,
    "x" * 70_000,
    [[]] * 70_000,
    dict.fromkeys(map(str, range(70_000)), 1.5),
    *(msgspec.msgpack.Ext(5, b"\x91" * size) for size in (1, 2, 4, 8, 16, 3, 300, 70_000)),
]


@pytest.mark.parametrize("number", range(len(LONG)))
def test_what_is_long_in_msgpack_is_passed_over(number: int) -> None:
    message = msgspec.msgpack.encode([LONG[number], [[1]]])
    assert levels_of(message, is_json=False) == 3


@pytest.mark.parametrize(
    ("message", "levels"),
    [
        (b"", 0),
        (b"[[[", 3),
        (b"]]]][", 0),
        (b'{"a":"[[[[', 1),
        (b'["\\"[[[", [1]]', 2),
        (b"[" * 2_000_000, 2_000_000),
    ],
    ids=["none", "open", "closed", "in a string", "escaped", "deep"],
)
def test_of_json_that_is_none(message: bytes, levels: int) -> None:
    assert levels_of(message, is_json=True) == levels


@pytest.mark.parametrize(
    ("message", "levels"),
    [
        (b"", 0),
        (b"\xc1", 0),
        (b"\xdd\xff\xff", 1),
        (b"\xdd\xff\xff\xff\xff\x91\x91", 3),
        (b"\x90\x91\x91\x91", 1),
        (b"\xdb\xff\xff\xff\xff\x91", 0),
        (b"\x91" * 2_000_000, MOST_COUNTED),
    ],
    ids=["none", "no kind", "cut", "promises more", "goes on behind its end", "text of 4 GB", "deep"],
)
def test_of_msgpack_that_is_none(message: bytes, levels: int) -> None:
    assert levels_of(message, is_json=False) == levels
