"""Where the files of a version are in a bucket."""

from dataclasses import dataclass

from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket, TooLarge
from vehicle_anomaly.core.errors import DamagedModel
from vehicle_anomaly.core.model import ModelName, ModelVersion


@dataclass(frozen=True, slots=True)
class S3Version:
    """`StoredVersion` under keys that begin with `root`."""

    bucket: S3Bucket
    root: str
    model_name: ModelName
    model_version: ModelVersion

    def key(self, file: str) -> str:
        """Return the key of a file."""
        return f"{self.root}{self.model_name}/{self.model_version}/{file}"

    def read(self, file: str, max_bytes: int) -> bytes | None:
        """Return a file; None when it is not there."""
        try:
            found = self.bucket.read(self.key(file), max_bytes)
        except TooLarge as error:
            raise DamagedModel(self.model_name.value, self.model_version.value, str(error)) from error
        return None if found is None else found.data
