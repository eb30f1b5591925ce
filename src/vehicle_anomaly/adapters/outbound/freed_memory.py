"""Memory that a process has freed and still holds."""

import ctypes
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Give freed memory back to the system, where the C library keeps it for later (malloc_trim(3) of glibc).

    Worth some milliseconds after what takes much memory once, such as reading a model.
    """
    _trim()(0)


@cache
def _trim() -> Callable[[int], int]:
    # Other libraries do without.
    found: Callable[[int], int] = getattr(ctypes.CDLL(None), "malloc_trim", lambda _: 0)
    return found
