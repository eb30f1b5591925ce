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
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Final, TypeVar

from vehicle_anomaly.adapters.outbound import model_codec, s3_publication
from vehicle_anomaly.adapters.outbound.model_codec import (
    FOREST,
    GUARDS,
    MANIFEST,
    MAX_FILE_BYTES,
    MAX_MANIFEST_BYTES,
    Manifest,
    ModelFiles,
)
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket
from vehicle_anomaly.adapters.outbound.s3_errors import UnusableModelStore
from vehicle_anomaly.adapters.outbound.s3_latest import NEVER, Pointer, S3Latest
from vehicle_anomaly.adapters.outbound.s3_publication import S3Publications
from vehicle_anomaly.adapters.outbound.s3_version import S3Version
from vehicle_anomaly.adapters.outbound.signatures import Signatures
from vehicle_anomaly.adapters.outbound.stored_versions import (
    StoredVersions,
    known_manifest,
    listed,
    model_named,
    no_latest,
    read_file,
)
from vehicle_anomaly.core.errors import DamagedModel, InvalidModelVersion, UnknownModel, VersionExists
from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion
from vehicle_anomaly.core.ports import DamagedVersion, ModelVersions
from vehicle_anomaly.core.promotions import Change, Promoter, Promotion

_UNSIGNED: Final = Signatures()
_AT_ONCE: Final = 8

_T = TypeVar("_T")
_R = TypeVar("_R")


class S3Models(StoredVersions):
    """`ModelArchive` in a bucket of Amazon S3, or of a store that speaks its API with conditional writes."""

    def __init__(self, bucket: S3Bucket, prefix: str = "", signatures: Signatures = _UNSIGNED) -> None:
        """Keep models in a bucket.

        Args:
            bucket: The bucket.
            prefix: What all keys begin with, without slashes at its ends; empty for the bucket's root.
            signatures: Without keys, any version is trusted.
        """
        super().__init__(signatures)
        self._bucket = bucket
        self._root = f"{prefix}/" if prefix else ""
        self._latest = S3Latest(bucket, self._root)
        self._publications = S3Publications(bucket, self._root)
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

    def latest(self, name: ModelName) -> ModelVersion:
        """Return the version that answers when none is named; S3 sends it only when it has changed."""
        latest = self._latest.version(name)
        if latest is None:
            raise no_latest(name, list(self._published(name)))
        return latest

    def names(self) -> list[ModelName]:
        """Return the models that have at least one version, sorted."""
        names = [name for name in map(model_named, self._bucket.folders(self._root)) if name is not None]
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
        pointer = self._latest.pointer(name)
        return listed(
            versions,
            damaged,
            lambda: None if pointer is None else self._latest.pointed_at(pointer.data, name),
            lambda: self._latest.ever_latest(name),
        )

    def promotions(self, name: ModelName) -> list[Promotion]:
        """Return the records of what became the latest version, in the order in which it did."""
        found = self._latest.promotions(name)
        if not found and not self._has_versions(name):
            raise UnknownModel(name.value)
        return found

    def promote(self, name: ModelName, version: ModelVersion, promoter: Promoter) -> None:
        """Make a version the latest, forward or back, with a record of it."""
        self.prove()
        known = self.load(name, version).metadata
        change = Change(promoter, version, known.trained_at)
        self._latest.make(name, change, self._latest.pointer(name))

    def check(self) -> None:
        """Return when the bucket can be read."""
        self._bucket.reach(self._root)

    def _add(
        self, name: ModelName, version: ModelVersion, files: ModelFiles, change: Change | None
    ) -> Manifest:
        self.prove()
        stored, mine = self._at(name, version).read(MANIFEST, MAX_MANIFEST_BYTES), False
        before: Pointer | None = NEVER
        if stored is None:
            before = self._latest.pointer(name) if change is not None else NEVER
            stored, mine = self._publications.decide(
                name, version, files, None if before is None else before.etag
            )
        manifest = self._signatures.check(model_codec.decode_manifest(stored, name, version))
        if manifest.content_sha256 != files.content_sha256:
            raise VersionExists(name.value, version.value)
        if mine:
            if change is not None:
                self._latest.make(name, change, before)
            self._publications.forget(name, version)
        elif change is not None:
            self._finish(name, version, stored, change)
        return manifest

    def _finish(self, name: ModelName, version: ModelVersion, stored: bytes, change: Change) -> None:
        """Take the steps that the publisher of a version that is there may not have come to."""
        publication = self._publications.find(name, version)
        pointer = self._latest.pointer(name)
        # Of another manifest: of one who came too late, and had nothing to decide.
        unfinished = publication is not None and publication.manifest == stored
        before = publication.latest if publication is not None and unfinished else None
        if pointer is None or (unfinished and pointer.etag == before):
            # Whoever is in time to change LATEST between the two has decided later, and it stays.
            self._latest.point(name, change, pointer)
        if publication is not None:
            self._publications.forget(name, version)

    def _looked_at(self, name: ModelName, version: ModelVersion) -> ModelMetadata | DamagedModel:
        try:
            manifest = known_manifest(self._at(name, version), self._signatures)
            for file in (FOREST, GUARDS) if GUARDS in manifest.files else (FOREST,):
                self._check(manifest, name, version, file)
            return model_codec.metadata(manifest)
        except DamagedModel as error:
            return error

    def _check(self, manifest: Manifest, name: ModelName, version: ModelVersion, file: str) -> None:
        known = self._bucket.fingerprint(self._at(name, version).key(file))
        if known is None or known.sha256 is None or known.size > MAX_FILE_BYTES[file]:
            # Uploaded by something that did not have S3 check and keep the hash.
            data = read_file(self._at(name, version), file)
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

    def _version(self, name: ModelName, version: ModelVersion) -> AbstractContextManager[S3Version]:
        return nullcontext(self._at(name, version))

    def _at(self, name: ModelName, version: ModelVersion) -> S3Version:
        return S3Version(self._bucket, self._root, name, version)


def _at_once(ask: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """Ask for several things at the same time: each answer is a journey to S3 and back."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="s3-models") as pool:
        return list(pool.map(ask, items))
