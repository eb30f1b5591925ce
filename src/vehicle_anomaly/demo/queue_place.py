"""The buckets and queues of the demonstration, as an operator would set them up."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vehicle_anomaly.demo.service import NOT_INHERITED

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

KEY: Final = "demo"
REGION: Final = "eu-central-1"
MODELS: Final = "demo-models"
TELEMETRY: Final = "demo-telemetry"
INCOMING: Final = "incoming/"
MAX_RECEIVE_COUNT: Final = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demonstration takes place.

    Attributes:
        s3: A client.
        sqs: A client.
        requests: URL of the queue for requests.
        results: URL of the queue for results.
        dead_letters: URL of the dead-letter queue of the first one.
        environment: What a worker gets: the caller's own, cut off from any deployment.
    """

    s3: "S3Client"
    sqs: "SQSClient"
    requests: str
    results: str
    dead_letters: str
    environment: Mapping[str, str]


def set_up(url: str) -> Place:
    """Make two buckets and three queues, and have S3 tell the request queue of what lands.

    Args:
        url: Of the S3 and SQS.
    """
    # boto3 takes a while to import; other commands do without.
    import boto3  # noqa: PLC0415

    session = boto3.session.Session(aws_access_key_id=KEY, aws_secret_access_key=KEY, region_name=REGION)
    s3 = session.client("s3", endpoint_url=url)
    sqs = session.client("sqs", endpoint_url=url)
    for bucket in (MODELS, TELEMETRY):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    dead_letters = sqs.create_queue(QueueName="demo-dead-letters")["QueueUrl"]
    redrive = {"deadLetterTargetArn": _arn(sqs, dead_letters), "maxReceiveCount": MAX_RECEIVE_COUNT}
    requests = sqs.create_queue(QueueName="demo-requests", Attributes={"RedrivePolicy": json.dumps(redrive)})[
        "QueueUrl"
    ]
    results = sqs.create_queue(QueueName="demo-results")["QueueUrl"]
    told: Any = {"QueueArn": _arn(sqs, requests), "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=TELEMETRY, NotificationConfiguration={"QueueConfigurations": [told]}
    )
    own = {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_INHERITED and not name.startswith(("AWS_", "WORKER_"))
    }
    environment = own | {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "ENVIRONMENT": "demo",
        "LOG_LEVEL": "INFO",
        "MODEL_STORE": "s3",
        "MODEL_BUCKET": MODELS,
        "REQUEST_QUEUE_URL": requests,
        "RESULT_QUEUE_URL": results,
        "SCORE_OBJECT_PREFIX": INCOMING,
        # An idle worker stops when its poll returns, and a poll is shorter than the drain.
        "WORKER_DRAIN_SECONDS": "4",
        # What cannot be decoded is to be a dead letter while somebody watches.
        "WORKER_RETRY_SECONDS": "0",
    }
    return Place(s3, sqs, requests, results, dead_letters, environment)


def _arn(sqs: "SQSClient", url: str) -> str:
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return found["Attributes"]["QueueArn"]
