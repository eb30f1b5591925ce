"""What is said of OpenTelemetry's variables that cannot be used, and what its SDK is kept from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vehicle_anomaly.observability import are_traces_on
from vehicle_anomaly.settings import SettingsError
from vehicle_anomaly.trace_variables import settle_trace_variables

ON = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
BATCH, QUEUE = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_BSP_MAX_QUEUE_SIZE"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://[::1]:4318/otlp"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector/v1/traces?tenant=7"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=abc==, x-tenant = a%20b c,"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", os.devnull),
        ("OTEL_BSP_SCHEDULE_DELAY", " 50 "),
        ("OTEL_BSP_EXPORT_TIMEOUT", "0"),
        ("OTEL_TRACES_SAMPLER", "ParentBased_TraceIdRatio"),
        ("OTEL_TRACES_SAMPLER_ARG", "1"),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_TRACES_EXPORTER", "OTLP"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "HTTP/protobuf"),
        ("OTEL_PROPAGATORS", "tracecontext, baggage"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod,team=a%20b=c,"),
        ("OTEL_SERVICE_NAME", "Prüfstand"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "0"),
    ],
)
def test_a_value_that_the_sdk_takes_is_taken(name: str, value: str) -> None:
    settle_trace_variables({**ON, name: value})


@pytest.mark.parametrize("prefix", ["OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENDPOINT", "collector:4318"),
        ("ENDPOINT", "ftp://collector"),
        ("ENDPOINT", "http://:4318"),
        ("ENDPOINT", "http://collector:99999"),
        ("ENDPOINT", "http://[::1"),
        ("ENDPOINT", "http://col lector"),
        ("PROTOCOL", "grpc"),
        ("PROTOCOL", "http/json"),
        ("TIMEOUT", "ten"),
        ("TIMEOUT", "0"),
        ("TIMEOUT", "nan"),
        ("TIMEOUT", "1e300"),
        ("COMPRESSION", "zstd"),
        ("CERTIFICATE", "/nowhere/ca.pem"),
        ("CERTIFICATE", "a\0b"),
        ("CLIENT_CERTIFICATE", "/nowhere/client.pem"),
        ("CLIENT_KEY", os.devnull),
    ],
)
def test_what_the_exporter_cannot_use_is_refused_by_name(prefix: str, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{prefix}{name}: expected [^\n]+$"):
        settle_trace_variables({**ON, f"{prefix}{name}": value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
        ("OTEL_BSP_SCHEDULE_DELAY", "9" * 5000),
        ("OTEL_BSP_EXPORT_TIMEOUT", "-1"),
        (BATCH, "0"),
        (QUEUE, "1.5"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER", "parentbased_parentbased_always_on"),
        ("OTEL_TRACES_SAMPLER_ARG", "10%"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.01"),
        ("OTEL_TRACES_SAMPLER_ARG", "nan"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_PROPAGATORS", "b3"),
        ("OTEL_PROPAGATORS", "tracecontext,pigeon"),
        ("OTEL_SDK_DISABLED", "1"),
        ("OTEL_SERVICE_NAME", "\udcff"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "-1"),
    ],
)
def test_what_the_sdk_cannot_use_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name}: expected [^\n]+$"):
        settle_trace_variables({**ON, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key: s3cret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,api key=s3cret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret%0Ax-other: 1"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=s3cret%E2%82%AC"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=b,s3cret"),
        ("OTEL_RESOURCE_ATTRIBUTES", "=s3cret"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://me:s3cret@collector"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector?token=s3cret"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "-----BEGIN EC PRIVATE KEY-----\ns3cret"),
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "s3cret"),
    ],
)
def test_what_may_be_a_secret_is_not_repeated(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name}: expected ") as refused:
        settle_trace_variables({**ON, name: value})
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "named"),
    [({QUEUE: "100"}, QUEUE), ({BATCH: "4096"}, BATCH), ({QUEUE: "10", BATCH: "20"}, BATCH)],
)
def test_a_batch_larger_than_the_queue_is_refused(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{named}: expected {BATCH} <= {QUEUE}, got "):
        settle_trace_variables({**ON, **given})
    settle_trace_variables({**ON, QUEUE: "100", BATCH: "100"})


def test_an_empty_variable_counts_as_unset_with_the_sdk_too() -> None:
    environ = {**ON, BATCH: "", "OTEL_SPAN_LINK_COUNT_LIMIT": " ", "OTHER": ""}
    settle_trace_variables(environ)
    assert environ == {**ON, "OTHER": ""}


@pytest.mark.parametrize(
    "off",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {**ON, "OTEL_SDK_DISABLED": "True"},
        {**ON, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_where_nothing_is_exported_no_more_is_looked_at(off: dict[str, str]) -> None:
    assert not are_traces_on(off)
    settle_trace_variables({**off, "OTEL_BSP_SCHEDULE_DELAY": "soon"})


def test_the_sdk_takes_what_has_been_settled(tmp_path: Path) -> None:
    certificate = tmp_path / "ca.pem"
    certificate.touch()
    environ = {
        **ON,
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificate),
        "OTEL_EXPORTER_OTLP_HEADERS": "a=b",
        "OTEL_TRACES_SAMPLER": "always_off",
        BATCH: "64",
        QUEUE: "64",
    }
    # In a process of its own: the SDK's provider is one for all of it, and for good.
    ended = subprocess.run(
        [sys.executable, "-c", _TRACES],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


_TRACES = """
import os
from vehicle_anomaly.observability import tracing
from vehicle_anomaly.trace_variables import settle_trace_variables
settle_trace_variables(os.environ)
with tracing(os.environ):
    pass
"""


def test_what_counts_for_traces_alone_is_looked_at_alone() -> None:
    general, own = "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
    settle_trace_variables({**ON, general: "grpc", own: "http/protobuf"})
    with pytest.raises(SettingsError, match=f"^{own}: expected "):
        settle_trace_variables({**ON, general: "http/protobuf", own: "grpc"})


@pytest.mark.parametrize(
    "environ",
    [{}, {**ON, "OTEL_SDK_DISABLED": "true"}],
    ids=["no endpoint", "disabled"],
)
def test_where_there_are_no_traces_other_exporters_are_somebody_elses(environ: dict[str, str]) -> None:
    settle_trace_variables({**environ, "OTEL_TRACES_EXPORTER": "console"})


def test_an_endpoint_for_traces_alone_turns_them_on() -> None:
    name = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    assert are_traces_on({name: "http://collector:4318/v1/traces"})
    assert not are_traces_on({name: "http://collector:4318/v1/traces", "OTEL_TRACES_EXPORTER": "None"})
    with pytest.raises(SettingsError, match=f"^{name}: expected "):
        settle_trace_variables({name: "garbage"})
