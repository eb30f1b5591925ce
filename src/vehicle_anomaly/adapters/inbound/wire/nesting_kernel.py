"""How deep messages are nested, read from bytes by compiled code, whatever else is wrong with them."""

from typing import Final

import numpy as np

from vehicle_anomaly.adapters.inbound.wire.uncounted import uncounted

_QUOTE: Final = 0x22
_BACKSLASH: Final = 0x5C
# `[` and `{`, `]` and `}` differ in this bit only.
_CASE: Final = 0x20
_OPENS: Final = 0x7B
_CLOSES: Final = 0x7D


@uncounted(cache=True)
def json_levels(text):  # type: ignore[no-untyped-def]
    """Return how many arrays and objects of a JSON text are open at once at most."""
    levels = deepest = 0
    in_string = escaped = False
    for place in range(text.size):
        one = text[place]
        if in_string:
            if escaped:
                escaped = False
            elif one == _BACKSLASH:
                escaped = True
            elif one == _QUOTE:
                in_string = False
        elif one == _QUOTE:
            in_string = True
        elif one | _CASE == _OPENS:
            levels += 1
            deepest = max(deepest, levels)
        elif one | _CASE == _CLOSES:
            levels -= 1
    return deepest


@uncounted(cache=True)
def msgpack_levels(data, left):  # type: ignore[no-untyped-def]
    """Return how many arrays and maps of a MessagePack message are open at once at most.

    Args:
        data: The message.
        left: Room for as many numbers as levels are counted, at most; int64.
    """
    at = levels = deepest = 0
    while at < data.size:
        while levels > 0 and left[levels - 1] == 0:
            levels -= 1
        if levels > 0:
            left[levels - 1] -= 1
        elif at > 0:
            # What follows the message is no part of it.
            break
        at, items = _item(data, at)
        if items >= 0:
            left[levels] = items
            levels += 1
            deepest = max(deepest, levels)
            if levels == left.size:
                break
    return deepest


# https://github.com/msgpack/msgpack/blob/master/spec.md#formats
@uncounted(forceinline=True)
def _item(data, at):  # type: ignore[no-untyped-def]
    """Return where the next item begins, and how many items this one holds; -1 where it is no container."""
    kind = np.int64(data[at])
    at += 1
    if 0x80 <= kind <= 0x8F:
        return at, 2 * (kind & 0x0F)
    if 0x90 <= kind <= 0x9F:
        return at, kind & 0x0F
    if 0xA0 <= kind <= 0xBF:
        return at + (kind & 0x1F), -1
    if 0xDC <= kind <= 0xDF:
        width = 2 << (kind & 1)
        items = _big_endian(data, at, width)
        return at + width, 2 * items if kind >= 0xDE else items
    if 0xD9 <= kind <= 0xDB:
        width = 1 << (kind - 0xD9)
        return at + width + _big_endian(data, at, width), -1
    if 0xC4 <= kind <= 0xC6:
        width = 1 << (kind - 0xC4)
        return at + width + _big_endian(data, at, width), -1
    if 0xC7 <= kind <= 0xC9:
        width = 1 << (kind - 0xC7)
        return at + width + 1 + _big_endian(data, at, width), -1
    if 0xCA <= kind <= 0xCB:
        return at + (4 << (kind - 0xCA)), -1
    if 0xCC <= kind <= 0xD3:
        return at + (1 << (kind & 3)), -1
    if 0xD4 <= kind <= 0xD8:
        return at + 1 + (1 << (kind - 0xD4)), -1
    return at, -1


@uncounted(forceinline=True)
def _big_endian(data, at, width):  # type: ignore[no-untyped-def]
    value = np.int64(0)
    for place in range(at, min(at + width, data.size)):
        value = value << 8 | np.int64(data[place])
    return value
