"""LATEST in a bucket: the version that answers when none is named.

It is exchanged if unchanged, and ends in one newline more with each change (readers strip them), so that an
ETag does not return when a version does: neither a late request nor a memory can take the second time of a
version for its first.
"""

from dataclasses import dataclass
from typing import Final

from vehicle_anomaly.adapters.outbound.model_codec import LATEST, MANIFEST
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket, TooLarge
from vehicle_anomaly.core.errors import DamagedModel, InvalidModelVersion, ModelStoreUnavailable, UnknownModel
from vehicle_anomaly.core.model import ModelName, ModelVersion

_MAX_LATEST_BYTES: Final = 1024
_MOVES: Final = 256  # newlines at the end of LATEST, at most: before they repeat, 256 changes later
_ROUNDS: Final = 100  # of a compare-and-swap: each one lost is another publisher's success
_ROUNDS_WITHOUT_PAUSE: Final = 2


@dataclass(frozen=True, slots=True)
class Pointer:
    """LATEST as it is: its bytes, which may be no version at all, and what stands for them."""

    data: bytes
    etag: str


NEVER: Final = Pointer(b"", "")
"""What LATEST never is, for a version that is not to become the latest."""


class S3Latest:
    """The pointers of all models in a bucket. Safe to use from many threads."""

    def __init__(self, bucket: S3Bucket, root: str) -> None:
        """Keep pointers in a bucket, under keys that begin with `root`."""
        self._bucket = bucket
        self._root = root
        self._known: dict[str, tuple[str, ModelVersion]] = {}

    def version(self, name: ModelName) -> ModelVersion:
        """Return the version that answers when none is named; S3 sends it only when it has changed."""
        known = self._known.get(name.value)
        key = self._key(name)
        try:
            if known is None:
                found = self._bucket.read(key, _MAX_LATEST_BYTES)
            else:
                changed, found = self._bucket.read_if_changed(key, _MAX_LATEST_BYTES, known[0])
                if not changed:
                    return known[1]
        except TooLarge as error:
            raise DamagedModel(name.value, LATEST, f"{LATEST} names no version: {error}") from error
        if found is None:
            self._known.pop(name.value, None)
            raise UnknownModel(name.value)
        latest = self.pointed_at(found.data, name)
        self._known[name.value] = (found.etag, latest)
        return latest

    def make(self, name: ModelName, version: ModelVersion, pointer: Pointer | None) -> None:
        """Point LATEST at a version, whatever it points at; `pointer` is what it was a moment ago."""
        for number in range(_ROUNDS):
            if self.point(name, version, pointer):
                return
            current = self.pointer(name)
            if current is not None and current.data == _pointing_at(version, pointer):
                # By our own first attempt; or by another's, to the same end.
                return
            pointer = current
            if number >= _ROUNDS_WITHOUT_PAUSE:
                self._bucket.pause(number)
        raise ModelStoreUnavailable(f"{self._key(name)} is changed all the time")

    def point(self, name: ModelName, version: ModelVersion, pointer: Pointer | None) -> bool:
        """Point LATEST at a version if it is still `pointer`; False as `S3Bucket.replace` says."""
        key, data = self._key(name), _pointing_at(version, pointer)
        if pointer is None:
            return self._bucket.create(key, data)
        return self._bucket.replace(key, data, pointer.etag)

    def pointed_at(self, data: bytes, name: ModelName) -> ModelVersion:
        """Return the version that the bytes of LATEST name.

        Raises:
            DamagedModel: They name none that is there.
        """
        try:
            latest = ModelVersion(data.decode("ascii").strip())
        except (UnicodeDecodeError, InvalidModelVersion) as error:
            raise DamagedModel(name.value, LATEST, f"{LATEST} names no version: {error}") from error
        if self._bucket.fingerprint(f"{self._root}{name}/{latest}/{MANIFEST}") is None:
            raise DamagedModel(name.value, latest.value, f"{LATEST} points at {latest}, which does not exist")
        return latest

    def pointer(self, name: ModelName) -> Pointer | None:
        """Return LATEST as it is, readable or not; None when there is none."""
        try:
            found = self._bucket.read(self._key(name), _MAX_LATEST_BYTES)
        except TooLarge as error:
            return Pointer(b"", error.etag)
        return None if found is None else Pointer(found.data, found.etag)

    def _key(self, name: ModelName) -> str:
        return f"{self._root}{name}/{LATEST}"


def _pointing_at(version: ModelVersion, before: Pointer | None) -> bytes:
    """Return what LATEST becomes: its bytes must differ from all that it was in recent times."""
    if before is None:
        return version.value.encode("ascii")
    moves = len(before.data) - len(before.data.rstrip(b"\n"))
    return version.value.encode("ascii") + b"\n" * ((moves + 1) % _MOVES)
