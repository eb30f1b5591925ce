"""What tests of several kinds stand on."""

import signal
import uuid
from collections.abc import Callable, Iterator

import boto3
import pytest
from hypothesis import settings

from tests.aws_server import AWS_ENVIRONMENT, aws_server

# How long an example takes is the machine's as much as ours: the first one also loads what was compiled.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# A shell that runs tests in the background has the interrupt ignored, and so would the processes they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    """Address of an S3 and SQS of this test run's own."""
    with aws_server() as url:
        yield url


@pytest.fixture
def aws_environment(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Let boto3 find this test run's own server, and nothing of the machine's own; return its variables."""
    variables = {**AWS_ENVIRONMENT, "AWS_ENDPOINT_URL": aws_url}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def new_bucket(aws_environment: dict[str, str]) -> Callable[[], str]:
    """Return what makes an empty bucket and returns its name."""

    def make() -> str:
        name = f"models-{uuid.uuid4().hex}"
        boto3.client("s3").create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        return name

    return make
