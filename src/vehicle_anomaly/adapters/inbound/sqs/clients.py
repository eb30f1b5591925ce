"""The AWS clients, each with the time limits and attempts of what it is for; nothing else retries."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from vehicle_anomaly.adapters.inbound.sqs.errors import QueueUnusable
from vehicle_anomaly.adapters.inbound.sqs.queues import BATCH

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

LONGEST_POLL_SECONDS: Final = 20

# A poll that fails is begun again by the loop, which waits longer each time.
_POLL: Final = Config(
    connect_timeout=5,
    read_timeout=LONGEST_POLL_SECONDS + 10,
    retries={"mode": "standard", "total_max_attempts": 1},
)
_CALL: Final = Config(
    connect_timeout=3,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=BATCH,
)
_PAYLOAD: Final = Config(
    connect_timeout=3,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=BATCH,
)


@dataclass(frozen=True, slots=True)
class Clients:
    """The clients of one worker; each may be used by many threads.

    Attributes:
        poller: For the long poll.
        sqs: For everything else at the queues.
        s3: For payloads.
    """

    poller: "SQSClient"
    sqs: "SQSClient"
    s3: "S3Client"


def connect() -> Clients:
    """Make the clients by boto3's own variables; nothing is called yet.

    Raises:
        QueueUnusable: There is no region, or another variable of boto3's cannot be used.
    """
    try:
        # boto3 itself reads AWS_DEFAULT_REGION only; Amazon's other SDKs, and its containers, set AWS_REGION.
        # Imported here: it takes a sixth of a second, which who serves from a folder does not need.
        import boto3  # noqa: PLC0415

        session = boto3.session.Session(region_name=os.environ.get("AWS_REGION") or None)
        s3 = session.client("s3", config=_PAYLOAD)
        if not _is_amazon(s3.meta.endpoint_url):
            # Elsewhere a bucket's name is seldom part of a host's name that resolves.
            s3 = session.client("s3", config=_PAYLOAD.merge(Config(s3={"addressing_style": "path"})))
        return Clients(
            poller=session.client("sqs", config=_POLL), sqs=session.client("sqs", config=_CALL), s3=s3
        )
    except (BotoCoreError, ValueError) as error:
        raise QueueUnusable(
            f"AWS_REGION, AWS_ENDPOINT_URL or another variable of boto3's: {error}"
        ) from error


def _is_amazon(endpoint: str) -> bool:
    return (urlsplit(endpoint).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn"))
