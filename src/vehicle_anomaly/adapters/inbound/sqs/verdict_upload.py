"""Verdicts → one object in S3, by multipart upload: it appears when it is complete, or not at all.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import structlog
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES: Final = 8 * 1024 * 1024
"""Least size of all parts but the last: 10,000 of them, which is as many as S3 takes, are 80 GB."""

_log = structlog.get_logger(__name__)


class VerdictUpload:
    """An object that is being written; leaving the block before it is complete leaves nothing of it."""

    def __init__(self, s3: "S3Client", bucket: str, key: str, metadata: Mapping[str, str]) -> None:
        """Take what the object is to be.

        Args:
            s3: The client.
            bucket: Where.
            key: What is replaced, if it is there.
            metadata: Of the object, ASCII.
        """
        self._s3 = s3
        self._bucket = bucket
        self._key = key
        self._metadata = metadata
        self._upload_id = ""
        self._parts: list[CompletedPartTypeDef] = []
        self._unsent = bytearray()
        self._complete = False

    def __enter__(self) -> Self:
        """Begin the upload; this and the rest raise botocore's errors."""
        self._upload_id = self._s3.create_multipart_upload(
            Bucket=self._bucket, Key=self._key, ContentType="application/x-ndjson", Metadata=self._metadata
        )["UploadId"]
        return self

    def write(self, some: bytes) -> None:
        """Write; what makes no part yet is kept."""
        self._unsent += some
        if len(self._unsent) >= PART_BYTES:
            self._send()

    def complete(self) -> None:
        """Write the rest, and let the object appear."""
        if self._unsent or not self._parts:
            self._send()
        self._s3.complete_multipart_upload(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            MultipartUpload={"Parts": self._parts},
        )
        self._complete = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take back what is not complete: its parts would be paid for."""
        if self._complete:
            return
        try:
            self._s3.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)
        except (BotoCoreError, ClientError) as fault:
            _log.warning(
                "upload not aborted",
                bucket=self._bucket,
                key=self._key,
                upload_id=self._upload_id,
                error=str(fault),
            )

    def _send(self) -> None:
        number = len(self._parts) + 1
        sent = self._s3.upload_part(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            PartNumber=number,
            Body=bytes(self._unsent),
        )
        # What S3 knows of the part, checksums included, it wants to be told again.
        part: CompletedPartTypeDef = {"PartNumber": number, "ETag": sent["ETag"]}
        if "ChecksumCRC32" in sent:
            part["ChecksumCRC32"] = sent["ChecksumCRC32"]
        self._parts.append(part)
        self._unsent.clear()
