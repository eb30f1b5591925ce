"""What is said of AWS's variables when no client can be made."""

import os
from pathlib import Path

import boto3
import pytest

from vehicle_anomaly.adapters.aws_variables import region
from vehicle_anomaly.adapters.inbound.sqs.clients import connect
from vehicle_anomaly.adapters.inbound.sqs.errors import QueueUnusable
from vehicle_anomaly.adapters.outbound.s3_client import s3_client
from vehicle_anomaly.adapters.outbound.s3_errors import UnusableModelStore

REGION = "AWS_REGION (without it AWS_DEFAULT_REGION, or the region of the profile) is no region, such as "
ENDPOINT = "AWS_ENDPOINT_URL (or its form for one service, AWS_ENDPOINT_URL_…) is no address: "
UNREADABLE = "a variable AWS_…, or a file of boto3's, cannot be used: "


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # boto3's own session keeps what it read before.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


def test_a_missing_region_is_told_with_what_to_set() -> None:
    with pytest.raises(
        QueueUnusable, match=r"^no region is set: set AWS_REGION, for example to eu-central-1"
    ):
        connect()


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_either_variable_sets_the_region(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "eu-north-1")
    assert connect().sqs.meta.region_name == "eu-north-1"
    assert s3_client().meta.region_name == "eu-north-1"


def test_aws_region_counts_more_than_what_boto3_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert region() is None
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert connect().sqs.meta.region_name == s3_client().meta.region_name == region() == "eu-north-1"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (
            "AWS_REGION",
            "eu central",
            REGION,
        ),
        ("AWS_PROFILE", "nobody", "AWS_PROFILE names no profile: "),
        ("AWS_ACCESS_KEY_ID", "x", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together: "),
        (
            "AWS_ENDPOINT_URL",
            "nonsense",
            ENDPOINT,
        ),
        (
            "AWS_ENDPOINT_URL_S3",
            "nonsense",
            ENDPOINT,
        ),
        ("AWS_DEFAULTS_MODE", "nonsense", UNREADABLE),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv(variable, value)
    with pytest.raises(UnusableModelStore) as of_store:
        s3_client()
    assert told in str(of_store.value)
    with pytest.raises(QueueUnusable) as of_queue:
        connect()
    assert str(of_queue.value).startswith(told)
