"""The image as it is run: not root, nothing to write to but /tmp, and a verdict comes out."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from tests.aws_server import AWS_ENVIRONMENT, aws_server
from tests.image.conftest import NOBODY, PROJECT, Image, unprivileged
from tests.image.dockerfile import read

SECONDS = 60

# The first test waits for the image, which is an installation of half a gigabyte.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Return the only folder that the image's processes may write to, as /tmp is in a container."""
    folder = Path(tempfile.mkdtemp(prefix="vehicle-anomaly-scratch-"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def running(
    image: Image, scratch: Path, *words: str, says: str = "listening", **variables: str
) -> Iterator[str]:
    """Run the image's own command, or the one named; yield the address that it serves at, if any."""
    environ = {
        **image.environ,
        "TMPDIR": str(scratch),
        "MODEL_ARTIFACT_DIR": str(scratch / "models"),
        "HOST": "127.0.0.1",
        "PORT": "0",
        "AUTH": "off",
        "N_ESTIMATORS": "20",
        **variables,
    }
    command = [shutil.which(image.command[0], path=environ["PATH"]) or "", *(words or image.command[1:])]
    with subprocess.Popen(
        command, env=environ, cwd=scratch, stderr=subprocess.PIPE, text=True, user=unprivileged()
    ) as service:
        try:
            assert service.stderr is not None
            lines = []
            for line in service.stderr:
                lines.append(line)
                event = json.loads(line)
                if event["event"] == says:
                    yield str(event.get("url", ""))
                    break
            else:
                pytest.fail(f"it ended before it said so: {lines}")
        finally:
            service.terminate()
            status = service.wait(SECONDS)
    assert status == 0


def post(url: str, body: object) -> dict[str, object]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return dict(json.load(answer))


def test_a_verdict_comes_out_of_a_tree_that_nobody_can_write_to(image: Image, scratch: Path) -> None:
    chance = random.Random(7)
    records = [
        {"vehicle_id": "v", "timestamp": "2026-11-25T00:00:00Z", "feature_vector": [chance.gauss(90, 2), 1.0]}
        for _ in range(200)
    ]
    with running(image, scratch) as url:
        post(f"{url}/ingest", {"records": records})
        ordinary = post(f"{url}/score", {**records[0], "feature_vector": [90.0, 1.0]})
        strange = post(f"{url}/score", {**records[0], "feature_vector": [900.0, 1.0]})
    assert (ordinary["is_anomaly"], strange["is_anomaly"]) == (False, True)


def test_what_was_left_out_is_not_missed_with_s3_and_sqs(image: Image, scratch: Path) -> None:
    """A model that one container has put into a bucket answers a message that another one takes."""
    reading = {"vehicle_id": "v", "timestamp": "2026-11-25T00:00:00Z"}
    records = [{**reading, "feature_vector": [float(nth % 7), 1.0]} for nth in range(200)]
    with aws_server() as server:
        told = {**AWS_ENVIRONMENT, "AWS_ENDPOINT_URL": server, "MODEL_STORE": "s3", "MODEL_BUCKET": "models"}
        subprocess.run([sys.executable, str(PROJECT / "infra/local/make_place.py")], env=told, check=True)
        with running(image, scratch, **told) as url:
            post(f"{url}/ingest", {"records": records})
        sqs = boto3.client(
            "sqs", endpoint_url=server, region_name="eu-central-1",
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip
        urls = {name: sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in ("requests", "results")}
        told |= {"REQUEST_QUEUE_URL": urls["requests"], "RESULT_QUEUE_URL": urls["results"]}
        sqs.send_message(QueueUrl=urls["requests"], MessageBody=json.dumps({"type": "score", **records[0]}))
        with running(image, scratch, "work", says="polling", **told):
            answer = sqs.receive_message(QueueUrl=urls["results"], WaitTimeSeconds=20)
    (message,) = answer["Messages"]
    assert json.loads(message["Body"])["type"] == "scored"


def test_credentials_are_had_as_boto3_has_them(image: Image, scratch: Path) -> None:
    """From a role that is assumed or a single sign-on, which ask services of their own."""
    asked = "import boto3; [boto3.client(n, 'eu-central-1') for n in ('s3', 'sqs', 'sts', 'sso', 'sso-oidc')]"
    python = shutil.which("python", path=image.environ["PATH"])
    environ = {**image.environ, **AWS_ENVIRONMENT, "TMPDIR": str(scratch)}
    subprocess.run([str(python), "-c", asked], env=environ, cwd=scratch, check=True, user=unprivileged())


def test_it_compiles_nothing_when_it_starts_trains_or_scores(image: Image, scratch: Path) -> None:
    """Kernels come with it: what it would have compiled would be files of their own, where it may write."""
    chance = random.Random(7)
    record = {"vehicle_id": "v", "timestamp": "2026-11-25T00:00:00Z"}
    values = [[chance.gauss(90, 2), chance.gauss(1, 1), None] for _ in range(2_000)]
    values[0][2] = 1.0
    records = [{**record, "feature_vector": each} for each in values]
    with running(image, scratch) as url:
        post(f"{url}/ingest", {"records": records})
        post(f"{url}/score", {**records[0], "feature_vector": [900.0, 1.0, None]})
        post(f"{url}/score/batch", {"records": records})
        views = list(scratch.glob("vehicle-anomaly-kernels-*/*"))
        compiled = [file.name for file in views if not file.is_symlink()]
    assert views
    assert compiled == []


def test_the_health_check_of_the_image_tells_a_living_service_from_a_dead_one(
    image: Image, scratch: Path
) -> None:
    kind, *check = image.health_check
    assert kind != "CMD-SHELL"
    python = shutil.which(kind, path=image.environ["PATH"])
    assert python is not None

    def asked(port: str) -> int:
        environ = {**image.environ, "PORT": port}
        return subprocess.run(
            [python, *check], env=environ, cwd=scratch, stderr=subprocess.DEVNULL, check=False
        ).returncode

    with running(image, scratch) as url:
        port = url.rpartition(":")[2]
        assert asked(port) == 0
    assert asked(port) != 0


def test_nothing_in_it_can_be_written_by_who_runs_in_it(image: Image) -> None:
    """The premise of the tests above."""
    ran = subprocess.run(
        ["/bin/sh", "-c", f"find {image.root} -writable ! -type l | head -3"],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        user=unprivileged(),
    )
    assert ran.stdout == ""


def test_it_holds_what_runs_and_nothing_that_develops(image: Image) -> None:
    (packages,) = image.root.glob("opt/vehicle-anomaly/lib/python3*/site-packages")
    there = {folder.name for folder in packages.iterdir()}
    assert {"vehicle_anomaly", "numba", "sklearn"} <= there
    assert not there & {
        "pytest",
        "mypy",
        "moto",
        "matplotlib",
        "hatchling",
        "uv",
        "pip",
        "aws_cdk",
        "onnxruntime",
    }
    assert not list(packages.rglob("tests"))


def test_it_stays_small(image: Image) -> None:
    """521 MB on the day this was written; ADR 70 says of what."""
    size = sum(f.stat().st_size for f in image.root.rglob("*") if f.is_file() and not f.is_symlink())
    assert size < 580e6


def test_the_same_command_works_the_queue(image: Image, scratch: Path) -> None:
    environ = {**image.environ, "TMPDIR": str(scratch)}
    command = shutil.which(image.command[0], path=environ["PATH"])
    ran = subprocess.run(
        [str(command), "work"], env=environ, cwd=scratch, capture_output=True, text=True, check=False,
        user=unprivileged(),
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].count("REQUEST_QUEUE_URL") == 1


def test_the_image_runs_as_a_number_other_than_root_and_its_base_can_be_pinned_by_digest() -> None:
    arguments, stages = read(PROJECT / "Dockerfile")
    (user,) = (i.rest for i in stages[-1].instructions if i.keyword == "USER")
    assert user.partition(":")[0].isdecimal()
    assert user.partition(":")[0] != "0"
    assert "PYTHON_IMAGE" in arguments
    assert {stage.base for stage in stages} == {arguments["PYTHON_IMAGE"]}


def test_what_is_copied_into_the_image_is_let_through_by_dockerignore() -> None:
    allowed = {
        line[1:].rstrip("/")
        for line in (PROJECT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    _, (build, _) = read(PROJECT / "Dockerfile")
    copied = {s for i in build.instructions if i.keyword == "COPY" for s in i.rest.split()[:-1]}
    assert copied == allowed


def test_the_kernels_of_the_image_run_on_any_processor() -> None:
    arguments, stages = read(PROJECT / "Dockerfile")
    del arguments
    for stage in stages:
        assert any(i.keyword == "ARG" and i.rest == "CPU_NAME=generic" for i in stage.instructions)
