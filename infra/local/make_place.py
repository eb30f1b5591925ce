"""Make the buckets and queues that the services of docker-compose.yaml work with; again is harmless."""

import json
import os
from typing import Any

import boto3


def main() -> None:
    """Make what is missing where AWS_ENDPOINT_URL says."""
    # boto3 itself reads AWS_DEFAULT_REGION only.
    region = os.environ["AWS_REGION"]
    s3: Any = boto3.client("s3", region_name=region)
    sqs: Any = boto3.client("sqs", region_name=region)
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in {"models", "payloads"} - there:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    for name in ("requests", "results"):
        dead = _arn(sqs, sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"])
        redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 8})
        sqs.create_queue(
            QueueName=name, Attributes={"RedrivePolicy": redrive, "MaximumMessageSize": "1048576"}
        )
    told = {
        "QueueArn": _arn(sqs, sqs.get_queue_url(QueueName="requests")["QueueUrl"]),
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "uploads/"}]}},
    }
    s3.put_bucket_notification_configuration(
        Bucket="payloads", NotificationConfiguration={"QueueConfigurations": [told]}
    )


def _arn(sqs: Any, url: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


if __name__ == "__main__":
    main()
