"""Logs: one JSON line an event on standard error, or coloured text on a terminal. Traces, when asked for."""

import logging
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from traceback import format_tb
from typing import Any, Final

import structlog

# Spans that no collector has taken by then are lost: it must not hold up the end of the process.
_FLUSH_SECONDS: Final = 0.2
# Of an address of HTTP's: a key may stand there.
_QUERY: Final = re.compile(r"\?\S+")

_log = structlog.get_logger(__name__)


TRACES_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Either says where spans go."""


def are_traces_on(environ: Mapping[str, str]) -> bool:
    """Tell whether spans are to be exported."""
    is_disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    is_exported = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() != "none"
    return is_exported and not is_disabled and any(environ.get(name) for name in TRACES_ENDPOINTS)


@contextmanager
def tracing(environ: Mapping[str, str]) -> Iterator[None]:
    """Export spans while the block runs, if one of `TRACES_ENDPOINTS` is set.

    OpenTelemetry's other standard variables are its SDK's, and have been checked (`trace_variables`).

    Args:
        environ: Such as `os.environ`.
    """
    if not are_traces_on(environ):
        yield
        return
    # Imported here: most processes export nothing.
    from opentelemetry import trace  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    name = {} if environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "vehicle-anomaly"}
    provider = TracerProvider(resource=Resource.create(name), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        # In a thread: the SDK's own time limit for this is not kept.
        flush = threading.Thread(target=provider.force_flush, name="flush-spans", daemon=True)
        flush.start()
        flush.join(_FLUSH_SECONDS)


def _tell_no_values(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say of an exception which one it is and where, and not what it says.

    That may repeat a value of a request, or what a cloud was asked with. Of other libraries' lines the first
    is kept: asyncio tells an exception's words in the second. No query of an address is.
    """
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["stack"] = "".join(format_tb(error.__traceback__))
    if not event.get("_from_structlog", True):
        event["event"] = _QUERY.sub("?…", str(event["event"]).partition("\n")[0])
    return event


def _tell_which_errors(record: logging.LogRecord) -> bool:
    """Have the errors of which a library makes a line told as which they are, not by what they say.

    Those of a collector that is down say where spans go, with all that stands in that address.
    """
    record.msg = _which(record.msg)
    if isinstance(record.args, tuple):
        record.args = tuple(map(_which, record.args))
    return True


def _which(told: object) -> Any:
    if not isinstance(told, BaseException):
        return told
    first = told
    while (before := first.__cause__ or first.__context__) is not None:
        first = before
    name = type(told).__name__
    return name if first is told else f"{name} ({type(first).__name__})"


def _tell_thread(failed: threading.ExceptHookArgs) -> None:
    name = "" if failed.thread is None else failed.thread.name
    _log.error("thread failed", thread=name, exc_info=failed.exc_value)


def configure_logging(level: str, also_told: structlog.typing.Processor | None = None) -> None:
    """Send structlog's events, and the standard library's, to standard error.

    Args:
        level: Least level that is written, such as `INFO`.
        also_told: Is shown each event as it is to be written.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                _tell_no_values,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([] if also_told is None else [also_told]),
                renderer,
            ],
        )
    )
    handler.addFilter(_tell_which_errors)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Python would print it as it is, in many lines.
    threading.excepthook = _tell_thread
    # Below, the one tells where it found credentials and endpoints, the other each address that is called.
    for name in ("botocore", "urllib3"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
