"""The AsyncAPI document is valid, and says what the worker takes and sends."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import boto3
import httpx
import msgspec
import pytest
from jsonschema import Draft7Validator, FormatChecker

from tests.adapters.inbound.sqs.conftest import INGEST, RECORDS, SCORE, SCORE_BATCH, Assemble
from tests.adapters.inbound.sqs.test_objects import as_csv, event
from tests.http_service import serving
from tests.queues import COMMAND, Message, Queues, working
from vehicle_anomaly import __version__
from vehicle_anomaly.adapters.inbound.sqs import asyncapi
from vehicle_anomaly.adapters.inbound.sqs.asyncapi import MESSAGES, OPERATIONS, asyncapi_document
from vehicle_anomaly.adapters.inbound.sqs.messages import (
    IngestMessage,
    RequestMessage,
    ResultMessage,
    ScoreBatchMessage,
    ScoreMessage,
)
from vehicle_anomaly.adapters.inbound.sqs.object_events import ObjectNotification, decode_body
from vehicle_anomaly.adapters.inbound.wire.commands import (
    to_score_batch_command,
    to_score_command,
    to_train_model_command,
)
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding

PARSER = "@asyncapi/parser@3.6.3"
ERROR = 0

DOCUMENT = asyncapi_document("0.0.0")
REQUESTS = [each for each in MESSAGES if each.channel == "requests"]
RESULTS = [each for each in MESSAGES if each.channel == "results"]


def problems(identity: str, body: Any) -> list[str]:
    """Hold a body to the schema of a message."""
    payload = DOCUMENT["components"]["messages"][identity]["payload"]
    validator = Draft7Validator(
        {**payload, "components": DOCUMENT["components"]}, format_checker=FormatChecker()
    )
    return [error.message for error in validator.iter_errors(body)]


@pytest.fixture(scope="session")
def parser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install AsyncAPI's own parser, once; return the folder."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs npm and node for AsyncAPI's own parser")
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    name = PARSER.replace("/", "-").replace("@", "-")
    folder = tmp_path_factory.mktemp(name) if cache is None else cache.mkdir(name)
    if not (folder / "installed").exists():
        command = [
            npm,
            "install",
            "--prefix",
            str(folder),
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            PARSER,
        ]
        installed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        if installed.returncode:
            pytest.skip(f"npm cannot install {PARSER}: {installed.stderr[-300:]}")
        (folder / "installed").touch()
    return folder


def parsed(folder: Path, document: bytes) -> Message:
    script = Path(__file__).with_name("asyncapi_parser.mjs")
    ran = subprocess.run(["node", str(script), str(folder)], input=document, capture_output=True, check=True)
    told: Message = json.loads(ran.stdout)
    return told


def test_asyncapis_own_parser_finds_nothing_wrong(parser: Path) -> None:
    told = parsed(parser, asyncapi.encoded_document("0.0.0"))
    assert told["parsed"]
    serious = [one for one in told["diagnostics"] if one["severity"] <= 1]
    assert serious == []


def test_asyncapis_own_parser_would_find_a_fault(parser: Path) -> None:
    broken = {**DOCUMENT, "operations": {"ingest": {"action": "receive"}}}
    told = parsed(parser, json.dumps(broken).encode())
    assert [one for one in told["diagnostics"] if one["severity"] == ERROR]


def test_the_command_prints_what_the_service_serves(assemble: Assemble, queues: Queues) -> None:
    printed = subprocess.run([COMMAND, "asyncapi"], capture_output=True, check=True).stdout
    with serving(assemble(queues).http_app()) as url:
        served = httpx.get(f"{url}/schema/asyncapi.json", trust_env=False)
    assert served.headers["content-type"] == "application/json"
    assert served.content == printed == asyncapi.encoded_document(__version__)


def test_every_type_of_message_is_documented() -> None:
    def tags(kinds: Any) -> set[str]:
        origins = [getattr(kind, "__origin__", kind) for kind in kinds.__args__]
        return {str(kind.__struct_config__.tag) for kind in origins}

    assert {each.identity for each in REQUESTS} == {*tags(RequestMessage), "object_created"}
    assert {each.identity for each in RESULTS} == tags(ResultMessage)
    assert {each.request for each in OPERATIONS} == {each.identity for each in REQUESTS}
    assert {name for each in OPERATIONS for name in each.results} == {each.identity for each in RESULTS}


@pytest.mark.parametrize("each", MESSAGES, ids=lambda each: each.identity)
def test_examples_are_as_their_schemas_say(each: asyncapi.Message) -> None:
    told = DOCUMENT["components"]["messages"][each.identity]
    assert [example["payload"] for example in told["examples"]] == [each.example]
    assert problems(each.identity, each.example) == []


@pytest.mark.parametrize("each", REQUESTS, ids=lambda each: each.identity)
def test_examples_of_requests_are_what_the_worker_decodes(each: asyncapi.Message) -> None:
    request = decode_body(json.dumps(each.example).encode())
    match request:
        case IngestMessage():
            assert len(to_train_model_command(request, Encoding.JSON).batch.values) == 3
        case ScoreMessage():
            to_score_command(request)
        case ScoreBatchMessage():
            assert len(to_score_batch_command(request, Encoding.JSON)[0].readings) == 1
        case ObjectNotification():
            assert [one.key for one in request.objects] == ["incoming/trip 17.csv"]


@pytest.mark.parametrize("each", RESULTS, ids=lambda each: each.identity)
def test_examples_of_results_have_every_field_of_their_type(each: asyncapi.Message) -> None:
    decoded = msgspec.json.decode(json.dumps(each.example), type=each.kind)
    assert msgspec.json.decode(msgspec.json.encode(decoded)) == each.example


@pytest.mark.parametrize(
    ("identity", "fault"),
    [
        ("ingest", {"type": "score"}),
        ("ingest", {"records": []}),
        ("score", {"feature_vector": [1.0]}),
        ("score", {"colour": "red"}),
        ("score_batch", {"model_version": "../x"}),
        ("scored_object", {"record_count": -1}),
        ("refused", {"problem": {}}),
    ],
)
def test_a_schema_refuses_what_the_worker_would(identity: str, fault: Message) -> None:
    [each] = [each for each in MESSAGES if each.identity == identity]
    assert problems(identity, {**each.example, **fault})


def test_real_results_are_as_their_schemas_say(queues: Queues, assemble: Assemble, bucket: str) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key="a.csv", Body=as_csv(RECORDS))
    names = ["engine_speed_rpm", "vehicle_speed_kmh", "coolant_temperature_celsius"]
    with working(assemble(queues).worker()):
        queues.send({**INGEST, "feature_names": names})
        [ingested] = queues.take_results(1)
        bad = {**SCORE, "feature_vector": [1.0]}
        queues.send_all([SCORE, SCORE_BATCH, bad, event(bucket, "a.csv")])
        results = [one.told for one in (ingested, *queues.take_results(4))]

    assert {one["type"] for one in results} == {each.identity for each in RESULTS}
    assert [problems(one["type"], one) for one in results] == [[]] * len(results)
