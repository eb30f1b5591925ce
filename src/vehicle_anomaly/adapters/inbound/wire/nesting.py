"""How deep a message is nested that could not be decoded."""

from typing import Final

import msgspec
import numpy as np

from vehicle_anomaly.adapters.inbound.wire import nesting_kernel

MOST_COUNTED: Final = 1000
"""Levels of MessagePack; no decoder follows further."""


def levels_of(message: bytes | msgspec.Raw, *, is_json: bool) -> int:
    """Return how many arrays and objects of a message are open at once, at most."""
    data = np.frombuffer(message, np.uint8)
    if is_json:
        return int(nesting_kernel.json_levels(data))
    return int(nesting_kernel.msgpack_levels(data, np.zeros(MOST_COUNTED, np.int64)))


def warm_up() -> None:
    """Compile it, or load what was compiled."""
    levels_of(b"[]", is_json=True)
    levels_of(b"\x90", is_json=False)
