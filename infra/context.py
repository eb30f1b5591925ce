"""Context keys → one typed value. `cdk deploy --context image_uri=… --context environment=prod`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from infra.collector_configuration import HEALTH_PORT, OTLP_PORT
from infra.environments import ENVIRONMENTS, Environment


class ContextError(ValueError):
    """A context key cannot be used; the message names it, in one sentence."""


@dataclass(frozen=True)
class Key:
    """What a context key may hold.

    Attributes:
        pattern: What all of its text must match.
        expected: The same in words.
    """

    pattern: str
    expected: str


_NUMBER: Final = Key(r"[0-9]{1,4}", "a whole number from 0 to 9999")
_COUNT: Final = Key(r"[1-9][0-9]{0,3}", "a whole number from 1 to 9999")
# Without a tag or a digest, what runs would change by itself.
_IMAGE: Final = Key(
    r"[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)+(:[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64}|"
    r":[\w][\w.-]{0,127}@sha256:[0-9a-f]{64})",
    "an image with a tag or a digest, such as ghcr.io/example/vehicle-anomaly:3f2a1c9",
)

KEYS: Final = {
    "environment": Key("|".join(ENVIRONMENTS), " or ".join(ENVIRONMENTS)),
    "account": Key(r"[0-9]{12}", "the twelve digits of an AWS account"),
    "region": Key(r"[a-z]{2}(-[a-z]+)+-[0-9]", "an AWS region such as eu-central-1"),
    "image_uri": _IMAGE,
    "image_credentials_arn": Key(
        r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}",
        "the whole ARN of a secret with username and password of the registry such as "
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:vehicle-anomaly/registry-a1B2c3",
    ),
    "adot_image": _IMAGE,
    "certificate_arn": Key(
        r"arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{36}",
        "the ARN of a certificate in ACM such as "
        "arn:aws:acm:eu-central-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef",
    ),
    "container_port": Key(r"[1-9][0-9]{3,4}", "a port from 1024 to 65535"),
    "desired_count": _COUNT,
    "min_capacity": _COUNT,
    "max_capacity": _COUNT,
    "worker_min_capacity": _NUMBER,
    "worker_max_capacity": _COUNT,
    "worker_messages_per_second": Key(r"[1-9][0-9]{0,4}", "a whole number from 1 to 99999"),
    "allowed_hosts": Key(
        r"[A-Za-z0-9.*-]+(,[A-Za-z0-9.*-]+)*", "hosts such as api.example.org, separated by commas"
    ),
    "cors_origins": Key(
        r"https?://[^\s,]+(,https?://[^\s,]+)*|\*",
        "origins such as https://app.example.org, separated by commas",
    ),
    "log_level": Key("DEBUG|INFO|WARNING|ERROR", "DEBUG, INFO, WARNING or ERROR"),
    "revision": Key(r"[0-9a-f]{40}", "the forty digits of a commit"),
    "alarm_email": Key(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address"),
}
"""Every key that may be given; the same names as operators know from the deployment before."""

# A current release; not `latest`, which would change by itself.
ADOT_IMAGE: Final = "public.ecr.aws/aws-observability/aws-otel-collector:v0.45.0"


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be deployed, and where.

    Attributes:
        environment: The row of the table of environments, with what the context says otherwise.
        account: The AWS account; None: the one of who deploys.
        region: The AWS region.
        image_uri: The service's image.
        image_credentials_arn: Secret with which tasks fetch the service's image; None: it is public.
        adot_image: The collector's image.
        certificate_arn: Certificate of the load balancer; None: plain HTTP.
        container_port: Port that the service listens on.
        desired_count: Tasks of the API from this deployment on, until scaling finds otherwise; None: as
            many as scaling has found, or its least at first.
        allowed_hosts: Hosts that are answered; empty: all.
        cors_origins: Origins that browsers may call from.
        alarm_email: Who is told of alarms; None: who subscribes to the topic.
        revision: Commit that the templates are of; a later deployment that fails goes back to it.
    """

    environment: Environment
    account: str | None
    region: str
    image_uri: str
    image_credentials_arn: str | None = None
    adot_image: str = ADOT_IMAGE
    certificate_arn: str | None = None
    container_port: int = 8000
    desired_count: int | None = None
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    alarm_email: str | None = None
    revision: str | None = None


def read_context(given: Mapping[str, Any], environ: Mapping[str, str]) -> Context:
    """Read what the CDK's command line was given.

    Args:
        given: Key → value; the CDK's own keys (`aws:…`, `@aws-cdk/…`) are passed over.
        environ: Where it says whose credentials it has: CDK_DEFAULT_ACCOUNT, CDK_DEFAULT_REGION.

    Raises:
        ContextError: A key is unknown, missing, malformed or contradicts another.
    """
    texts = {name: _text(name, value) for name, value in given.items() if not _of_the_cdk(name)}
    region = texts.get("region") or environ.get("CDK_DEFAULT_REGION")
    if region is None:
        raise ContextError(f"region: expected {KEYS['region'].expected}, got none.")
    if "image_uri" not in texts:
        raise ContextError(f"image_uri: expected {KEYS['image_uri'].expected}, got none.")
    port = int(texts.get("container_port", 8000))
    if port > 65535 or port in {OTLP_PORT, HEALTH_PORT}:
        raise ContextError(
            f"container_port: expected {KEYS['container_port'].expected}, but for {OTLP_PORT} and "
            f"{HEALTH_PORT}, which the collector beside the service takes, got {port}."
        )
    _check_region(texts, "certificate_arn", region, "a certificate in {}, where the load balancer is")
    _check_region(texts, "image_credentials_arn", region, "a secret in {}, where the tasks are")
    row = _environment(texts)
    return Context(
        environment=row,
        account=texts.get("account") or environ.get("CDK_DEFAULT_ACCOUNT"),
        region=region,
        image_uri=texts["image_uri"],
        image_credentials_arn=texts.get("image_credentials_arn"),
        adot_image=texts.get("adot_image", ADOT_IMAGE),
        certificate_arn=texts.get("certificate_arn"),
        container_port=port,
        desired_count=_desired_count(texts, row),
        allowed_hosts=tuple(filter(None, texts.get("allowed_hosts", "").split(","))),
        cors_origins=tuple(filter(None, texts.get("cors_origins", "").split(","))),
        alarm_email=texts.get("alarm_email"),
        revision=texts.get("revision"),
    )


def _of_the_cdk(name: str) -> bool:
    return ":" in name or name.startswith(("@", "aws-cdk"))


def _text(name: str, value: object) -> str:
    if name not in KEYS:
        raise ContextError(f"{name[:80]}: expected one of the context keys {', '.join(KEYS)}.")
    # A number in cdk.json is as good as its text; anything else is not.
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else repr(value)
    if not re.fullmatch(KEYS[name].pattern, text):
        raise ContextError(f"{name}: expected {KEYS[name].expected}, got {text[:80]!r}.")
    return text


def _check_region(texts: Mapping[str, str], name: str, region: str, expected: str) -> None:
    if name in texts and (got := texts[name].split(":")[3]) != region:
        raise ContextError(f"{name}: expected {expected.format(region)}, got one in {got}.")


def _environment(texts: Mapping[str, str]) -> Environment:
    row = ENVIRONMENTS[texts.get("environment", "dev")]
    numbers = {
        name: int(texts[name])
        for name in (
            "min_capacity",
            "max_capacity",
            "worker_min_capacity",
            "worker_max_capacity",
            "worker_messages_per_second",
        )
        if name in texts
    }
    row = msgspec.structs.replace(row, log_level=texts.get("log_level", row.log_level), **numbers)
    if row.min_capacity > row.max_capacity:
        raise ContextError(
            f"min_capacity: expected at most max_capacity, {row.max_capacity}, got {row.min_capacity}."
        )
    if row.worker_min_capacity > row.worker_max_capacity:
        raise ContextError(
            f"worker_min_capacity: expected at most worker_max_capacity, {row.worker_max_capacity}, got "
            f"{row.worker_min_capacity}."
        )
    return row


def _desired_count(texts: Mapping[str, str], row: Environment) -> int | None:
    if "desired_count" not in texts:
        return None
    count = int(texts["desired_count"])
    if not row.min_capacity <= count <= row.max_capacity:
        raise ContextError(
            f"desired_count: expected a number from min_capacity to max_capacity, {row.min_capacity} to "
            f"{row.max_capacity}, got {count}."
        )
    return count
