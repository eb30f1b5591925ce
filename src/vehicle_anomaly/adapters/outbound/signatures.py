"""Manifests that only who has a key can have written: HMAC-SHA-256 (RFC 2104) over the whole manifest.

A manifest lists size and SHA-256 of every other file and names its version, so its signature vouches for all
of them. It stands in the manifest itself, as `signature`: both are there in the same moment, whichever store
keeps them, and are copied together.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UnsetType

from vehicle_anomaly.adapters.outbound.model_codec import MANIFEST, Manifest, ModelFiles, encode_manifest
from vehicle_anomaly.core.errors import UntrustedModel

# As long as `openssl rand -hex 16` at least; a slash makes it a path.
_KEY: Final = re.compile(r"[A-Za-z0-9+=_-]{32,512}")
_MOST_BYTES: Final = 64 * 1024


class UnusableSigningKeys(ValueError):
    """A text that holds or names no signing keys; the message tells nothing of it."""


class Signatures:
    """Signs manifests and checks their signatures; without keys it does neither."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        """Sign with the first key, and accept what any of them has signed."""
        self._keys = tuple(keys)

    @classmethod
    def of(cls, text: str) -> "Signatures":
        """Read keys from a text, or from the file that it names.

        Args:
            text: Keys, separated by commas or white space, or the path, with a slash, of a file of them.

        Raises:
            UnusableSigningKeys: They are none, or the file cannot be read.
        """
        if "/" in text:
            try:
                with Path(text).open("rb") as file:
                    text = file.read(_MOST_BYTES).decode("ascii", "replace")
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is no path"
                raise UnusableSigningKeys(f"expected keys or the path of a file of keys: {reason}") from error
        keys = [key for key in re.split(r"[\s,]+", text) if key]
        if not keys or not all(_KEY.fullmatch(key) for key in keys):
            raise UnusableSigningKeys(
                "expected keys of 32 to 512 letters, digits and +=_-, separated by commas or lines, of which "
                "the first signs, or the path, with a slash, of a file of them"
            )
        return cls([key.encode() for key in keys])

    @property
    def can_sign(self) -> bool:
        """Whether there is a key to sign with."""
        return bool(self._keys)

    def signed(self, files: ModelFiles) -> ModelFiles:
        """Return files with their manifest signed, in the place of any signature that it has."""
        if not self._keys:
            return files
        manifest = msgspec.json.decode(files.manifest, type=Manifest)
        signed = msgspec.structs.replace(manifest, signature=_signature(manifest, self._keys[0])).sealed()
        return ModelFiles(files.files, encode_manifest(signed), files.content_sha256)

    def check(self, manifest: Manifest) -> Manifest:
        """Return a manifest that may be trusted.

        Raises:
            UntrustedModel: It is not signed, or by no key that is accepted.
        """
        if not self._keys:
            return manifest
        told = manifest.metadata
        given = manifest.signature
        if isinstance(given, UnsetType):
            raise UntrustedModel(told.model_name, told.model_version, f"{MANIFEST} is not signed")
        # All of them, whichever fits: how long it takes tells nothing.
        fits = [hmac.compare_digest(_signature(manifest, key), given) for key in self._keys]
        if not any(fits):
            reason = f"{MANIFEST} is signed by none of the keys that are accepted"
            raise UntrustedModel(told.model_name, told.model_version, reason)
        return manifest


def _signature(manifest: Manifest, key: bytes) -> str:
    return hmac.new(key, manifest.to_sign(), hashlib.sha256).hexdigest()
