"""How what is called for each byte or value of a message is compiled."""

from typing import Any

import numba


def uncounted(**options: bool) -> Any:
    """Return numba's decorator for a function that does not count references to its arrays.

    Otherwise each counts those to the arrays it is given, by atomic operations that a scan of records spent
    three quarters of its time on (ADR 24). Who calls from Python holds the arrays meanwhile; a function that
    would make or return one, numba refuses to compile.

    Args:
        options: Of `numba.njit`.
    """
    return numba.njit(nogil=True, _nrt=False, **options)  # type: ignore[call-overload]
