"""Bytes made wrong in the ways in which files and messages go wrong, the same for the same seed."""

import random
from collections.abc import Callable
from typing import Final


def _emptied(_: bytes, __: random.Random) -> bytes:
    return b""


def _truncated(data: bytes, choice: random.Random) -> bytes:
    return data[: choice.randrange(len(data))] if data else b"x"


def _garbage(data: bytes, choice: random.Random) -> bytes:
    return choice.randbytes(choice.randint(1, max(len(data), 64)))


def _flipped(data: bytes, choice: random.Random) -> bytes:
    changed = bytearray(data or b"x")
    for _ in range(choice.choice([1, 1, 2, 8])):
        changed[choice.randrange(len(changed))] ^= 1 << choice.randrange(8)
    return bytes(changed)


def _overwritten(data: bytes, choice: random.Random) -> bytes:
    changed, begin = bytearray(data or b"x"), choice.randrange(len(data) or 1)
    run = choice.choice([b"\0", b"\xff", b"\n", b'"', b"9", b"[", b"{"]) * choice.randint(1, 64)
    changed[begin : begin + len(run)] = run
    return bytes(changed)


def _doubled(data: bytes, choice: random.Random) -> bytes:
    begin = choice.randrange(len(data) or 1)
    return data + data[begin:] + b"\0" * choice.randrange(3)


def _cut_out(data: bytes, choice: random.Random) -> bytes:
    begin = choice.randrange(len(data) or 1)
    return data[:begin] + data[begin + choice.randint(1, 64) :]


MUTATIONS: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (
    _emptied,
    _truncated,
    _garbage,
    _flipped,
    _overwritten,
    _doubled,
    _cut_out,
)


def mutated(data: bytes, choice: random.Random) -> bytes:
    """Return other bytes than `data`, made from it."""
    while True:
        changed = choice.choice(MUTATIONS)(data, choice)
        if changed != data:
            return changed
