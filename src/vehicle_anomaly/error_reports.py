"""Errors as events of Sentry, when SENTRY_DSN is set: what the log says of them, and nothing else."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal

from structlog.typing import EventDict, Processor

from vehicle_anomaly import __version__
from vehicle_anomaly.settings import Settings, SettingsError

# Events that Sentry has not taken by then are lost: it must not hold up the end of the process.
_FLUSH_SECONDS: Final = 1.0
_LONGEST_TAG: Final = 200
"""Of Sentry's: it drops longer ones."""
_LEVELS: Final[Mapping[object, Literal["error", "fatal"]]] = {"error": "error", "critical": "fatal"}


@contextmanager
def error_reports(settings: Settings) -> Iterator[Processor | None]:
    """Yield what tells Sentry of a log line, if it is told of any; it sees each line as it is to be written.

    So Sentry hears of neither values that were measured, keys nor tokens, and of no request: of an exception
    it is told which one and where. Nothing of the SDK looks for errors by itself.

    Raises:
        SettingsError: SENTRY_DSN is none, or the extra is not installed.
    """
    if not settings.sentry_dsn:
        yield None
        return
    try:
        # Imported here: most processes tell nobody.
        import sentry_sdk  # noqa: PLC0415
        from sentry_sdk.utils import BadDsn  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError(
            "SENTRY_DSN: expected the extra to be installed: pip install 'vehicle-anomaly[sentry]'"
        ) from error
    try:
        sentry_sdk.init(
            settings.sentry_dsn,
            environment=settings.environment,
            release=f"vehicle-anomaly@{__version__}",
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            max_breadcrumbs=0,
            max_request_body_size="never",
            send_default_pii=False,
        )
    except BadDsn as error:
        # Neither is what was given told: it holds a key.
        raise SettingsError("SENTRY_DSN: expected https://KEY@HOST/PROJECT") from error

    def tell(_: object, __: str, line: EventDict) -> EventDict:
        level = _LEVELS.get(line.get("level"))
        if level is not None:
            sentry_sdk.capture_event(_event(line, level))
        return line

    try:
        yield tell
    finally:
        sentry_sdk.flush(timeout=_FLUSH_SECONDS)


def _event(line: EventDict, level: Literal["error", "fatal"]) -> Any:
    told = {name: value for name, value in line.items() if name not in ("event", "level", "logger")}
    known = {name: str(told[name])[:_LONGEST_TAG] for name in ("error", "route", "queue") if name in told}
    return {
        "level": level,
        "logger": str(line.get("logger", "")),
        "message": str(line["event"]),
        "tags": known,
        "extra": told,
        # The same of the same kind are one issue, whatever else the line says.
        "fingerprint": [str(line["event"]), *known.values()],
    }
