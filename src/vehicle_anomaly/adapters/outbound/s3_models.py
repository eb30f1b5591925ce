"""Models in a bucket, shared by any number of processes.

S3 has no rename and no write of several objects at once; it has creation if there is none
(`If-None-Match: *`) and exchange if unchanged (`If-Match`), each of one object. A version is therefore
decided by one creation:

1. The publisher creates `.publications/<name>/<version>`, which holds all files of the version. Whoever
   creates it has decided what the version is, though it is not there yet.
2. From this publication, `forest.npz`, `model.joblib`, `guards.npz` and `report.json` are created, then
   `manifest.json`, in this order: the version is there.
3. LATEST is exchanged.
4. The publication is deleted.

Whoever finds another's publication takes the steps that are missing in its stead, and only then sees whether
it is of the same content (success) or of other content (`VersionExists`).

Why no order of steps and no death in between does harm:

- A publication is created, never changed, and deleted only when all files are there. So while one of
  them is missing there is at most one publication, and every process writes from that one.
- The files are created, never overwritten. So whoever is late, with a request that was thought to be lost or
  with a publication that came after the deletion of the first one, finds all of them taken and changes
  nothing. Therefore a manifest that can be read is that of the files beside it.
- A file that is there without a manifest and is not the publication's was not written by any of this; it is
  left of a copy by hand, say. It is exchanged for the publication's, under the condition that it is
  still what was looked at.
- A publisher that dies before 1 leaves nothing; after 1, a publication that the next publishing of this
  version completes; after 2, a version that the next publishing of the same content makes the latest, if
  LATEST is still what the publication remembers, and leaves alone if somebody decided otherwise since.
- LATEST ends in one newline more with each change (readers strip them), so that an ETag does not return when
  a version does: neither a late request nor a memory can take the second time of a version for its first.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from vehicle_anomaly.adapters.outbound import model_codec, s3_publication
from vehicle_anomaly.adapters.outbound.model_codec import (
    FOREST,
    GUARDS,
    LATEST,
    MANIFEST,
    MAX_FILE_BYTES,
    MAX_MANIFEST_BYTES,
    REPORT,
    Manifest,
    ModelFiles,
)
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket, TooLarge
from vehicle_anomaly.adapters.outbound.s3_errors import UnusableModelStore
from vehicle_anomaly.adapters.outbound.s3_publication import MAX_PUBLICATION_BYTES, Publication
from vehicle_anomaly.core.errors import (
    DamagedModel,
    InvalidModelName,
    InvalidModelVersion,
    ModelStoreUnavailable,
    UnknownModel,
    UnknownModelVersion,
    VersionExists,
)
from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion, TrainedModel, newest_first
from vehicle_anomaly.core.ports import DamagedVersion, ModelVersions, VersionFiles
from vehicle_anomaly.core.training_report import TrainingReport

_MAX_LATEST_BYTES: Final = 1024
_MOVES: Final = 256  # newlines at the end of LATEST, at most: before they repeat, 256 changes later
_ROUNDS: Final = 100  # of a compare-and-swap: each one lost is another publisher's success
_ROUNDS_WITHOUT_PAUSE: Final = 2
_AT_ONCE: Final = 8

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class _Pointer:
    """LATEST as it is: its bytes, which may be no version at all, and what stands for them."""

    data: bytes
    etag: str


_NEVER: Final = _Pointer(b"", "")
"""What LATEST never is, for a version that is not to become the latest."""


class S3Models:
    """`ModelArchive` in a bucket of Amazon S3, or of a store that speaks its API with conditional writes."""

    def __init__(self, bucket: S3Bucket, prefix: str = "") -> None:
        """Keep models in a bucket.

        Args:
            bucket: The bucket.
            prefix: What all keys begin with, without slashes at its ends; empty for the bucket's root.
        """
        self._bucket = bucket
        self._root = f"{prefix}/" if prefix else ""
        self._known: dict[str, tuple[str, ModelVersion]] = {}
        self._proven = False

    def prove(self) -> None:
        """Find out, once in a process and before its first write, whether the store holds to conditions.

        Raises:
            UnusableModelStore: It lets a second creation win, or an exchange of what is no longer there.
        """
        if self._proven:
            return
        key = f"{self._root}{s3_publication.FOLDER}/self-test-{uuid.uuid4().hex}"
        # Nobody else knows the key: what is there already, our own first attempt has put.
        self._bucket.create(key, b"1")
        if self._bucket.create(key, b"2"):
            broken = "If-None-Match: * create an object twice"
        elif self._bucket.replace(key, b"3", '"0123456789abcdef0123456789abcdef"'):
            broken = "If-Match replace an object that does not match"
        else:
            broken = ""
        self._bucket.delete(key)
        if broken:
            raise UnusableModelStore(
                f"{self._bucket.endpoint} lets {broken}: versions would overwrite each other; use a store "
                "with conditional writes"
            )
        self._proven = True

    def publish(self, model: TrainedModel) -> ModelMetadata:
        """Add a version and make it the latest."""
        name, version = model.metadata.model_name, model.metadata.model_version
        return model_codec.metadata(self._add(name, version, model_codec.encode(model), latest=True))

    def add(self, files: VersionFiles) -> None:
        """Add a version as it is; the latest version stays what it is."""
        name, version = files.model_name, files.model_version
        checked = model_codec.check_files(files.manifest, files.files, name, version)
        self._add(name, version, checked, latest=False)

    def files(self, name: ModelName, version: ModelVersion) -> VersionFiles:
        """Return the files of a version, all of them and each checked."""
        manifest = self._manifest_bytes(name, version)
        if manifest is None:
            raise UnknownModelVersion(name.value, version.value)
        listed = model_codec.listed_files(model_codec.decode_manifest(manifest, name, version))
        files = {file: self._file(name, version, file) for file in listed}
        model_codec.check_files(manifest, files, name, version)
        return VersionFiles(name, version, manifest, files)

    def load(self, name: ModelName, version: ModelVersion) -> TrainedModel:
        """Return a version, whole and checked."""
        manifest = self._manifest(name, version)
        guards = self._file(name, version, GUARDS) if GUARDS in manifest.files else None
        return model_codec.decode(manifest, self._file(name, version, FOREST), guards)

    def latest(self, name: ModelName) -> ModelVersion:
        """Return the version that answers when none is named; S3 sends it only when it has changed."""
        known = self._known.get(name.value)
        key = self._latest_key(name)
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
        latest = self._pointed_at(found.data, name)
        self._known[name.value] = (found.etag, latest)
        return latest

    def names(self) -> list[ModelName]:
        """Return the models that have at least one version, sorted."""
        names = [name for name in map(_name_of, self._bucket.folders(self._root)) if name is not None]
        has_versions = _at_once(self._has_versions, names)
        return sorted((name for name, has in zip(names, has_versions, strict=True) if has), key=str)

    def versions(self, name: ModelName) -> ModelVersions:
        """Return the versions of a model."""
        versions, damaged = {}, []
        for found in _at_once(lambda version: self._looked_at(name, version), self._published(name)):
            if isinstance(found, DamagedModel):
                damaged.append(DamagedVersion(found.model_version, found.reason))
            else:
                versions[found.model_version] = found
        if not versions and not damaged:
            raise UnknownModel(name.value)
        pointer, latest = self._pointer(name), None
        try:
            latest = None if pointer is None else self._pointed_at(pointer.data, name)
        except DamagedModel as error:
            damaged.append(DamagedVersion(LATEST, error.reason))
        readable = latest if latest in versions else None
        return ModelVersions(readable, tuple(newest_first([*versions.values()])), tuple(damaged))

    def metadata(self, name: ModelName, version: ModelVersion) -> ModelMetadata:
        """Return what is known of a version."""
        return model_codec.metadata(self._manifest(name, version))

    def report(self, name: ModelName, version: ModelVersion) -> TrainingReport | None:
        """Return what was said of a version's training."""
        manifest = self._manifest(name, version)
        if REPORT not in manifest.files:
            return None
        return model_codec.decode_report(manifest, self._file(name, version, REPORT))

    def promote(self, name: ModelName, version: ModelVersion) -> None:
        """Make a version the latest, forward or back."""
        self.prove()
        self.load(name, version)
        self._make_latest(name, version, self._pointer(name))

    def check(self) -> None:
        """Return when the bucket can be read."""
        self._bucket.reach(self._root)

    def _add(self, name: ModelName, version: ModelVersion, files: ModelFiles, *, latest: bool) -> Manifest:
        self.prove()
        stored, mine = self._manifest_bytes(name, version), False
        before: _Pointer | None = _NEVER
        if stored is None:
            before = self._pointer(name) if latest else _NEVER
            stored, mine = self._publish_new(name, version, files, before)
        manifest = model_codec.decode_manifest(stored, name, version)
        if manifest.content_sha256 != files.content_sha256:
            raise VersionExists(name.value, version.value)
        if mine:
            if latest:
                self._make_latest(name, version, before)
            self._forget_publication(name, version)
        elif latest:
            self._finish(name, version, stored)
        return manifest

    def _publish_new(
        self, name: ModelName, version: ModelVersion, files: ModelFiles, before: _Pointer | None
    ) -> tuple[bytes, bool]:
        """Decide what the version is, or find it decided; then see to it that it is there.

        Returns:
            The manifest that is there, and whether it is there by this publication.
        """
        key = self._publication_key(name, version)
        mine = Publication(
            attempt=uuid.uuid4().hex,
            latest=None if before is None else before.etag,
            manifest=files.manifest,
            files=dict(files.files),
        )
        encoded = s3_publication.encode(mine)
        for _ in range(_ROUNDS):
            decided = mine if self._bucket.create(key, encoded) else self._publication(name, version)
            if decided is None:
                # Deleted in between: then the version is there.
                stored = self._manifest_bytes(name, version)
                if stored is None:
                    continue
                return stored, False
            stored = self._complete(name, version, decided)
            is_mine = decided.attempt == mine.attempt
            if is_mine and stored != mine.manifest:
                # The version was there before it: nobody needs it.
                self._forget_publication(name, version)
            return stored, is_mine and stored == mine.manifest
        raise ModelStoreUnavailable(f"{key}: is made and deleted all the time, by something else than this")

    def _complete(self, name: ModelName, version: ModelVersion, publication: Publication) -> bytes:
        """Create what is missing of a version; return the manifest that is there then."""
        for file, data in publication.files.items():
            key = self._key(name, version, file)
            if not self._bucket.create(key, data):
                stored = self._manifest_bytes(name, version)
                if stored is not None:
                    return stored
                self._take_place(key, data)
        if self._bucket.create(self._key(name, version, MANIFEST), publication.manifest):
            return publication.manifest
        stored = self._manifest_bytes(name, version)
        if stored is None:
            raise ModelStoreUnavailable(f"{self._key(name, version, MANIFEST)} was deleted by somebody")
        return stored

    def _take_place(self, key: str, data: bytes) -> None:
        """Put a file in the place of one that belongs to no version, unless it is the same."""
        for _ in range(_ROUNDS):
            try:
                found = self._bucket.read(key, len(data))
                etag = None if found is None else found.etag
            except TooLarge as error:
                found, etag = None, error.etag
            if found is not None and found.data == data:
                return
            if self._bucket.create(key, data) if etag is None else self._bucket.replace(key, data, etag):
                return
        raise ModelStoreUnavailable(f"{key} is changed all the time, by something else than this")

    def _make_latest(self, name: ModelName, version: ModelVersion, pointer: _Pointer | None) -> None:
        """Point LATEST at a version, whatever it points at; `pointer` is what it was a moment ago."""
        for number in range(_ROUNDS):
            if self._point(name, version, pointer):
                return
            current = self._pointer(name)
            if current is not None and current.data == _pointing_at(version, pointer):
                # By our own first attempt; or by another's, to the same end.
                return
            pointer = current
            if number >= _ROUNDS_WITHOUT_PAUSE:
                self._bucket.pause(number)
        raise ModelStoreUnavailable(f"{self._latest_key(name)} is changed all the time")

    def _finish(self, name: ModelName, version: ModelVersion, stored: bytes) -> None:
        """Take the steps that the publisher of a version that is there may not have come to."""
        publication = self._publication(name, version)
        pointer = self._pointer(name)
        # Of another manifest: of one who came too late, and had nothing to decide.
        unfinished = publication is not None and publication.manifest == stored
        before = publication.latest if publication is not None and unfinished else None
        if pointer is None or (unfinished and pointer.etag == before):
            # Whoever is in time to change LATEST between the two has decided later, and it stays.
            self._point(name, version, pointer)
        if publication is not None:
            self._forget_publication(name, version)

    def _forget_publication(self, name: ModelName, version: ModelVersion) -> None:
        # All that matters is done: what cannot be deleted now decides nothing any more.
        with suppress(ModelStoreUnavailable):
            self._bucket.delete(self._publication_key(name, version))

    def _point(self, name: ModelName, version: ModelVersion, pointer: _Pointer | None) -> bool:
        key, data = self._latest_key(name), _pointing_at(version, pointer)
        if pointer is None:
            return self._bucket.create(key, data)
        return self._bucket.replace(key, data, pointer.etag)

    def _pointed_at(self, data: bytes, name: ModelName) -> ModelVersion:
        try:
            latest = ModelVersion(data.decode("ascii").strip())
        except (UnicodeDecodeError, InvalidModelVersion) as error:
            raise DamagedModel(name.value, LATEST, f"{LATEST} names no version: {error}") from error
        if self._bucket.fingerprint(self._key(name, latest, MANIFEST)) is None:
            raise DamagedModel(name.value, latest.value, f"{LATEST} points at {latest}, which does not exist")
        return latest

    def _pointer(self, name: ModelName) -> _Pointer | None:
        try:
            found = self._bucket.read(self._latest_key(name), _MAX_LATEST_BYTES)
        except TooLarge as error:
            return _Pointer(b"", error.etag)
        return None if found is None else _Pointer(found.data, found.etag)

    def _publication(self, name: ModelName, version: ModelVersion) -> Publication | None:
        try:
            found = self._bucket.read(self._publication_key(name, version), MAX_PUBLICATION_BYTES)
        except TooLarge as error:
            raise DamagedModel(name.value, version.value, f"{s3_publication.FOLDER}: {error}") from error
        return None if found is None else s3_publication.decode(found.data, name, version)

    def _manifest(self, name: ModelName, version: ModelVersion) -> Manifest:
        data = self._manifest_bytes(name, version)
        if data is None:
            raise UnknownModelVersion(name.value, version.value)
        return model_codec.decode_manifest(data, name, version)

    def _manifest_bytes(self, name: ModelName, version: ModelVersion) -> bytes | None:
        try:
            found = self._bucket.read(self._key(name, version, MANIFEST), MAX_MANIFEST_BYTES)
        except TooLarge as error:
            raise DamagedModel(name.value, version.value, str(error)) from error
        return None if found is None else found.data

    def _file(self, name: ModelName, version: ModelVersion, file: str) -> bytes:
        try:
            found = self._bucket.read(self._key(name, version, file), MAX_FILE_BYTES[file])
        except TooLarge as error:
            raise DamagedModel(name.value, version.value, str(error)) from error
        if found is None:
            raise DamagedModel(name.value, version.value, f"{file} is not there")
        return found.data

    def _looked_at(self, name: ModelName, version: ModelVersion) -> ModelMetadata | DamagedModel:
        try:
            manifest = self._manifest(name, version)
            for file in (FOREST, GUARDS) if GUARDS in manifest.files else (FOREST,):
                self._check(manifest, name, version, file)
            return model_codec.metadata(manifest)
        except DamagedModel as error:
            return error

    def _check(self, manifest: Manifest, name: ModelName, version: ModelVersion, file: str) -> None:
        known = self._bucket.fingerprint(self._key(name, version, file))
        if known is None or known.sha256 is None or known.size > MAX_FILE_BYTES[file]:
            # Uploaded by something that did not have S3 check and keep the hash.
            data = self._file(name, version, file)
            size, sha256 = len(data), hashlib.sha256(data).hexdigest()
        else:
            size, sha256 = known.size, known.sha256
        model_codec.check_fingerprint(manifest, file, size, sha256)

    def _published(self, name: ModelName) -> Iterator[ModelVersion]:
        """List what has a manifest."""
        prefix = f"{self._root}{name}/"
        for key in self._bucket.keys(prefix):
            version, _, file = key[len(prefix) :].partition("/")
            if file == MANIFEST:
                with suppress(InvalidModelVersion):
                    yield ModelVersion(version)

    def _has_versions(self, name: ModelName) -> bool:
        return any(True for _ in self._published(name))

    def _key(self, name: ModelName, version: ModelVersion, file: str) -> str:
        return f"{self._root}{name}/{version}/{file}"

    def _latest_key(self, name: ModelName) -> str:
        return f"{self._root}{name}/{LATEST}"

    def _publication_key(self, name: ModelName, version: ModelVersion) -> str:
        return f"{self._root}{s3_publication.FOLDER}/{name}/{version}"


def _pointing_at(version: ModelVersion, before: _Pointer | None) -> bytes:
    """Return what LATEST becomes: its bytes must differ from all that it was in recent times."""
    if before is None:
        return version.value.encode("ascii")
    moves = len(before.data) - len(before.data.rstrip(b"\n"))
    return version.value.encode("ascii") + b"\n" * ((moves + 1) % _MOVES)


def _name_of(entry: str) -> ModelName | None:
    try:
        return ModelName(entry)
    except InvalidModelName:
        return None


def _at_once(ask: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """Ask for several things at the same time: each answer is a journey to S3 and back."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="s3-models") as pool:
        return list(pool.map(ask, items))
