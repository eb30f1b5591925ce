"""A version on its way into a bucket: all its files in one object, which S3 creates whole or not at all."""

from typing import Final

import msgspec

from vehicle_anomaly.adapters.outbound import model_codec
from vehicle_anomaly.adapters.outbound.model_codec import MAX_VERSION_BYTES
from vehicle_anomaly.core.errors import DamagedModel
from vehicle_anomaly.core.model import ModelName, ModelVersion

FOLDER: Final = ".publications"
"""Beside the models; no model has such a name. One lifecycle rule can expire what is in it."""

MAX_PUBLICATION_BYTES: Final = MAX_VERSION_BYTES + 64 * 1024


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
