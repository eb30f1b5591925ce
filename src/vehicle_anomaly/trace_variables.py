"""OpenTelemetry's own variables, checked before its SDK reads them.

The SDK warns of most that are wrong and goes on with its default, so that traces are missing and nobody knows
why; of others it raises what names no variable. What is refused here is what the SDK's exporter, processor,
sampler and resource would not take
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
"""

import math
import re
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from vehicle_anomaly.observability import are_traces_on
from vehicle_anomaly.settings import ESCAPED, SettingsError

Check = Callable[[str], bool]
"""Tells whether a value can be used."""

_EXPORTER: Final = "OTEL_EXPORTER_OTLP"
_QUEUE: Final = "OTEL_BSP_MAX_QUEUE_SIZE"
_BATCH: Final = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"
# The SDK's.
_DEFAULTS: Final = {_QUEUE: "2048", _BATCH: "512"}

_SAMPLERS: Final = ("always_on", "always_off", "traceidratio")
_PROPAGATORS: Final = {"tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", "ottrace"}
_UNTOLD: Final = ("_HEADERS", "_ATTRIBUTES", "_CLIENT_KEY", "_CERTIFICATE")
# Longer waits overflow where they are waited for.
_MOST: Final = 2**31 - 1
_LONGEST_SECONDS: Final = 86_400
_HIGHEST_PORT: Final = 65_535

# RFC 9110's token, less what the SDK does not take in a name; its values, spaces too, which it lets pass.
_HEADER_NAME: Final = re.compile(r"[!#-'*+.0-9A-Z^-z|~-]+")
_HEADER_VALUE: Final = re.compile(r"[ !#-+\--:<-\[\]-~]*")
# In Latin-1, which HTTP's headers are sent in, without control characters.
_SENDABLE: Final = re.compile(r"[\t -~\xa0-\xff]*")


def settle_trace_variables(environ: MutableMapping[str, str]) -> None:
    """See to it that the SDK can use its variables, where spans are exported at all.

    One that is empty is taken out: it counts as unset (OpenTelemetry's specification), and not with the SDK.

    Args:
        environ: Such as `os.environ`.

    Raises:
        SettingsError: A value cannot be used. What may be a secret is not told.
    """
    for name in [name for name, value in environ.items() if name.startswith("OTEL_") and not value.strip()]:
        del environ[name]
    _check("OTEL_SDK_DISABLED", environ, _is_boolean, "true or false")
    if not are_traces_on(environ):
        return
    _check("OTEL_TRACES_EXPORTER", environ, _is_exporter, "otlp or none")
    for name, (check, expected) in _CHECKS.items():
        for_traces = name.replace(f"{_EXPORTER}_", f"{_EXPORTER}_TRACES_")
        if name == for_traces or for_traces not in environ:
            _check(name, environ, check, expected)
    _check_together(environ)


def _check(name: str, environ: Mapping[str, str], check: Check, expected: str) -> None:
    value = environ.get(name)
    if value is None:
        return
    if not value.isascii() and ESCAPED.search(value):
        expected = "UTF-8"
    elif check(value):
        return
    # Headers hold keys, attributes what a deployment pleases, a URL may hold a password or a token, and where
    # the name of a file belongs there may be what is in it.
    untold = name.endswith(_UNTOLD) or "@" in value or "?" in value
    told = "something else" if untold else repr(value[:80])
    raise SettingsError(f"{name}: expected {expected}, got {told}")


def _check_together(environ: Mapping[str, str]) -> None:
    queue, batch = (int(environ.get(name, _DEFAULTS[name])) for name in (_QUEUE, _BATCH))
    if batch > queue:
        unset = [f"{name} is {_DEFAULTS[name]} unless set" for name in _DEFAULTS if name not in environ]
        why = "".join(f"; {one}" for one in unset)
        name = _BATCH if _BATCH in environ else _QUEUE
        raise SettingsError(f"{name}: expected {_BATCH} <= {_QUEUE}, got {batch} and {queue}{why}")
    for prefix in (_EXPORTER, f"{_EXPORTER}_TRACES"):
        key, certificate = f"{prefix}_CLIENT_KEY", f"{prefix}_CLIENT_CERTIFICATE"
        if key in environ and certificate not in environ and f"{_EXPORTER}_CLIENT_CERTIFICATE" not in environ:
            raise SettingsError(f"{key}: expected {certificate} beside it, got none")


def _is_boolean(value: str) -> bool:
    return value.strip().lower() in ("true", "false")


def _is_exporter(value: str) -> bool:
    return value.strip().lower() in ("otlp", "none")


def _is_url(value: str) -> bool:
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        return False
    is_plain = value.isascii() and value.isprintable() and " " not in value
    has_port = port is None or 0 < port <= _HIGHEST_PORT
    return is_plain and has_port and url.scheme in ("http", "https") and bool(url.hostname)


def _is_protocol(value: str) -> bool:
    return value.strip().lower() == "http/protobuf"


def _is_compression(value: str) -> bool:
    return value.strip().lower() in ("none", "gzip", "deflate")


def _is_seconds(value: str) -> bool:
    seconds = _number(value)
    return seconds is not None and 0 < seconds <= _LONGEST_SECONDS


def _is_share(value: str) -> bool:
    share = _number(value)
    return share is not None and 0 <= share <= 1


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _is_whole(least: int) -> Check:
    def check(value: str) -> bool:
        text = value.strip()
        # As many digits as Python makes a number of.
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_MOST))
        return is_number and least <= int(text) <= _MOST

    return check


def _is_sampler(value: str) -> bool:
    return value.lower().removeprefix("parentbased_") in _SAMPLERS


def _is_file(value: str) -> bool:
    try:
        with Path(value).open("rb"):
            return True
    except (OSError, ValueError):
        return False


def _are_propagators(value: str) -> bool:
    names = [name.strip() for name in value.split(",")]
    return "tracecontext" in names and _PROPAGATORS.issuperset(names)


def _are_headers(value: str) -> bool:
    return all(_is_header(*item.partition("=")) for item in value.split(",") if item.strip())


def _is_header(name: str, equals: str, value: str) -> bool:
    name, value = name.strip(), value.strip()
    if not equals or not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
        return False
    return bool(_HEADER_NAME.fullmatch(unquote(name)) and _SENDABLE.fullmatch(unquote(value)))


def _are_attributes(value: str) -> bool:
    items = (item.partition("=") for item in value.split(",") if item.strip())
    return all(name.strip() and equals for name, equals, _ in items)


_LIST: Final = "key=value, several separated by commas, what else there is in them URL-encoded"
_POSITIVE: Final = (_is_whole(1), f"an integer from 1 to {_MOST}")
_COUNT: Final = (_is_whole(0), f"an integer from 0 to {_MOST}")

# Of the exporter: each also under a name for traces alone, which then counts.
_OF_EXPORTER: Final[Mapping[str, tuple[Check, str]]] = {
    "ENDPOINT": (_is_url, "an http or https URL such as http://collector:4318"),
    "PROTOCOL": (_is_protocol, "http/protobuf, the only one that the service speaks"),
    "HEADERS": (_are_headers, _LIST),
    "TIMEOUT": (_is_seconds, f"seconds, above 0 and at most {_LONGEST_SECONDS}"),
    "COMPRESSION": (_is_compression, "none, gzip or deflate"),
    "CERTIFICATE": (_is_file, "a file that can be read"),
    "CLIENT_KEY": (_is_file, "a file that can be read"),
    "CLIENT_CERTIFICATE": (_is_file, "a file that can be read"),
}
_CHECKS: Final[Mapping[str, tuple[Check, str]]] = {
    **{f"{_EXPORTER}_{name}": check for name, check in _OF_EXPORTER.items()},
    **{f"{_EXPORTER}_TRACES_{name}": check for name, check in _OF_EXPORTER.items()},
    "OTEL_BSP_SCHEDULE_DELAY": _POSITIVE,
    "OTEL_BSP_EXPORT_TIMEOUT": _COUNT,
    _QUEUE: _POSITIVE,
    _BATCH: _POSITIVE,
    "OTEL_TRACES_SAMPLER": (_is_sampler, f"{', '.join(_SAMPLERS)}, or parentbased_ before one of them"),
    "OTEL_TRACES_SAMPLER_ARG": (_is_share, "a number from 0 to 1"),
    "OTEL_PROPAGATORS": (_are_propagators, "a list with tracecontext, which is what the service speaks"),
    "OTEL_SERVICE_NAME": (bool, "a name"),
    "OTEL_RESOURCE_ATTRIBUTES": (_are_attributes, _LIST),
    "OTEL_ATTRIBUTE_COUNT_LIMIT": _COUNT,
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": _COUNT,
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": _COUNT,
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": _COUNT,
    "OTEL_SPAN_EVENT_COUNT_LIMIT": _COUNT,
    "OTEL_SPAN_LINK_COUNT_LIMIT": _COUNT,
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": _COUNT,
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": _COUNT,
}
