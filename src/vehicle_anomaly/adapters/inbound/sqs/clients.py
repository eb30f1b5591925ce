"""The AWS clients, each with the time limits and attempts of what it is for; nothing else retries."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from vehicle_anomaly.adapters.aws_variables import is_amazon, region, what_to_set
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
    """Make the clients by `AWS_REGION` and boto3's own variables; nothing is called yet.

    Raises:
        QueueUnusable: There is no region, or a variable or file of boto3's cannot be used.
    """
    try:
        # Imported here: it takes a sixth of a second, which who serves from a folder does not need.
        import boto3  # noqa: PLC0415

        session = boto3.session.Session(region_name=region())
        s3 = session.client("s3", config=_PAYLOAD)
        if not is_amazon(s3.meta.endpoint_url):
            # Elsewhere a bucket's name is seldom part of a host's name that resolves.
            s3 = session.client("s3", config=_PAYLOAD.merge(Config(s3={"addressing_style": "path"})))
        return Clients(
            poller=session.client("sqs", config=_POLL), sqs=session.client("sqs", config=_CALL), s3=s3
        )
    except (BotoCoreError, ValueError) as error:
        raise QueueUnusable(what_to_set(error)) from error
