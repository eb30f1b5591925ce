"""A version on its way into a bucket: all its files in one object, which S3 creates whole or not at all."""

import uuid
from contextlib import suppress
from typing import Final

import msgspec

from vehicle_anomaly.adapters.outbound import model_codec
from vehicle_anomaly.adapters.outbound.model_codec import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MAX_VERSION_BYTES,
    ModelFiles,
)
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket, TooLarge
from vehicle_anomaly.adapters.outbound.s3_version import S3Version
from vehicle_anomaly.core.errors import DamagedModel, ModelStoreUnavailable
from vehicle_anomaly.core.model import ModelName, ModelVersion

FOLDER: Final = ".publications"
"""Beside the models; no model has such a name. One lifecycle rule can expire what is in it."""

MAX_PUBLICATION_BYTES: Final = MAX_VERSION_BYTES + 64 * 1024
_ROUNDS: Final = 100  # each one lost is another publisher's success


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one publisher wants a version to be.

    Attributes:
        attempt: Tells one publishing from any other, also of the same content.
        latest: The ETag of LATEST when the publishing began; None when there was none, and empty when this
            version is not to become the latest.
        manifest: `manifest.json`.
        files: The other files, in the order they are written in.
    """

    attempt: str
    latest: str | None
    manifest: bytes
    files: dict[str, bytes]


def encode(publication: Publication) -> bytes:
    """Turn a publication into one object."""
    return msgspec.msgpack.encode(publication)


def decode(data: bytes, name: ModelName, version: ModelVersion) -> Publication:
    """Read a publication, and check that its manifest vouches for its files.

    Raises:
        DamagedModel: It is not what a publisher has written.
    """
    try:
        publication = msgspec.msgpack.decode(data, type=Publication)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        reason = f"what is left of its publishing is not readable: {error}: delete {FOLDER}/{name}/{version}"
        raise DamagedModel(name.value, version.value, reason) from error
    model_codec.check_files(publication.manifest, publication.files, name, version)
    return publication


class S3Publications:
    """Versions on their way into a bucket."""

    def __init__(self, bucket: S3Bucket, root: str) -> None:
        """Publish into a bucket, under keys that begin with `root`."""
        self._bucket = bucket
        self._root = root

    def decide(
        self, name: ModelName, version: ModelVersion, files: ModelFiles, before: str | None
    ) -> tuple[bytes, bool]:
        """Decide what a version is, or find it decided; then see to it that it is there.

        Args:
            name: The model.
            version: The version.
            files: What it is to be.
            before: As `Publication.latest`.

        Returns:
            The manifest that is there, and whether it is there by this publication.
        """
        key = self._key(name, version)
        mine = Publication(
            attempt=uuid.uuid4().hex,
            latest=before,
            manifest=files.manifest,
            files=dict(files.files),
        )
        encoded = encode(mine)
        for _ in range(_ROUNDS):
            decided = mine if self._bucket.create(key, encoded) else self.find(name, version)
            if decided is None:
                # Deleted in between: then the version is there.
                stored = self._manifest(name, version)
                if stored is None:
                    continue
                return stored, False
            stored = self._complete(name, version, decided)
            is_mine = decided.attempt == mine.attempt
            if is_mine and stored != mine.manifest:
                # The version was there before it: nobody needs it.
                self.forget(name, version)
            return stored, is_mine and stored == mine.manifest
        raise ModelStoreUnavailable(f"{key}: is made and deleted all the time, by something else than this")

    def _complete(self, name: ModelName, version: ModelVersion, publication: Publication) -> bytes:
        """Create what is missing of a version; return the manifest that is there then."""
        for file, data in publication.files.items():
            key = self._place(name, version, file)
            if not self._bucket.create(key, data):
                stored = self._manifest(name, version)
                if stored is not None:
                    return stored
                self._take_place(key, data)
        if self._bucket.create(self._place(name, version, MANIFEST), publication.manifest):
            return publication.manifest
        stored = self._manifest(name, version)
        if stored is None:
            raise ModelStoreUnavailable(f"{self._place(name, version, MANIFEST)} was deleted by somebody")
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

    def forget(self, name: ModelName, version: ModelVersion) -> None:
        """Delete what is left of a publishing."""
        # All that matters is done: what cannot be deleted now decides nothing any more.
        with suppress(ModelStoreUnavailable):
            self._bucket.delete(self._key(name, version))

    def find(self, name: ModelName, version: ModelVersion) -> Publication | None:
        """Return what is left of a publishing, if anything is.

        Raises:
            DamagedModel: It is not what a publisher has written.
        """
        try:
            found = self._bucket.read(self._key(name, version), MAX_PUBLICATION_BYTES)
        except TooLarge as error:
            raise DamagedModel(name.value, version.value, f"{FOLDER}: {error}") from error
        return None if found is None else decode(found.data, name, version)

    def _manifest(self, name: ModelName, version: ModelVersion) -> bytes | None:
        return S3Version(self._bucket, self._root, name, version).read(MANIFEST, MAX_MANIFEST_BYTES)

    def _place(self, name: ModelName, version: ModelVersion, file: str) -> str:
        return S3Version(self._bucket, self._root, name, version).key(file)

    def _key(self, name: ModelName, version: ModelVersion) -> str:
        return f"{self._root}{FOLDER}/{name}/{version}"
