"""The boto3 client of the S3 store: Amazon's endpoint, or any that boto3 is pointed at."""

import os
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from vehicle_anomaly.adapters.outbound.s3_errors import UnusableModelStore

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_CONNECT_SECONDS: Final = 2.0
_READ_SECONDS: Final = 5.0
_CONNECTIONS: Final = 50  # more than the threads that serve requests: none waits for another's connection


def s3_client(connect_seconds: float = _CONNECT_SECONDS, read_seconds: float = _READ_SECONDS) -> "S3Client":
    """Make a client by boto3's own variables: `AWS_REGION`, `AWS_ENDPOINT_URL`, credentials and the rest.

    It asks once and does not try again: `S3Bucket` does, for reasons told there.

    Args:
        connect_seconds: How long a connection may take.
        read_seconds: How long S3 may be silent.

    Raises:
        UnusableModelStore: One of the variables cannot be used.
    """
    try:
        client = _client(Config(), connect_seconds, read_seconds)
        if _is_amazon(client.meta.endpoint_url):
            return client
        # By default a bucket is part of the host's name, which elsewhere often does not resolve; every store
        # knows it as a part of the path.
        return _client(Config(s3={"addressing_style": "path"}), connect_seconds, read_seconds)
    except (BotoCoreError, ValueError) as error:
        reason = f"AWS_ENDPOINT_URL, AWS_REGION or another variable of boto3's cannot be used: {error}"
        raise UnusableModelStore(reason) from error


def _client(config: Config, connect_seconds: float, read_seconds: float) -> "S3Client":
    common = Config(
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        max_pool_connections=_CONNECTIONS,
        retries={"total_max_attempts": 1},
        # Every upload carries its SHA-256 and every download is compared with the manifest's: what botocore
        # would add of its own accord is one thing more that a store may not know.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # boto3 itself reads AWS_DEFAULT_REGION only; Amazon's other SDKs, and its containers, set AWS_REGION.
    region = os.environ.get("AWS_REGION") or None
    # Imported here: it takes a sixth of a second, which who serves from a folder does not need.
    import boto3  # noqa: PLC0415

    return boto3.client("s3", region_name=region, config=common.merge(config))


def _is_amazon(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
