"""Bodies too large for a message."""

import json
from collections.abc import Callable

import boto3
import pytest

from tests.adapters.inbound.sqs.conftest import INGEST, RECORDS, Assemble
from tests.extended_client import extended
from tests.queues import Queues, wait_until, working
from vehicle_anomaly.adapters.inbound.sqs.queues import MAX_MESSAGE_BYTES
from vehicle_anomaly.adapters.inbound.sqs.worker import Worker
from vehicle_anomaly.container import describe_worker, drive_queue


@pytest.fixture
def bucket(new_bucket: Callable[[], str]) -> str:
    """Return an empty bucket for payloads."""
    return new_bucket()


def _objects(bucket: str) -> list[str]:
    return [found["Key"] for found in boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def _large_batch(kind: str, n_bytes: int) -> str:
    one = len(json.dumps(RECORDS[0])) + 2
    records = [
        {**RECORDS[position % 40], "vehicle_id": f"veh-{position:05}"}
        for position in range(n_bytes // one + 1)
    ]
    return json.dumps({"type": kind, "records": records})


@pytest.mark.parametrize("legacy", [False, True], ids=["pointer", "legacy-pointer"])
def test_a_5_mb_batch_sent_with_the_extended_client_trains_a_model(
    queues: Queues, assemble: Assemble, aws_environment: dict[str, str], bucket: str, legacy: bool
) -> None:
    body = _large_batch("ingest", 5_000_000)
    assert len(body) > 5_000_000
    message = {"QueueUrl": queues.requests, "MessageBody": body}
    sent = extended(aws_environment, bucket, "send_message", message, legacy=legacy)
    assert len(_objects(bucket)) == 1
    with working(assemble(queues).worker()):
        [answer] = queues.take_results(1)

    assert answer.told["type"] == "ingested"
    assert answer.told["request_id"] == sent["MessageId"]
    assert answer.told["record_count"] == len(json.loads(body)["records"])
    assert queues.count(queues.requests) == 0
    assert _objects(bucket) == []


def test_the_result_is_out_before_the_request_is_deleted_and_its_payload_goes_last(
    queues: Queues, assemble: Assemble, aws_environment: dict[str, str], bucket: str
) -> None:
    called: list[str] = []
    container = assemble(queues)
    parts = drive_queue(
        container.train_model(),
        container.score_telemetry(),
        container.models(),
        container.settings(),
        container.registry(),
    )
    for client in (parts.requests.sqs, parts.payloads.s3):
        client.meta.events.register("before-call", lambda model, **_: called.append(model.name))
    message = {"QueueUrl": queues.requests, "MessageBody": _large_batch("score_batch", 300_000)}
    extended(aws_environment, bucket, "send_message", message)
    with working(Worker(parts, describe_worker(container.settings()))):
        queues.take_results(1)
        wait_until(lambda: _objects(bucket) == [])

    assert called == ["GetObject", "SendMessageBatch", "DeleteMessageBatch", "DeleteObject"]


def test_a_large_result_is_read_by_the_extended_client(
    queues: Queues, assemble: Assemble, aws_environment: dict[str, str], bucket: str
) -> None:
    with working(assemble(queues, result_payload_bucket=bucket).worker()):
        queues.send(INGEST)
        queues.take_results(1)
        sent = queues.send(_large_batch("score_batch", 900_000), {"correlation_id": "c"})
        receive = {"QueueUrl": queues.results, "WaitTimeSeconds": 20, "MessageAttributeNames": ["All"]}
        received = extended(aws_environment, bucket, "receive_message", receive)

    [message] = received["Messages"]
    assert len(message["Body"]) > MAX_MESSAGE_BYTES
    answer = json.loads(message["Body"])
    assert (answer["type"], answer["request_id"], answer["correlation_id"]) == ("scored_batch", sent, "c")
    assert len(answer["results"]) > 5000


def test_a_large_result_without_a_bucket_is_refused_with_what_to_do(
    queues: Queues, assemble: Assemble
) -> None:
    with working(assemble(queues).worker()):
        queues.send(INGEST)
        queues.take_results(1)
        queues.send(_large_batch("score_batch", 900_000))
        [answer] = queues.take_results(1)
        queues.wait_until_all_deleted()

    assert answer.told["type"] == "refused"
    assert answer.told["problem"]["status"] == 413
    assert "RESULT_PAYLOAD_BUCKET" in answer.told["problem"]["detail"]


def test_a_payload_that_cannot_be_read_becomes_a_dead_letter_and_stays(
    queues: Queues, assemble: Assemble, bucket: str
) -> None:
    kind = "software.amazon.payloadoffloading.PayloadS3Pointer"
    boto3.client("s3").put_object(Bucket=bucket, Key="large", Body=b" " * 2000)
    bodies = [
        [kind, {"s3BucketName": bucket, "s3Key": "gone"}],
        [kind, {"s3BucketName": f"{bucket}-2", "s3Key": "gone"}],
        [kind, {"s3BucketName": "../x y", "s3Key": "gone"}],
        [kind, {"s3BucketName": bucket, "s3Key": "large"}],
        ["java.lang.Object", {"s3BucketName": bucket, "s3Key": "large"}],
        {"type": "score"},
    ]
    with working(assemble(queues, max_body_bytes=1000).worker()):
        for body in bodies:
            queues.sqs.send_message(
                QueueUrl=queues.requests,
                MessageBody=json.dumps(body),
                MessageAttributes={"ExtendedPayloadSize": {"DataType": "Number", "StringValue": "2000"}},
            )
        dead = queues.take_dead_letters(len(bodies))

    assert sorted(one.body for one in dead) == sorted(json.dumps(body) for body in bodies)
    assert _objects(bucket) == ["large"]
