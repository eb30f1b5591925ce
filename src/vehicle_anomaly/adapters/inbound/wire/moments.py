"""Texts → moments, as RFC 3339 has them; those without an offset stay without."""

from collections.abc import Iterable
from datetime import datetime

import msgspec


def moment(text: str) -> datetime:
    """Read a time.

    Raises:
        msgspec.ValidationError: It is none.
    """
    return msgspec.convert(_whole(text), datetime)


def moments(texts: Iterable[str]) -> list[datetime]:
    """Read times, many sooner than one by one; raises as `moment`."""
    return msgspec.convert([_whole(text) for text in texts], list[datetime])


def _whole(text: str) -> str:
    # msgspec reads a text up to its first NUL, as C does.
    return text.replace("\0", "?")
