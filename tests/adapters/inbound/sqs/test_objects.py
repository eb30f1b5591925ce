"""Objects that S3 tells of: what is scored, where the verdicts go, what is answered, what is left behind."""

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import boto3
import numpy as np
import pytest
from botocore.exceptions import EndpointConnectionError
from dependency_injector import providers

from tests.adapters.inbound.sqs.conftest import INGEST, RECORDS, Assemble
from tests.queues import Message, Queues, wait_until, worker_process, working
from vehicle_anomaly.adapters.inbound.sqs.object_events import (
    CreatedObject,
    ObjectNotification,
    decode_body,
)
from vehicle_anomaly.adapters.inbound.sqs.verdict_upload import PART_BYTES, VerdictUpload
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.container import Container, describe_objects
from vehicle_anomaly.core.errors import ModelStoreUnavailable
from vehicle_anomaly.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

NAMES = ["engine_speed_rpm", "vehicle_speed_kmh", "coolant_temperature_celsius"]
TRAINING = {**INGEST, "feature_names": NAMES}


def as_csv(records: Sequence[Message]) -> bytes:
    rows = [",".join(["timestamp", "vehicle_id", *NAMES])]
    rows += [
        ",".join([one["timestamp"], one["vehicle_id"], *map(str, one["feature_vector"])]) for one in records
    ]
    return "\n".join([*rows, ""]).encode()


def as_ndjson(records: Sequence[Message]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


def event(bucket: str, *keys: str, name: str = "ObjectCreated:Put", **fields: str) -> Message:
    """Make a notification as S3 does, for keys as they are."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventName": name,
                "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key), **fields}},
            }
            for key in keys
        ]
    }


@pytest.fixture
def s3(aws_environment: dict[str, str]) -> "S3Client":
    return boto3.client("s3", endpoint_url=aws_environment["AWS_ENDPOINT_URL"])


def trained(queues: Queues) -> None:
    queues.send(TRAINING)
    [answer] = queues.take_results(1)
    assert answer.told["type"] == "ingested", answer


def result(queues: Queues) -> Message:
    [answer] = queues.take_results(1)
    return answer.told


def verdicts_in(s3: "S3Client", bucket: str, key: str) -> list[Message]:
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


def keys_in(s3: "S3Client", bucket: str) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_an_object_that_lands_is_scored_and_its_verdicts_are_not(
    queues: Queues, assemble: Assemble, s3: "S3Client", bucket: str
) -> None:
    """S3 itself sends the notifications: a test event, and one for each object, the verdicts included."""
    arn = queues.sqs.get_queue_attributes(QueueUrl=queues.requests, AttributeNames=["QueueArn"])
    configuration: Any = {
        "QueueArn": arn["Attributes"]["QueueArn"],
        "Events": ["s3:ObjectCreated:*"],
    }
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [configuration]}
    )
    key = "trips/März 2026 + 1.csv"
    with working(assemble(queues).worker()):
        trained(queues)
        s3.put_object(Bucket=bucket, Key=key, Body=as_csv(RECORDS))
        answer = result(queues)
        request_id = queues.send({"type": "score_batch", "records": RECORDS})
        expected = result(queues)
        queues.wait_until_all_deleted()
        assert queues.take(queues.results) == []

    assert expected["request_id"] == request_id
    results_key = f"results/{key}.ndjson"
    verdicts = verdicts_in(s3, bucket, results_key)
    assert verdicts == expected["results"]
    assert answer.pop("request_id")
    assert answer == {
        "type": "scored_object",
        "correlation_id": None,
        "bucket": bucket,
        "key": key,
        "results_key": results_key,
        "model_name": "default",
        "model_version": "v1",
        "record_count": len(RECORDS),
        "anomaly_count": sum(verdict["is_anomaly"] for verdict in verdicts),
    }
    assert keys_in(s3, bucket) == sorted([key, results_key])
    assert queues.count(queues.dead_letters) == 0


def test_ndjson_by_way_of_a_topic(queues: Queues, assemble: Assemble, s3: "S3Client", bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a.jsonl", Body=as_ndjson(RECORDS[:7]))
    with working(assemble(queues).worker()):
        trained(queues)
        told = {"Type": "Notification", "TopicArn": "arn", "Message": json.dumps(event(bucket, "a.jsonl"))}
        queues.send(told, {"correlation_id": "c-1"})
        answer = result(queues)

    assert (answer["type"], answer["record_count"], answer["correlation_id"]) == ("scored_object", 7, "c-1")
    assert len(verdicts_in(s3, bucket, answer["results_key"])) == 7


def test_a_notification_that_is_delivered_again_has_the_same_result_by_the_same_version(
    queues: Queues, assemble: Assemble, s3: "S3Client", bucket: str
) -> None:
    s3.put_object(Bucket=bucket, Key="a.csv", Body=as_csv(RECORDS))
    told = event(bucket, "a.csv", sequencer="0055AED6DCD90281E5")
    with working(assemble(queues).worker()):
        trained(queues)
        queues.send(told)
        first = result(queues)
        before = s3.get_object(Bucket=bucket, Key=first["results_key"])["Body"].read()
        queues.send({**TRAINING, "records": RECORDS[:20], "model_version": "v2"})
        assert result(queues)["model_version"] == "v2"
        queues.send(told)
        again = result(queues)
        after = s3.get_object(Bucket=bucket, Key=first["results_key"])["Body"].read()
        queues.send(event(bucket, "a.csv", sequencer="0055AED6DCD90281E6"))
        replaced = result(queues)

    assert {**again, "request_id": ""} == {**first, "request_id": ""}
    assert after == before
    assert first["model_version"] == "v1"
    assert replaced["model_version"] == "v2"


def test_each_object_of_a_notification_has_a_result_of_its_own(
    queues: Queues, assemble: Assemble, s3: "S3Client", bucket: str
) -> None:
    s3.put_object(Bucket=bucket, Key="a.csv", Body=as_csv(RECORDS[:3]))
    s3.put_object(Bucket=bucket, Key="c.ndjson", Body=as_ndjson(RECORDS[:5]))
    with working(assemble(queues).worker()):
        trained(queues)
        request_id = queues.send(event(bucket, "a.csv", "b.csv", "c.ndjson"))
        answers = [one.told for one in queues.take_results(3)]
        queues.wait_until_all_deleted()

    assert {answer["request_id"] for answer in answers} == {request_id}
    told = sorted((answer["type"], answer.get("record_count", 0)) for answer in answers)
    assert told == [("refused", 0), ("scored_object", 3), ("scored_object", 5)]


ROW = b"2026-11-22T10:00:00Z,veh-1,1.0,2.0,3.0\n"
HEADER = f"timestamp,vehicle_id,{','.join(NAMES)}\n".encode()


@pytest.mark.parametrize(
    ("key", "content", "kind", "place"),
    [
        (
            "a.csv",
            HEADER + ROW * 2500 + b"2026-11-22T10:00:00Z,veh-1,1.0,x,3.0\n",
            "bad-telemetry-file",
            ":2502: ",
        ),
        ("a.csv", HEADER + ROW + b"yesterday,veh-1,1.0,2.0,3.0\n", "bad-telemetry-file", ":3: "),
        ("a.csv", b"", "bad-telemetry-file", ":1: "),
        ("a.csv", HEADER.replace(b"engine", b"motor"), "bad-telemetry-file", ":1: "),
        ("a.ndjson", as_ndjson(RECORDS[:2]) + b"{\n", "bad-telemetry-file", ":3: "),
        ("a.ndjson", as_ndjson([{**RECORDS[0], "feature_vector": [1.0]}]), "bad-telemetry-file", ":1: "),
        ("a.ndjson", b"\xff" * 2_000_000, "bad-telemetry-file", ":1: "),
        ("a.parquet", b"PAR1", "unknown-file-format", ".ndjson"),
        (f"{'k' * 1015}.csv", ROW, "key-too-long", "verdicts"),
    ],
    ids=["far down", "time", "empty", "columns", "json", "width", "no lines", "format", "key"],
)
def test_a_bad_file_is_refused_by_its_place_and_leaves_nothing(  # noqa: PLR0917
    queues: Queues,
    assemble: Assemble,
    s3: "S3Client",
    bucket: str,
    key: str,
    content: bytes,
    kind: str,
    place: str,
) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    with working(assemble(queues).worker()):
        trained(queues)
        queues.send(event(bucket, key))
        answer = result(queues)
        queues.wait_until_all_deleted()

    assert answer["type"] == "refused"
    assert answer["problem"]["type"] == f"urn:vehicle-anomaly:problem:{kind}"
    assert answer["problem"]["detail"].startswith(f"s3://{bucket}/{key}")
    assert place in answer["problem"]["detail"]
    assert keys_in(s3, bucket) == [key]
    assert s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_an_object_that_is_gone_or_replaced_or_has_no_model_is_refused(
    queues: Queues, assemble: Assemble, s3: "S3Client", bucket: str
) -> None:
    s3.put_object(Bucket=bucket, Key="a.csv", Body=as_csv(RECORDS))
    kinds = []
    with working(assemble(queues).worker()):
        queues.send(event(bucket, "a.csv"))
        kinds.append(result(queues)["problem"]["type"])
        trained(queues)
        for told in (event(bucket, "b.csv"), event(bucket, "a.csv", eTag="0" * 32)):
            queues.send(told)
            kinds.append(result(queues)["problem"]["type"])

    assert [kind.rpartition(":")[2] for kind in kinds] == ["unknown-model", "object-gone", "object-replaced"]


def test_an_object_without_readings_has_no_verdicts(
    queues: Queues, assemble: Assemble, s3: "S3Client", bucket: str
) -> None:
    s3.put_object(Bucket=bucket, Key="a.csv", Body=HEADER)
    with working(assemble(queues).worker()):
        trained(queues)
        queues.send(event(bucket, "a.csv"))
        answer = result(queues)

    assert (answer["record_count"], answer["anomaly_count"]) == (0, 0)
    assert verdicts_in(s3, bucket, answer["results_key"]) == []


def test_only_what_is_watched_is_scored(
    queues: Queues, assemble: Assemble, s3: "S3Client", bucket: str
) -> None:
    keys = ["in/a.csv", "elsewhere/a.csv", "in/results/a.csv"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=as_csv(RECORDS[:2]))
    settings = {"score_object_prefix": "in/", "results_prefix": "in/results"}
    with working(assemble(queues, **settings).worker()):
        trained(queues)
        for told in (
            event(bucket, "elsewhere/a.csv"),
            event(bucket, "in/results/a.csv"),
            event(bucket, "in/"),
            event(bucket, "in/a.csv", name="ObjectRemoved:Delete"),
            event(bucket, "in/a.csv"),
        ):
            queues.send(told)
        answer = result(queues)
        queues.wait_until_all_deleted()
        assert queues.take(queues.results) == []

    assert answer["results_key"] == "in/results/in/a.csv.ndjson"
    assert keys_in(s3, bucket) == sorted([*keys, answer["results_key"]])


def test_a_store_out_of_reach_leaves_the_notification_and_no_part_of_an_upload(
    queues: Queues, assemble: Assemble, s3: "S3Client", bucket: str
) -> None:
    """The second thousand of readings finds no store; the next delivery does."""
    container = assemble(queues)
    calls = []

    class Flaky:
        def __init__(self, container: Container) -> None:
            self._score = container.score_telemetry()

        def __call__(self, command: Any) -> Any:
            calls.append(len(command.readings))
            if len(calls) == 2:
                raise ModelStoreUnavailable("out of reach")
            return self._score(command)

    s3.put_object(Bucket=bucket, Key="a.csv", Body=HEADER + ROW * 1500)
    flaky = Flaky(container)
    container.score_telemetry.override(providers.Object(flaky))
    with working(container.worker()):
        trained(queues)
        queues.send(event(bucket, "a.csv"))
        answer = result(queues)

    assert calls == [1000, 500, 1000, 500]
    assert answer["record_count"] == 1500
    assert s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_an_upload_that_fails_is_taken_back(s3: "S3Client", bucket: str) -> None:
    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://s3")

    s3.meta.events.register("before-call.s3.UploadPart", fail)
    upload = VerdictUpload(s3, bucket, "results/a.csv.ndjson", {})
    with pytest.raises(EndpointConnectionError), upload:
        upload.write(b"x" * PART_BYTES)

    assert s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []
    assert keys_in(s3, bucket) == []


def test_a_prefix_that_would_have_nothing_scored_is_refused_at_the_start() -> None:
    settings = load_settings({"SCORE_OBJECT_PREFIX": "out/in/", "RESULTS_PREFIX": "out"})
    with pytest.raises(SettingsError, match=r"SCORE_OBJECT_PREFIX: .*'out/'"):
        describe_objects(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("RESULTS_PREFIX", "/results"), ("RESULTS_PREFIX", "a b"), ("SCORE_OBJECT_MODEL_NAME", "../x")],
)
def test_a_wrong_setting_is_named(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        load_settings({variable: value})


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"Records": []}',
        b'{"Records": [{"eventName": "ObjectCreated:Put"}]}',
        b'{"Event": "s3:Other"}',
        b'{"Type": "Notification", "Message": "{}"}',
        b'{"Type": "Notification", "Message": ' + b"[" * 5000 + b"}",
        b"\xff",
    ],
)
def test_what_is_no_notification_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode_body(body)


def test_a_key_is_decoded_and_a_test_event_names_none() -> None:
    told = event("b", "ü +%2B.csv", versionId="v", eTag="e", sequencer="s")
    created = CreatedObject("b", "ü +%2B.csv", "e", "v", "s")
    assert decode_body(json.dumps(told).encode()) == ObjectNotification((created,))
    test_event = b'{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}'
    assert decode_body(test_event) == ObjectNotification((), ("s3:TestEvent",))


N_READINGS = 260_000


def _peak_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from Linux's /proc")
def test_a_large_object_is_scored_in_constant_memory(
    queues: Queues, s3: "S3Client", bucket: str, tmp_path: Path
) -> None:
    """A file of four times the size makes the process grow by less than half of what it is larger."""
    values = np.random.default_rng(0).normal([1500, 60, 88], [400, 20, 3], (1000, 3)).round(2).tolist()
    rows = "".join(
        f"2026-11-22T10:00:00Z,vehicle-with-a-name-that-is-as-long-as-it-may-be,{a},{b},{c}\n"
        for a, b, c in values
    ).encode()
    s3.put_object(Bucket=bucket, Key="small.csv", Body=HEADER + rows * 60)
    s3.upload_fileobj(BytesIO(HEADER + rows * (N_READINGS // 1000)), bucket, "large.csv")
    environment = queues.environment(MODEL_ARTIFACT_DIR=str(tmp_path), N_ESTIMATORS="10", LOG_LEVEL="WARNING")
    with worker_process(environment) as process:
        trained(queues)
        queues.send(event(bucket, "small.csv"))
        assert result(queues)["record_count"] == 60_000
        before = _peak_megabytes(process.pid)
        queues.send(event(bucket, "large.csv"))
        answer = result(queues)
        grown = _peak_megabytes(process.pid) - before
        wait_until(lambda: queues.count(queues.requests) == 0)

    larger = s3.head_object(Bucket=bucket, Key="large.csv")["ContentLength"]
    larger -= s3.head_object(Bucket=bucket, Key="small.csv")["ContentLength"]
    assert answer["record_count"] == N_READINGS
    assert grown < larger / 1024**2 / 2, f"grew by {grown:.1f} MB for {larger / 1024**2:.1f} MB more"
    body = s3.get_object(Bucket=bucket, Key=answer["results_key"])["Body"]
    lines = anomalies = 0
    for line in body.iter_lines(chunk_size=1024 * 1024):
        lines += 1
        anomalies += b'"is_anomaly":true' in line
    assert (lines, anomalies) == (N_READINGS, answer["anomaly_count"])
