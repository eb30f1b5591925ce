"""API_KEYS as operators write it: a list of entries, each the hash of a key and what it may do."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from vehicle_anomaly.adapters.inbound.keys.scopes import KeyScope

KEY_PREFIX: Final = "va_"
"""What every key made here begins with, so that one that leaked can be searched for."""

KEY_ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"
MODEL_PREFIX_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"

_RANDOM_BYTES: Final = 32

KeyId = Annotated[str, Meta(pattern=KEY_ID_PATTERN)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{64}\Z")]
# Seldomer than once in eleven days is not asked of anybody, and never would be no time to come again.
Rate = Annotated[float, Meta(ge=1e-6, le=1_000_000)]
ModelPrefix = Annotated[str, Meta(pattern=MODEL_PREFIX_PATTERN)]


def looks_like_key(text: str) -> bool:
    """Tell whether a text may be a key that was made here, put in a wrong place."""
    return text.startswith(KEY_PREFIX) and len(text) >= _RANDOM_BYTES


class UnusableKeys(ValueError):
    """API_KEYS is not a list of keys; the message says where, and nothing of what stands there."""


class KeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key: its hash, and what who has it may do.

    Attributes:
        id: Names the key in logs and answers; no secret.
        sha256: Of the key's ASCII text, in hexadecimal.
        scopes: What it may do.
        expires: From when on it is refused; without an offset in UTC.
        requests_per_second: How often it may call one process.
        models: What the names of the models begin with that it may name; without it, all.
    """

    id: KeyId
    sha256: Sha256
    scopes: Annotated[list[str], Meta(min_length=1)]
    expires: datetime | UnsetType = UNSET
    requests_per_second: Rate | UnsetType = UNSET
    models: Annotated[list[ModelPrefix], Meta(min_length=1)] | UnsetType = UNSET

    @property
    def expires_at(self) -> float:
        """Seconds since the epoch from which on the key is refused; infinite for one that never is."""
        if isinstance(self.expires, UnsetType):
            return float("inf")
        return (self.expires if self.expires.tzinfo else self.expires.replace(tzinfo=UTC)).timestamp()


_decode = msgspec.json.Decoder(list[KeyEntry]).decode


def decode_entries(text: bytes) -> list[KeyEntry]:
    """Read a list of keys.

    Raises:
        UnusableKeys: It is none, or two entries have the same id or the same key.
    """
    try:
        entries = _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableKeys(f"expected a JSON list of keys: {error}") from error
    known = {scope.value for scope in KeyScope}
    for place, entry in enumerate(entries):
        if not known.issuperset(entry.scopes):
            # Not told what stands there instead: it might be what should not be told.
            raise UnusableKeys(f"expected of scopes only {', '.join(sorted(known))} - at `$[{place}].scopes`")
    _refuse_twice("id", (entry.id for entry in entries))
    _refuse_twice("sha256", (entry.sha256.lower() for entry in entries))
    return entries


def new_key() -> tuple[str, str]:
    """Make a key that nobody can guess.

    Returns:
        The key, and its SHA-256 in hexadecimal. 256 random bits need no slow hash: nobody tries them out.
    """
    key = KEY_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    return key, hashlib.sha256(key.encode()).hexdigest()


def _refuse_twice(field: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for place, value in enumerate(values):
        if value in seen:
            raise UnusableKeys(f"expected each {field} once - at `$[{place}].{field}`")
        seen.add(value)
