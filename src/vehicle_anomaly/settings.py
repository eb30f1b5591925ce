"""Environment variables → one typed value. The variables are named in upper case as the fields here."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from vehicle_anomaly.core.explaining import Explain
from vehicle_anomaly.core.fitting import Contamination, ForestParameters
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.model import MODEL_NAME_PATTERN
from vehicle_anomaly.core.telemetry import MAX_FEATURES


class SettingsError(ValueError):
    """An environment variable has a value that cannot be used; the message names it, in one line."""


class FilesystemStore(msgspec.Struct, frozen=True, tag_field="model_store", tag="filesystem"):
    """Models in a folder.

    Attributes:
        model_artifact_dir: The folder; made when it is not there.
    """

    model_artifact_dir: Path = Path("artifacts")


class S3Store(msgspec.Struct, frozen=True, tag_field="model_store", tag="s3"):
    """Models in a bucket. Where S3 is, and who asks, boto3 reads from its own variables.

    Attributes:
        model_bucket: The bucket, by name or by the ARN of an access point.
        model_prefix: What the keys begin with, without slashes at its ends; empty for the bucket's root.
    """

    model_bucket: str
    model_prefix: str = ""


ModelStore = FilesystemStore | S3Store
"""Where models are kept: a union, told apart by MODEL_STORE."""

# The name, or the ARN of an access point: whether it exists, S3 says.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,62}|arn:[A-Za-z0-9:/._-]{1,200}")
# "Safe characters" for keys (Amazon S3 User Guide, "Naming Amazon S3 objects"); 1,024 bytes is a key's limit,
# of which a model's and a version's name take 200.
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/-]{0,512}")

ESCAPED: Final = re.compile(r"[\ud800-\udfff]")
"""What Python makes of bytes of the environment that are no UTF-8 (PEP 383)."""

_BODIES_BYTES: Final = 1024 * 1024 * 1024

_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Threads = Annotated[int, msgspec.Meta(ge=0, le=256)]
_Origin = Annotated[str, msgspec.Meta(pattern=r"^(\*|[a-z][a-z0-9+.-]*://[^/\s]+)$")]
_QueueUrl = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s]+/[^\s/]+$")]
_BucketName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
_Prefix = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9!_.*'()-][A-Za-z0-9!_.*'()/-]{0,255}$")]
_HostPattern = Annotated[str, msgspec.Meta(pattern=r"^(\*|(\*\.)?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])$")]

# What msgspec would say of these is no help to an operator.
_EXPECTED: Final = {
    "auth": "on or off",
    "auto_promote": "true or false",
    "allowed_hosts": "hosts without a port such as api.example.org, *.example.org or *, separated by commas",
    "contamination": "auto, or a number above 0 and at most 0.5",
    "cors_origins": "origins such as https://app.example.org, or *, separated by commas",
    "request_queue_url": "the URL of a queue such as https://sqs.eu-central-1.amazonaws.com/123456789012/requests",
    "results_prefix": "what keys begin with, such as results/",
    "score_object_model_name": "the name of a model",
    "result_payload_bucket": "the name of an S3 bucket",
    "result_queue_url": "the URL of a queue such as https://sqs.eu-central-1.amazonaws.com/123456789012/results",
    "explain": "anomalies, always or never",
    "false_alarm_rate": "a number from 0.0001 to 0.5",
    "guards": "on or off",
    "metrics_port": "an integer from 0 to 65535",
    "log_level": "DEBUG, INFO, WARNING, ERROR or CRITICAL",
}


class Settings(msgspec.Struct, frozen=True):
    """What the environment says.

    Attributes:
        environment: Name of the deployment, told by `/` and `/health`.
        log_level: Least level that is logged.
        sentry_dsn: Where Sentry takes events of errors; none: nobody is told but the log.
        host: Address that `serve` listens on, and `work` with METRICS_PORT.
        port: Port that `serve` listens on; 0 takes a free one.
        metrics_port: Port on which `work` tells its metrics; 0 takes a free one, none: it does not.
        cors_origins: Origins that browsers may call from, separated by commas; `*` for all.
        allowed_hosts: `Host` headers that are answered, whatever the port, separated by commas,
            `*.example.org` for subdomains; none set: all. Health checks are always answered.
        auth: Whether `serve` asks for keys; not said: where there are keys, and everywhere but in
            development.
        api_keys: The keys as a JSON list, or the path of a file that holds it.
        model_store: Where models are kept.
        model_signing_key: Keys that versions are signed with, the first, and accepted by, all of them; or the
            path of a file of them. None: nothing is signed, and nothing checked.
        model_refresh_seconds: How long a process may take the latest version it knows of for the latest.
        model_cache_size: Versions kept in memory.
        max_body_bytes: Largest body of a request.
        max_bodies_bytes: What the bodies of all requests may hold at once, in each process; none: 1 GiB, or
            as much as one may.
        max_records: Of a batch in one request or message; a stream of lines may have any number.
        max_features: Of what a model is trained on, and so of every reading.
        max_line_bytes: Of a line in a stream.
        max_nesting: Arrays and objects that may be open at once in a message; one that is right needs four.
        max_header_bytes: Of a request's first line and headers together.
        max_headers: Of a request.
        header_seconds: How long a caller may take to send its headers.
        body_seconds: How long it may take for a body; in a stream of lines, from one part to the next.
        max_concurrent_requests: Requests that are worked on at once; one more is answered 503.
        workers: Processes of `serve`.
        shutdown_delay_seconds: From being told to stop to refusing what is new: `/health/ready` says that it
            stops, and the rest is served. A part of DRAIN_SECONDS.
        drain_seconds: From being told to stop to the end of what `serve` has not finished.
        keep_alive_seconds: How long `serve` keeps a connection on which nothing is asked.
        scoring_threads: Threads that a large batch is scored in; 0: one for each processor.
        training_slots: Trainings that run at once.
        training_queue: Trainings that may wait for a slot; one more is answered 429.
        request_queue_url: Queue that `work` takes requests from.
        result_queue_url: Queue that `work` sends results to.
        result_payload_bucket: Bucket for results that are too large for a message; none: they are refused.
        score_object_prefix: What the keys of the objects begin with that `work` scores when S3 tells of them.
        score_object_model_name: The model that scores them.
        results_prefix: What the keys of their verdicts begin with, in the same bucket; objects under it are
            never scored.
        worker_concurrency: Messages that a worker has in hand, trainings aside.
        worker_drain_seconds: From SIGTERM to the end of a worker, at most.
        worker_visibility_seconds: How long the messages of a worker that dies stay invisible to others.
        worker_retry_seconds: How long a message is invisible after its first failure; then twice as long.
        n_estimators: Trees of a forest.
        contamination: Share of the training readings taken as anomalous, or `auto`.
        random_state: Seed of a forest and its guards.
        explain: Which verdicts say what each feature contributed, when a request does not say.
        guards: Whether models are trained and read with guards; `off` leaves everything to the forest.
        false_alarm_rate: Share of healthy readings that guards and forest together may call an anomaly.
        auto_promote: Whether a version is the latest once it is published; else it waits as a candidate.
    """

    environment: Annotated[str, msgspec.Meta(min_length=1)] = "development"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    sentry_dsn: str | None = None
    host: Annotated[str, msgspec.Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    cors_origins: tuple[_Origin, ...] = ()
    allowed_hosts: tuple[_HostPattern, ...] = ()
    auth: Literal["on", "off"] | None = None
    api_keys: str | None = None
    model_store: ModelStore = FilesystemStore()
    model_signing_key: str | None = None
    model_refresh_seconds: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    model_cache_size: _Positive = 64
    max_body_bytes: _Positive = 32 * 1024 * 1024
    max_bodies_bytes: _Positive | None = None
    max_records: Annotated[int, msgspec.Meta(ge=1, le=50_000_000)] = 1_000_000
    max_features: Annotated[int, msgspec.Meta(ge=1, le=MAX_FEATURES)] = MAX_FEATURES
    # Longer ones are not decoded, whoever sends them.
    max_line_bytes: Annotated[int, msgspec.Meta(ge=1024, le=4 * 1024 * 1024)] = 4 * 1024 * 1024
    max_nesting: Annotated[int, msgspec.Meta(ge=4, le=500)] = 16
    max_header_bytes: Annotated[int, msgspec.Meta(ge=1024, le=1024 * 1024)] = 32 * 1024
    max_headers: Annotated[int, msgspec.Meta(ge=10, le=1000)] = 100
    header_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
    body_seconds: Annotated[float, msgspec.Meta(gt=0, le=86400)] = 120.0
    max_concurrent_requests: _Positive = 1000
    workers: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    shutdown_delay_seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0
    drain_seconds: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 30
    keep_alive_seconds: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 75
    scoring_threads: _Threads = 0
    training_slots: _Positive = 1
    training_queue: Annotated[int, msgspec.Meta(ge=0)] = 32
    request_queue_url: _QueueUrl | None = None
    result_queue_url: _QueueUrl | None = None
    result_payload_bucket: _BucketName | None = None
    score_object_prefix: str = ""
    score_object_model_name: Annotated[str, msgspec.Meta(pattern=MODEL_NAME_PATTERN)] = "default"
    results_prefix: _Prefix = "results/"
    worker_concurrency: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
    worker_drain_seconds: Annotated[int, msgspec.Meta(ge=2, le=3600)] = 20
    worker_visibility_seconds: Annotated[int, msgspec.Meta(ge=2, le=43200)] = 30
    worker_retry_seconds: Annotated[float, msgspec.Meta(ge=0, le=900)] = 2.0
    n_estimators: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
    contamination: Annotated[float, msgspec.Meta(gt=0, le=0.5)] | Literal["auto"] = 0.05
    random_state: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 42
    explain: Explain = "anomalies"
    guards: Literal["on", "off"] = "on"
    false_alarm_rate: Annotated[float, msgspec.Meta(ge=0.0001, le=0.5)] = 0.01
    auto_promote: bool = True

    @property
    def bodies_bytes(self) -> int:
        """What the bodies of all requests may hold at once."""
        return self.max_bodies_bytes or max(_BODIES_BYTES, self.max_body_bytes)

    @property
    def forest_parameters(self) -> ForestParameters:
        """How forests are grown."""
        contamination: Contamination = self.contamination
        return ForestParameters(self.n_estimators, contamination, self.random_state)

    @property
    def guarded(self) -> bool:
        """Whether guards take part in verdicts."""
        return self.guards == "on"

    @property
    def guard_parameters(self) -> GuardParameters | None:
        """How guards are made; None where they are off."""
        return GuardParameters(self.false_alarm_rate, self.random_state) if self.guarded else None


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the service's variables; one that is unset or empty has its default.

    Args:
        environ: Such as `os.environ`.

    Raises:
        SettingsError: A value cannot be used.
    """
    values = {
        field.name: _value(environ, field.name, field.type)
        for field in msgspec.structs.fields(Settings)
        if field.name != "model_store" and environ.get(field.name.upper())
    }
    settings = Settings(model_store=_model_store(environ), **values)
    if settings.shutdown_delay_seconds >= settings.drain_seconds:
        raise SettingsError(
            f"SHUTDOWN_DELAY_SECONDS: expected less than DRAIN_SECONDS, {settings.drain_seconds}, of "
            f"which it is a part, got {settings.shutdown_delay_seconds:g}"
        )
    if settings.max_bodies_bytes is not None and settings.max_bodies_bytes < settings.max_body_bytes:
        raise SettingsError(
            f"MAX_BODIES_BYTES: expected no less than MAX_BODY_BYTES, {settings.max_body_bytes}, got "
            f"{settings.max_bodies_bytes}"
        )
    return settings


def model_store_at(address: str) -> ModelStore:
    """Return the store that an address names: `file:FOLDER` or `s3://BUCKET/PREFIX`.

    Raises:
        SettingsError: It names none.
    """
    kind, _, rest = address.partition(":")
    if kind == "file" and rest:
        return FilesystemStore(Path(rest))
    if kind == "s3" and rest.startswith("//"):
        bucket, _, prefix = rest[2:].partition("/")
        return _s3_store("s3://BUCKET/PREFIX", bucket, "s3://BUCKET/PREFIX", prefix)
    raise SettingsError(f"expected file:FOLDER or s3://BUCKET/PREFIX, got {address[:200]!r}")


def _model_store(environ: Mapping[str, str]) -> ModelStore:
    kind = (environ.get("MODEL_STORE") or "filesystem").strip()
    if kind == "s3":
        return _s3_store(
            "MODEL_BUCKET",
            environ.get("MODEL_BUCKET", "").strip(),
            "MODEL_PREFIX",
            environ.get("MODEL_PREFIX", "").strip(),
        )
    if kind != "filesystem":
        raise SettingsError(f"MODEL_STORE: expected filesystem or s3, got {kind[:80]!r}")
    if not environ.get("MODEL_ARTIFACT_DIR"):
        return FilesystemStore()
    folder = Path(environ["MODEL_ARTIFACT_DIR"])
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"MODEL_ARTIFACT_DIR: expected a folder, got {str(folder)[:80]!r}, which is none")
    return FilesystemStore(folder)


def _s3_store(bucket_variable: str, bucket: str, prefix_variable: str, prefix: str) -> S3Store:
    if not _BUCKET.fullmatch(bucket):
        raise SettingsError(
            f"{bucket_variable}: expected the name of a bucket, such as my-models, got {bucket[:80]!r}"
        )
    prefix = prefix.strip("/")
    hollow = prefix and any(part in ("", ".", "..") for part in prefix.split("/"))
    if hollow or not _PREFIX.fullmatch(prefix):
        raise SettingsError(
            f"{prefix_variable}: expected what keys begin with, such as fleet/models: letters, digits and "
            f"!-_.*'() between single slashes, 512 at most, got {prefix[:80]!r}"
        )
    return S3Store(bucket, prefix)


def _value(environ: Mapping[str, str], name: str, kind: Any) -> Any:
    variable = name.upper()
    text = environ[variable].strip()
    if not text.isascii() and ESCAPED.search(text):
        raise SettingsError(f"{variable}: expected UTF-8, got {text[:80]!r}")
    given: Any = text
    if name in ("cors_origins", "allowed_hosts"):
        given = [item.strip() for item in text.split(",") if item.strip()]
    elif name == "log_level":
        given = text.upper()
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        expected = _EXPECTED.get(name) or _in_words(str(error))
        raise SettingsError(f"{variable}: expected {expected}, got {text[:80]!r}") from error


def _in_words(problem: str) -> str:
    """Turn "Expected `int` <= 65535" or "Expected `int`, got `str`" into what was expected."""
    if not problem.startswith("Expected "):
        return "a finite number"
    expected = problem.removeprefix("Expected ").partition(", got ")[0].replace("`", "")
    kind, _, bound = expected.partition(" ")
    words = {"int": "an integer", "float": "a number", "str": "a text"}
    return f"{words[kind]} {bound}".rstrip()
