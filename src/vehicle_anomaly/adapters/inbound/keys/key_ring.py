"""The keys that are taken now: found by their hash, read again when their file changes."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from hmac import compare_digest
from pathlib import Path
from time import monotonic
from typing import Final

import structlog

from vehicle_anomaly.adapters.inbound.keys.caller import Caller
from vehicle_anomaly.adapters.inbound.keys.entries import KeyEntry, UnusableKeys, decode_entries

_log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 1.0
_MOST_BYTES: Final = 16 * 1024 * 1024
_NOBODY: Final = bytes(32)

_Stamp = tuple[int, int, int] | str


class KeyRing:
    """Finds who has a key.

    Keys are looked up by their SHA-256, and the hash that is found is compared in constant time. How long a
    look-up takes tells at most something of the hash of what the caller sent, which the caller knows.
    """

    def __init__(self, api_keys: str, seconds: Callable[[], float] = monotonic) -> None:
        """Read the keys.

        Args:
            api_keys: The list as JSON, or the path of a file that holds it. A file is looked at again once a
                second; one that has become unusable changes nothing.
            seconds: A clock that never goes back.

        Raises:
            UnusableKeys: It is no list of keys, holds none, or the file cannot be read.
        """
        self._seconds = seconds
        self._path: Path | None = None if api_keys.lstrip().startswith("[") else Path(api_keys)
        self._stamp: _Stamp = self._stamp_of_file()
        try:
            text = api_keys.encode() if self._path is None else _read(self._path)
        except OSError as error:
            raise UnusableKeys(
                f"expected a JSON list of keys or the path of one: {error.strerror}"
            ) from error
        entries = decode_entries(text)
        if not entries:
            raise UnusableKeys("expected at least one key, got an empty list")
        self._callers = _callers(entries, {})
        self._look_at = float("inf") if self._path is None else seconds() + _LOOK_SECONDS

    def find(self, key: bytes) -> Caller | None:
        """Return who has a key, expired or not; None when nobody has."""
        if self._seconds() >= self._look_at:
            self._look()
        digest = hashlib.sha256(key).digest()
        caller = self._callers.get(digest)
        return caller if compare_digest(digest, _NOBODY if caller is None else caller.digest) else None

    def _look(self) -> None:
        self._look_at = self._seconds() + _LOOK_SECONDS
        stamp = self._stamp_of_file()
        if self._path is None or stamp == self._stamp:
            return
        # Whatever comes of it: the same broken file is told of once.
        self._stamp = stamp
        try:
            entries = decode_entries(_read(self._path))
        except (UnusableKeys, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            _log.error("API_KEYS could not be read again; the keys read last stay", reason=reason)
            return
        self._callers = _callers(entries, self._callers)
        if entries:
            _log.info("API_KEYS read again", keys=[entry.id for entry in entries])
        else:
            # As it was wanted, perhaps: all of them are out.
            _log.warning("API_KEYS read again and empty; nobody may call but for health")

    def _stamp_of_file(self) -> _Stamp:
        if self._path is None:
            return ""
        try:
            found = self._path.stat()
        except OSError as error:
            return error.strerror or ""
        # A new file under the old name, or behind the old link, may have the same time and size.
        return found.st_mtime_ns, found.st_size, found.st_ino


def _callers(entries: Iterable[KeyEntry], before: dict[bytes, Caller]) -> dict[bytes, Caller]:
    callers = (Caller.of(entry, before.get(bytes.fromhex(entry.sha256))) for entry in entries)
    return {caller.digest: caller for caller in callers}


def _read(path: Path) -> bytes:
    # A pipe in its place must not hang the event loop, which reads again.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnusableKeys("expected a file, got something else of this name")
        text = file.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise UnusableKeys(f"expected a file of at most {_MOST_BYTES} bytes")
    return text
