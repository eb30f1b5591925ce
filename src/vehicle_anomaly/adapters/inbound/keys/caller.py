"""Who has a key."""

from dataclasses import dataclass
from typing import Self

from msgspec import UnsetType

from vehicle_anomaly.adapters.inbound.keys.entries import KeyEntry
from vehicle_anomaly.adapters.inbound.keys.token_bucket import TokenBucket


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a key.

    Attributes:
        id: Names the key; no secret.
        digest: SHA-256 of the key.
        scopes: What it may do.
        expires_at: Seconds since the epoch.
        bucket: How often it may call; None for as often as it likes.
        models: What the names of models begin with that it may name; None for all.
    """

    id: str
    digest: bytes
    scopes: frozenset[str]
    expires_at: float
    bucket: TokenBucket | None
    models: tuple[str, ...] | None

    @classmethod
    def of(cls, entry: KeyEntry, before: Self | None) -> Self:
        """Make what an entry says; who was there before, at the same rate, gets no new calls by it."""
        rate = None if isinstance(entry.requests_per_second, UnsetType) else entry.requests_per_second
        bucket = None if rate is None else TokenBucket(rate)
        if before is not None and before.bucket is not None and before.bucket.rate == rate:
            bucket = before.bucket
        models = None if isinstance(entry.models, UnsetType) else tuple(entry.models)
        digest = bytes.fromhex(entry.sha256)
        return cls(entry.id, digest, frozenset(entry.scopes), entry.expires_at, bucket, models)

    def may_name(self, model: str) -> bool:
        """Tell whether it may name a model."""
        return self.models is None or model.startswith(self.models)
