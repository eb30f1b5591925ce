"""The boto3 client of the S3 store: Amazon's endpoint, or any that boto3 is pointed at."""

from typing import TYPE_CHECKING, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from vehicle_anomaly.adapters.aws_variables import is_amazon, region, what_to_set
from vehicle_anomaly.adapters.outbound.s3_errors import UnusableModelStore

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_CONNECT_SECONDS: Final = 2.0
_READ_SECONDS: Final = 5.0
_CONNECTIONS: Final = 50  # more than the threads that serve requests: none waits for another's connection


def s3_client(connect_seconds: float = _CONNECT_SECONDS, read_seconds: float = _READ_SECONDS) -> "S3Client":
    """Make a client by `AWS_REGION` and boto3's own variables: `AWS_ENDPOINT_URL`, credentials and the rest.

    It asks once and does not try again: `S3Bucket` does, for reasons told there.

    Args:
        connect_seconds: How long a connection may take.
        read_seconds: How long S3 may be silent.

    Raises:
        UnusableModelStore: One of the variables cannot be used.
    """
    try:
        client = _client(Config(), connect_seconds, read_seconds)
        if is_amazon(client.meta.endpoint_url):
            return client
        # By default a bucket is part of the host's name, which elsewhere often does not resolve; every store
        # knows it as a part of the path.
        return _client(Config(s3={"addressing_style": "path"}), connect_seconds, read_seconds)
    except (BotoCoreError, ValueError) as error:
        raise UnusableModelStore(what_to_set(error)) from error


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
    # Imported here: it takes a sixth of a second, which who serves from a folder does not need.
    import boto3  # noqa: PLC0415

    return boto3.client("s3", region_name=region(), config=common.merge(config))
