"""What the CDK's command line may be given, and what is said of the rest."""

import re
import subprocess
from pathlib import Path

import pytest

from infra.context import KEYS, ContextError, read_context
from infra.environments import ENVIRONMENTS
from tests.infra.conftest import PROJECT, PYTHON

GIVEN = {"region": "eu-central-1", "image_uri": "ghcr.io/example/vehicle-anomaly:3f2a1c9"}
CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"
LOGIN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:vehicle-anomaly/registry-a1B2c3"


def test_every_key_of_the_deployment_before_is_known() -> None:
    assert {
        "image_uri", "environment", "desired_count", "min_capacity", "max_capacity", "container_port",
        "certificate_arn", "adot_image", "account", "region",
    } <= set(KEYS)  # fmt: skip


def test_what_is_not_given_is_as_the_table_says() -> None:
    context = read_context(GIVEN, {})
    assert context.environment == ENVIRONMENTS["dev"]
    assert (context.account, context.certificate_arn, context.container_port) == (None, None, 8000)
    assert context.desired_count is None


def test_what_is_given_is_taken() -> None:
    given = {
        **GIVEN,
        "environment": "prod",
        "account": "123456789012",
        "desired_count": "4",
        "min_capacity": 3,
        "max_capacity": "9",
        "worker_min_capacity": "0",
        "container_port": "9000",
        "log_level": "WARNING",
        "certificate_arn": CERTIFICATE,
        "image_credentials_arn": LOGIN,
        "allowed_hosts": "api.example.org,*.example.net",
    }
    context = read_context(given, {})
    row = context.environment
    assert (context.desired_count, row.min_capacity, row.max_capacity, row.worker_min_capacity) == (
        4,
        3,
        9,
        0,
    )
    assert (context.account, context.container_port) == ("123456789012", 9000)
    assert (context.certificate_arn, context.image_credentials_arn) == (CERTIFICATE, LOGIN)
    assert context.allowed_hosts == ("api.example.org", "*.example.net")
    assert row.protected
    assert row.log_level == "WARNING"


def test_account_and_region_are_those_of_who_deploys() -> None:
    given = {"image_uri": GIVEN["image_uri"]}
    environ = {"CDK_DEFAULT_ACCOUNT": "210987654321", "CDK_DEFAULT_REGION": "us-east-1"}
    context = read_context(given, environ)
    assert (context.account, context.region) == ("210987654321", "us-east-1")


def test_keys_of_the_cdk_are_passed_over() -> None:
    read_context({**GIVEN, "aws:cdk:bundling-stacks": ["**"], "@aws-cdk/core:flag": True}, {})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("imageuri", "ghcr.io/example/vehicle-anomaly:1"),
        ("environment", "staging"),
        ("image_uri", "ghcr.io/example/vehicle-anomaly"),
        ("image_uri", ""),
        ("adot_image", "aws-otel-collector"),
        ("account", "1234"),
        ("account", 12345678901),
        ("region", "Frankfurt"),
        ("certificate_arn", "arn:aws:iam::123456789012:server-certificate/x"),
        ("certificate_arn", CERTIFICATE.replace("eu-central-1", "us-east-1")),
        ("image_credentials_arn", "vehicle-anomaly/registry"),
        # Without the six characters at its end, ECS would not find it.
        ("image_credentials_arn", LOGIN.rpartition("-")[0]),
        ("image_credentials_arn", LOGIN.replace("eu-central-1", "us-east-1")),
        ("image_credentials_arn", ""),
        ("container_port", "80"),
        ("revision", "3f2a1c9"),
        ("cors_origins", ""),
        ("region", "eu-central-1\n"),
        ("x" * 500, "long"),
        ("", "none"),
        ("container_port", "70000"),
        ("container_port", "4318"),
        ("container_port", "13133"),
        ("desired_count", "0"),
        ("desired_count", "two"),
        ("desired_count", "7"),
        ("desired_count", True),
        ("min_capacity", "-1"),
        ("max_capacity", "1.5"),
        ("worker_min_capacity", "9"),
        ("worker_max_capacity", None),
        ("worker_messages_per_second", "0"),
        ("allowed_hosts", "https://api.example.org"),
        ("cors_origins", "app.example.org"),
        ("alarm_email", "oncall"),
        ("log_level", "info"),
    ],
)
def test_an_unknown_or_malformed_key_is_named_in_one_sentence(key: str, value: object) -> None:
    with pytest.raises(ContextError) as refused:
        read_context({**GIVEN, key: value}, {})
    said = str(refused.value)
    # A capacity beyond the table's shows as a count that does not lie between.
    assert said.partition(":")[0] in {key[:80], "min_capacity", "desired_count"}
    assert re.search(r"expected .+\.$", said)
    assert "\n" not in said


@pytest.mark.parametrize("missing", ["region", "image_uri"])
def test_a_missing_key_is_named(missing: str) -> None:
    given = {key: value for key, value in GIVEN.items() if key != missing}
    with pytest.raises(ContextError, match=f"^{missing}: expected .+, got none"):
        read_context(given, {})


def test_synthesis_stops_with_that_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    if not PYTHON.exists():
        pytest.skip("the CDK is not here: `just setup-infra` makes .venv-infra")
    environ = {"CDK_CONTEXT_JSON": '{"max_capcity": "3"}', "CDK_OUTDIR": str(tmp_path / "out")}
    ran = subprocess.run(
        [str(PYTHON), "-m", "infra"], cwd=PROJECT, env=environ, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("max_capcity: expected one of the context keys ")
    assert ran.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_environments_differ_as_promised() -> None:
    dev, prod = ENVIRONMENTS["dev"], ENVIRONMENTS["prod"]
    assert prod.protected
    assert not dev.protected
    assert prod.log_retention_days > dev.log_retention_days
    assert prod.api_size.cpu > dev.api_size.cpu
    assert prod.nat_gateways > dev.nat_gateways
    assert dev.worker_min_capacity == 0
