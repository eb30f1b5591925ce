"""LATEST in a bucket: the version that answers when none is named.

It is exchanged if unchanged, and ends in one newline more with each change (readers strip them), so that an
ETag does not return when a version does: neither a late request nor a memory can take the second time of a
version for its first. Beside it, as metadata, it carries the record of its own making: see `s3_promotions`.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from vehicle_anomaly.adapters.outbound import promotion_codec
from vehicle_anomaly.adapters.outbound.model_codec import LATEST, MANIFEST
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket, TooLarge
from vehicle_anomaly.adapters.outbound.s3_promotions import S3Promotions
from vehicle_anomaly.core.errors import DamagedModel, InvalidModelVersion, ModelStoreUnavailable
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.promotions import Change, Promotion

_MAX_LATEST_BYTES: Final = 1024
_RECORD: Final = "promotion"
_MOVES: Final = 256  # newlines at the end of LATEST, at most: before they repeat, 256 changes later
_ROUNDS: Final = 100  # of a compare-and-swap: each one lost is another publisher's success
_ROUNDS_WITHOUT_PAUSE: Final = 2


@dataclass(frozen=True, slots=True)
class Pointer:
    """LATEST as it is.

    Attributes:
        data: Its bytes, which may be no version at all.
        etag: What stands for them.
        record: Of who made it what it is; None when it carries none, or that of another version.
    """

    data: bytes
    etag: str
    record: Promotion | None = None

    @property
    def named(self) -> ModelVersion | None:
        """The version that it names, whether or not it is there; None when it names none."""
        try:
            return ModelVersion(self.data.decode("ascii").strip())
        except (UnicodeDecodeError, InvalidModelVersion):
            return None


NEVER: Final = Pointer(b"", "")
"""What LATEST never is, for a version that is not to become the latest."""


class S3Latest:
    """The pointers of all models in a bucket. Safe to use from many threads."""

    def __init__(self, bucket: S3Bucket, root: str) -> None:
        """Keep pointers in a bucket, under keys that begin with `root`."""
        self._bucket = bucket
        self._root = root
        self._promotions = S3Promotions(bucket, root)
        self._known: dict[str, tuple[str, ModelVersion]] = {}

    def version(self, name: ModelName) -> ModelVersion | None:
        """Return the version that answers when none is named; S3 sends it only when it has changed.

        Returns:
            None when there is no LATEST.

        Raises:
            DamagedModel: It names none that is there.
        """
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
            return None
        latest = self.pointed_at(found.data, name)
        self._known[name.value] = (found.etag, latest)
        return latest

    def promotions(self, name: ModelName) -> list[Promotion]:
        """Return the newest records of what LATEST was made, in order."""
        return self._promotions.newest(name, self._current(name))

    def ever_latest(self, name: ModelName) -> frozenset[ModelVersion]:
        """Return what is on record as having been the latest version."""
        return self._promotions.ever_latest(name, self._current(name))

    def _current(self, name: ModelName) -> Promotion | None:
        pointer = self.pointer(name)
        return None if pointer is None else pointer.record

    def make(self, name: ModelName, change: Change, pointer: Pointer | None) -> None:
        """Point LATEST at a version, whatever it points at; `pointer` is what it was a moment ago."""
        for number in range(_ROUNDS):
            if self.point(name, change, pointer):
                return
            current = self.pointer(name)
            if current is not None and current.data == _pointing_at(change.to_version, pointer):
                # By our own first attempt; or by another's, to the same end.
                self._keep(name, current.record)
                return
            pointer = current
            if number >= _ROUNDS_WITHOUT_PAUSE:
                self._bucket.pause(number)
        raise ModelStoreUnavailable(f"{self._key(name)} is changed all the time")

    def point(self, name: ModelName, change: Change, pointer: Pointer | None) -> bool:
        """Point LATEST at a version if it is still `pointer`; False as `S3Bucket.replace` says."""
        key, data = self._key(name), _pointing_at(change.to_version, pointer)
        record = self._record(name, change, pointer)
        beside = {} if record is None else {_RECORD: promotion_codec.encode(record).decode("ascii")}
        if pointer is None:
            pointed = self._bucket.create(key, data, beside)
        else:
            pointed = self._bucket.replace(key, data, pointer.etag, beside)
        if pointed:
            self._keep(name, record)
        return pointed

    def _record(self, name: ModelName, change: Change, pointer: Pointer | None) -> Promotion | None:
        """Return the record that LATEST is to carry; that of before has an object of its own then."""
        if pointer is None or pointer.record is None:
            last = self._promotions.last_number(name)
        else:
            self._promotions.keep(name, pointer.record)
            last = pointer.record.number
        before = None if pointer is None else pointer.named
        if pointer is not None and before == change.to_version:
            return pointer.record
        return change.after(last + 1, before)

    def _keep(self, name: ModelName, record: Promotion | None) -> None:
        # LATEST carries it: what cannot be done now, whoever changes LATEST next does.
        with suppress(ModelStoreUnavailable):
            if record is not None:
                self._promotions.keep(name, record)

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
        if found is None:
            return None
        pointer = Pointer(found.data, found.etag, _record_in(found.metadata.get(_RECORD), name))
        written_by_hand = pointer.record is not None and pointer.record.to_version != pointer.named
        return Pointer(found.data, found.etag) if written_by_hand else pointer

    def _key(self, name: ModelName) -> str:
        return f"{self._root}{name}/{LATEST}"


def _record_in(metadata: str | None, name: ModelName) -> Promotion | None:
    if metadata is None:
        return None
    try:
        return promotion_codec.decode(metadata.encode(), name, LATEST)
    except DamagedModel:
        # It was not written by any of this; numbers go on from what is kept.
        return None


def _pointing_at(version: ModelVersion, before: Pointer | None) -> bytes:
    """Return what LATEST becomes: its bytes must differ from all that it was in recent times."""
    if before is None:
        return version.value.encode("ascii")
    moves = len(before.data) - len(before.data.rstrip(b"\n"))
    return version.value.encode("ascii") + b"\n" * ((moves + 1) % _MOVES)
