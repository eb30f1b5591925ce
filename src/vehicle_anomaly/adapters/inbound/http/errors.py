"""Exceptions → problem details. Nothing a caller sends ends anywhere else."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from traceback import format_tb
from typing import Any, Final

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import HTTPScope

from vehicle_anomaly.adapters.inbound.http.access_denied import AccessDenied
from vehicle_anomaly.adapters.inbound.http.bodies import BodyTooLarge, TooManyBodies
from vehicle_anomaly.adapters.inbound.http.negotiation import HttpRequest, UnsupportedMediaType
from vehicle_anomaly.adapters.inbound.http.training_slots import TrainingSlotsBusy
from vehicle_anomaly.adapters.inbound.wire.limits import MessageLimits
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.problems import (
    Problem,
    problem,
    problem_of_malformed,
    problem_of_refusal,
    problem_of_store,
)
from vehicle_anomaly.core.errors import DamagedModel, ModelStoreUnavailable, Refusal

PROBLEM_JSON = "application/problem+json"
_RETRY_AFTER_SECONDS = "5"

_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode

ExceptionHandler = Callable[[HttpRequest, Any], Response[bytes]]


def answer(told: Problem, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """Return a problem as a response."""
    return Response(_encode(told), media_type=PROBLEM_JSON, status_code=told.status, headers=headers)


def _denied(_: HttpRequest, denied: AccessDenied) -> Response[bytes]:
    return answer(denied.problem, denied.headers)


def _refused(request: HttpRequest, error: Refusal) -> Response[bytes]:
    return answer(problem_of_refusal(error, single=request.scope["path"] == "/score"))


def _unsupported_media_type(_: HttpRequest, error: UnsupportedMediaType) -> Response[bytes]:
    return answer(problem("unsupported-media-type", "Unsupported media type", 415, str(error)))


def _busy(_: HttpRequest, error: TrainingSlotsBusy) -> Response[bytes]:
    told = problem("training-slots-busy", "All training slots are busy", 429, str(error))
    return answer(told, {"Retry-After": _RETRY_AFTER_SECONDS})


def _too_large(_: HttpRequest, error: BodyTooLarge) -> Response[bytes]:
    return answer(problem("body-too-large", "Body too large", 413, str(error)))


def _too_much(_: HttpRequest, error: TooManyBodies) -> Response[bytes]:
    return answer(problem("overloaded", "Too much to do", 503, str(error)), {"Retry-After": "1"})


def _unavailable(_: HttpRequest, error: ModelStoreUnavailable | DamagedModel) -> Response[bytes]:
    _log.error("model store failed", error=str(error))
    return answer(problem_of_store(error), {"Retry-After": _RETRY_AFTER_SECONDS})


def _http(request: HttpRequest, error: HTTPException) -> Response[bytes]:
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unexpected(request, error)
    path = request.scope["path"]
    # Not the phrases of `http.HTTPStatus`, which differ between releases of Python.
    known = {
        HTTPStatus.NOT_FOUND: ("not-found", "Not found", f"there is nothing at {path}"),
        HTTPStatus.METHOD_NOT_ALLOWED: (
            "method-not-allowed",
            "Method not allowed",
            f"{path} does not take {request.method}",
        ),
    }
    kind, title, detail = known.get(status, ("bad-request", "Bad request", error.detail))
    told = problem(kind, title, status, detail)
    return answer(told, error.headers)


def _unexpected(request: HttpRequest, error: Exception) -> Response[bytes]:
    # Without what the error says: that may repeat a value of the request.
    _log.error(
        "request failed",
        method=request.method,
        route=request.scope.get("path_template", ""),
        error=type(error).__name__,
        stack="".join(format_tb(error.__traceback__)),
    )
    return answer(problem("internal-error", "Internal error", 500, "the service failed; its log says why"))


_EXCEPTION_HANDLERS: Final[dict[int | type[Exception], ExceptionHandler]] = {
    AccessDenied: _denied,
    Refusal: _refused,
    UnsupportedMediaType: _unsupported_media_type,
    TrainingSlotsBusy: _busy,
    BodyTooLarge: _too_large,
    TooManyBodies: _too_much,
    ModelStoreUnavailable: _unavailable,
    DamagedModel: _unavailable,
    HTTPException: _http,
    Exception: _unexpected,
}


def exception_handlers(
    admit: Callable[[HTTPScope], None] | None, limits: MessageLimits
) -> dict[int | type[Exception], ExceptionHandler]:
    """Return what answers each exception.

    Args:
        admit: Lets a request in or raises `AccessDenied`; None where everybody is let in. Asked where no
            route was found, so that nobody without a key learns which there are.
        limits: Of messages.
    """

    def routed(request: HttpRequest, error: HTTPException) -> Response[bytes]:
        if admit is not None and "auth" not in request.scope:
            try:
                admit(request.scope)
            except AccessDenied as denied:
                return _denied(request, denied)
        return _http(request, error)

    def malformed(_: HttpRequest, error: MalformedMessage) -> Response[bytes]:
        return answer(problem_of_malformed(limits.told(error)))

    return {**_EXCEPTION_HANDLERS, HTTPException: routed, MalformedMessage: malformed}
