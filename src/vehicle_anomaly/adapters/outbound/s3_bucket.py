"""The objects of a bucket, asked for until S3 has answered. The only place that tries again.

botocore's own retries are off. They repeat a conditional write blindly, and its second attempt then answers
412 for what the first has done; they do not repeat a 409, which S3 gives to one of two conditional writes
that meet; and a layer that must do both anyway would multiply its attempts with theirs.

A timeout, a 5xx or a broken connection says nothing about whether the request was done. The methods that
write say what they know: `create` and `replace` return False when the condition did not hold *or their own
first attempt was done*, so that whoever calls them reads back and compares. Nothing is ever cleaned up on a
guess.
"""

import base64
import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import ClientError

from vehicle_anomaly.adapters.outbound.retry_budget import RetryBudget
from vehicle_anomaly.adapters.outbound.s3_errors import (
    S3_ERRORS,
    is_absent,
    is_transient,
    status_of,
    unavailable,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

_ATTEMPTS: Final = 3
_PATIENCE_SECONDS: Final = 20.0  # no further attempt later than that
_LITTLE_PATIENCE_SECONDS: Final = 2.0
_CONFLICTS: Final = 10  # a 409 is no trouble of S3's: each is another writer's success
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 2.0

_NONE: Final[Mapping[str, str]] = {}

_T = TypeVar("_T")


class TooLarge(Exception):
    """An object is larger than its reader allows; its body was not read."""

    def __init__(self, key: str, max_bytes: int, etag: str) -> None:
        self.etag = etag
        super().__init__(f"{key.rpartition('/')[2]} is larger than {max_bytes} bytes")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that was read.

    Attributes:
        data: Its bytes.
        etag: What stands for this content in conditional requests.
        metadata: What was put beside it.
    """

    data: bytes
    etag: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What S3 knows of an object.

    Attributes:
        size: In bytes.
        sha256: Of its bytes, in hexadecimal, checked by S3 at the upload; None when it was uploaded without.
    """

    size: int
    sha256: str | None


class S3Bucket:
    """A bucket. Safe to use from many threads; every method may raise `ModelStoreUnavailable`."""

    def __init__(self, client: "S3Client", name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        """Work on a bucket through a client that does not try again by itself."""
        self._client = client
        self._name = name
        self._sleep = sleep
        self._budget = RetryBudget()

    @property
    def endpoint(self) -> str:
        """Address of who is asked."""
        return self._client.meta.endpoint_url

    def read(self, key: str, max_bytes: int) -> StoredObject | None:
        """Read an object; None when there is none.

        Raises:
            TooLarge: It holds more than `max_bytes`.
        """

        def get() -> StoredObject | None:
            try:
                return self._got(self._client.get_object(Bucket=self._name, Key=key), key, max_bytes)
            except ClientError as error:
                if is_absent(error):
                    return None
                raise

        return self._ask("GetObject", key, get)

    def read_if_changed(self, key: str, max_bytes: int, etag: str) -> tuple[bool, StoredObject | None]:
        """Read an object if it is not what `etag` stands for; with little patience, for this is asked often.

        Returns:
            Whether it changed, and what it changed to; None when it is gone.

        Raises:
            TooLarge: It holds more than `max_bytes`.
        """

        def get() -> tuple[bool, StoredObject | None]:
            try:
                response = self._client.get_object(Bucket=self._name, Key=key, IfNoneMatch=etag)
                return True, self._got(response, key, max_bytes)
            except ClientError as error:
                if status_of(error) == 304:
                    return False, None
                if is_absent(error):
                    return True, None
                raise

        return self._ask("GetObject", key, get, patience_seconds=_LITTLE_PATIENCE_SECONDS)

    def fingerprint(self, key: str) -> Fingerprint | None:
        """Ask what S3 knows of an object; None when there is none."""

        def head() -> Fingerprint | None:
            try:
                found = self._client.head_object(Bucket=self._name, Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if is_absent(error):
                    return None
                raise
            checksum: str | None = found.get("ChecksumSHA256")
            if checksum is None or "-" in checksum:
                # Of an object in parts, it is a hash of hashes, and says so.
                return Fingerprint(found["ContentLength"], None)
            return Fingerprint(found["ContentLength"], base64.b64decode(checksum).hex())

        return self._ask("HeadObject", key, head)

    def create(self, key: str, data: bytes, metadata: Mapping[str, str] = _NONE) -> bool:
        """Put an object where there is none.

        Args:
            key: Where.
            data: Its bytes.
            metadata: What is put beside it: ASCII, 2 KB at most.

        Returns:
            False when there is one, which may be what an earlier attempt of this call has put there.
        """
        return self._put(key, data, metadata, {"IfNoneMatch": "*"})

    def replace(self, key: str, data: bytes, etag: str, metadata: Mapping[str, str] = _NONE) -> bool:
        """Put an object in the place of the one that `etag` stands for; else as `create`.

        Returns:
            False when another one, or none, is there: what an earlier attempt of this call has put, perhaps.
        """
        return self._put(key, data, metadata, {"IfMatch": etag})

    def delete(self, key: str) -> None:
        """Delete an object, if there is one."""
        self._ask("DeleteObject", key, lambda: self._client.delete_object(Bucket=self._name, Key=key))

    def keys(self, prefix: str) -> Iterator[str]:
        """List the keys that begin with `prefix`, in order."""
        for page in self._pages(prefix):
            for listed in page.get("Contents", ()):
                yield listed["Key"]

    def folders(self, prefix: str) -> Iterator[str]:
        """List what stands between `prefix` and the next slash, in the keys that have one, in order."""
        for page in self._pages(prefix, Delimiter="/"):
            for listed in page.get("CommonPrefixes", ()):
                yield listed["Prefix"][len(prefix) : -1]

    def reach(self, prefix: str) -> None:
        """Return when what begins with `prefix` can be listed."""
        self._ask(
            "ListObjectsV2",
            prefix,
            lambda: self._client.list_objects_v2(Bucket=self._name, Prefix=prefix, MaxKeys=1),
        )

    def pause(self, attempt: int) -> None:
        """Wait before trying again, longer each time, and each at another moment ("full jitter")."""
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
        self._sleep(random.uniform(0, longest))  # noqa: S311  # nobody gains by guessing it

    def _got(self, response: Any, key: str, max_bytes: int) -> StoredObject:
        with response["Body"] as body:
            if response["ContentLength"] > max_bytes:
                raise TooLarge(key, max_bytes, response["ETag"])
            return StoredObject(body.read(), response["ETag"], response.get("Metadata", {}))

    def _put(self, key: str, data: bytes, metadata: Mapping[str, str], condition: Mapping[str, str]) -> bool:
        # S3 compares it with what arrives, and keeps it beside the object.
        sha256 = base64.b64encode(hashlib.sha256(data).digest()).decode()
        arguments: dict[str, Any] = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": sha256, **condition}
        if metadata:
            arguments["Metadata"] = metadata

        def put() -> bool:
            try:
                self._client.put_object(Bucket=self._name, Key=key, Body=data, **arguments)
            except ClientError as error:
                # 404: there is nothing that If-Match could match.
                if status_of(error) == 412 or is_absent(error):
                    return False
                raise
            return True

        return self._ask("PutObject", key, put)

    def _pages(self, prefix: str, **arguments: str) -> Iterator["ListObjectsV2OutputTypeDef"]:
        more: dict[str, Any] = dict(arguments)
        while True:
            page = self._ask(
                "ListObjectsV2",
                prefix,
                lambda: self._client.list_objects_v2(Bucket=self._name, Prefix=prefix, **more),
            )
            yield page
            if not page.get("IsTruncated"):
                return
            more["ContinuationToken"] = page["NextContinuationToken"]

    def _ask(
        self,
        operation: str,
        key: str,
        request: Callable[[], _T],
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> _T:
        attempt = conflicts = 0
        until = time.monotonic() + patience_seconds
        self._budget.asked()
        while True:
            try:
                return request()
            except S3_ERRORS as error:
                if isinstance(error, ClientError) and status_of(error) == 409 and conflicts < _CONFLICTS:
                    conflicts += 1
                    self.pause(conflicts)
                    continue
                attempt += 1
                hopeless = not is_transient(error) or attempt >= _ATTEMPTS or time.monotonic() > until
                if hopeless or not self._budget.may_ask_again():
                    place = f"s3://{self._name}/{key}"
                    raise unavailable(error, operation, place, self.endpoint) from error
                self.pause(attempt - 1)
