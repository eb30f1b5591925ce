"""The records of promotions in a bucket: one object each, created and never changed.

LATEST carries the record of its own making as metadata: S3 stores both in one step, so there is no change
without a record, and no record of what did not happen. From there, whoever made the change copies the record
to an object of its own; and whoever changes LATEST next does so first, lest the other has died. Each record
has the number of the one before it and one more: since LATEST is exchanged only if unchanged, no two have the
same.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from vehicle_anomaly.adapters.outbound import promotion_codec
from vehicle_anomaly.adapters.outbound.promotion_codec import FOLDER, MAX_PROMOTION_BYTES
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket, TooLarge
from vehicle_anomaly.core.errors import DamagedModel
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.ports import MAX_PROMOTIONS
from vehicle_anomaly.core.promotions import Promotion

_AT_ONCE: Final = 8


class S3Promotions:
    """The records of all models in a bucket. Safe to use from many threads."""

    def __init__(self, bucket: S3Bucket, root: str) -> None:
        """Keep records in a bucket, under keys that begin with `root`."""
        self._bucket = bucket
        self._root = root

    def keep(self, name: ModelName, promotion: Promotion) -> None:
        """Give a record that LATEST carries an object of its own, if it has none."""
        key = self._prefix(name) + promotion_codec.file_name(promotion)
        # There already: of whoever did the same. It is the same record, for no two have one number.
        self._bucket.create(key, promotion_codec.encode(promotion))

    def last_number(self, name: ModelName) -> int:
        """Return the largest number there is; 0 when there is no record."""
        return max((number for number, _ in self._named(name).values()), default=0)

    def newest(self, name: ModelName, current: Promotion | None) -> list[Promotion]:
        """Read the newest records, in order.

        Args:
            name: The model.
            current: What LATEST carries; read before.

        Raises:
            DamagedModel: A record is not readable.
        """
        named = self._named(name)
        keys = list(named)[-MAX_PROMOTIONS:]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="s3-promotions") as pool:
            read = list(pool.map(lambda key: self._read(name, key), keys))
        return [*read, *_unkept(current, named)][-MAX_PROMOTIONS:]

    def ever_latest(self, name: ModelName, current: Promotion | None) -> frozenset[ModelVersion]:
        """Return what is on record as having been the latest version; as `newest`."""
        named = self._named(name)
        unkept = _unkept(current, named)
        versions = {version for _, version in named.values()} | {each.to_version for each in unkept}
        # What answered before there were records stands in the first of them.
        first = [self._read(name, key) for key in list(named)[:1]] or unkept
        return frozenset(versions | {each.from_version for each in first if each.from_version is not None})

    def _read(self, name: ModelName, key: str) -> Promotion:
        place = key.rpartition("/")[2]
        try:
            found = self._bucket.read(key, MAX_PROMOTION_BYTES)
        except TooLarge as error:
            raise DamagedModel(name.value, FOLDER, str(error)) from error
        return promotion_codec.decode(b"" if found is None else found.data, name, place)

    def _named(self, name: ModelName) -> dict[str, tuple[int, ModelVersion]]:
        """Return number and version of each record by its key, in order."""
        prefix = self._prefix(name)
        parsed = {key: promotion_codec.parse_name(key[len(prefix) :]) for key in self._bucket.keys(prefix)}
        known = {key: record for key, record in parsed.items() if record is not None}
        return dict(sorted(known.items(), key=lambda item: item[1][0]))

    def _prefix(self, name: ModelName) -> str:
        return f"{self._root}{name}/{FOLDER}/"


def _unkept(current: Promotion | None, named: dict[str, tuple[int, ModelVersion]]) -> list[Promotion]:
    taken = {number for number, _ in named.values()}
    return [] if current is None or current.number in taken else [current]
