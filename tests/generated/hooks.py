"""What schemathesis is told of this service that an OpenAPI document cannot say; it loads this by name."""

import json
from typing import Any, Final

import msgspec
import schemathesis
from schemathesis import Case, DeserializationContext, HookContext, Response, SerializationContext
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData, UnsupportedMethodResponse

_UINT64: Final = 2**64
_NDJSON: Final = "application/x-ndjson"
_ARROW: Final = "application/vnd.apache.arrow.stream"
_MESSAGES: Final = ("application/json", "application/msgpack")
_KINDS: Final = {"feature_vector", "features"}
FEATURES: Final = ("engine_speed_rpm", "vehicle_speed_kmh", "coolant_temperature_celsius")
"""Of the models that there are."""

_OPEN: Final = ("/healthz", "/health", "/health/ready")
_NOT_IN_A_SCHEMA: Final = (
    # Of one operation, a document cannot say which parameters go with which type of body.
    "stands in the query, where it is read for streams only",
    # RFC 3339 has an offset from UTC lead into the year 0 or 10000.
    "expected an RFC 3339 time in the years 1 to 9999 of UTC",
)

NOT_IN_A_SCHEMA: Final = (
    # Of which length vectors are, and which names there are, depends on each other and on the model.
    "wrong-feature-count",
    "unknown-feature",
    "unnamed-features",
    "invalid-feature-names",
    "feature-without-values",
    "incomparable-versions",
)
"""Kinds of problem for messages that no schema could have told from good ones."""


@schemathesis.serializer("application/msgpack")
def packed(_: SerializationContext, value: Any) -> bytes:
    """Write a body in MessagePack; an integer that it has no room for as a float."""
    return msgspec.msgpack.encode(_fitting(value))


@schemathesis.serializer(_NDJSON, _ARROW)
def as_it_is(_: SerializationContext, value: Any) -> bytes:
    """Send a body that the schema only knows for a text or for bytes."""
    if isinstance(value, bytes):
        return value
    return (
        value.encode(errors="surrogatepass")
        if isinstance(value, str)
        else msgspec.json.encode(_fitting(value))
    )


@schemathesis.deserializer("application/msgpack")
def unpacked(_: DeserializationContext, response: Response) -> Any:
    """Read an answer in MessagePack."""
    return msgspec.msgpack.decode(response.content)


@schemathesis.deserializer(_NDJSON, _ARROW)
def unread(_: DeserializationContext, response: Response) -> str:
    """Read an answer that the schema only knows for a text or for bytes."""
    return response.content.decode("latin-1")


@schemathesis.hook
def map_case(_: HookContext, case: Case[Any]) -> Case[Any]:
    """Let half of the messages that are right by the document be right by the model too: few would be."""
    right = case.meta is not None and case.meta.generation.mode.is_positive
    if right and case.media_type in _MESSAGES and isinstance(case.body, dict) and _either(case.body):
        case.body = fitted_message(case.body)
        case.query = {name: value for name, value in (case.query or {}).items() if name == "explain"}
    return case


def fitted_message(body: dict[str, Any]) -> dict[str, Any]:
    """Return a message whose readings have the model's features, all of them by position or all by name."""
    fitted = {name: value for name, value in body.items() if name != "feature_names"}
    if isinstance(body.get("records"), list):
        kinds = [_KINDS & record.keys() for record in body["records"]]
        alike = [record for record, kind in zip(body["records"], kinds, strict=True) if kind == kinds[0]]
        fitted["records"] = [_fitted(record) for record in alike]
        if kinds and kinds[0] == {"feature_vector"} and "feature_names" in body:
            fitted["feature_names"] = list(FEATURES)
        return fitted
    return _fitted(fitted)


def _fitted(record: dict[str, Any]) -> dict[str, Any]:
    fitted = dict(record)
    n_features = len(FEATURES)
    if vector := record.get("feature_vector"):
        fitted["feature_vector"] = (vector * n_features)[:n_features]
    if values := record.get("features"):
        fitted["features"] = dict(zip(FEATURES, values.values(), strict=False))
    return fitted


def _either(body: Any) -> bool:
    """Choose, the same for the same body."""
    return len(repr(body)) % 2 == 0


@schemathesis.hook
def filter_failure(_: HookContext, failure: Any, case: Case[Any], response: Response) -> bool:
    """Drop only what no document could have said; each with its reason."""
    if isinstance(failure, RejectedPositiveData) and response.status_code == 400:
        return not _is_beyond_schemas(json.loads(response.content), case)
    if isinstance(failure, AcceptedNegativeData) and case.media_type == _NDJSON:
        # Whatever is sent is lines of a text: what is wrong with one is told in its place.
        return not response.content.startswith(b"{")
    if isinstance(failure, AcceptedNegativeData) and "`X-Actor`" in failure.message:
        # Where there are keys, the caller is known by its key, and nobody looks at this header.
        return "Authorization" not in (response.request.headers or {})
    if isinstance(failure, UnsupportedMethodResponse) and response.status_code == 401:
        # Who has no key is told of health and of nothing else: not even of which methods there are.
        return case.operation.path not in _OPEN
    return True


def _is_beyond_schemas(told: Any, case: Case[Any]) -> bool:
    if case.media_type in (_ARROW, _NDJSON) or told["type"].rpartition(":")[2] in NOT_IN_A_SCHEMA:
        return True
    return all(error["detail"].startswith(_NOT_IN_A_SCHEMA) for error in told["errors"])


def _fitting(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _fitting(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_fitting(each) for each in value]
    if isinstance(value, int) and not -_UINT64 // 2 <= value < _UINT64:
        return float(value) if abs(value) < 10**300 else 1e300
    return value
