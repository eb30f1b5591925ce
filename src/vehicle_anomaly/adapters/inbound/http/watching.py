"""What is told of each request: to the metrics, and to the log."""

from asyncio import CancelledError
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final, Protocol

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from vehicle_anomaly.adapters.inbound.http.doorkeeper import key_id_of
from vehicle_anomaly.adapters.inbound.http.named_model import named_model
from vehicle_anomaly.adapters.inbound.http.stopping import tell_broken_off

Count = Callable[[str, str, int, float], None]
"""Takes method, route template, status and seconds of a request."""
Tell = Callable[[str, Mapping[str, object]], None]
"""Takes an event and its fields."""


class Active(Protocol):
    """How many requests there are now."""

    def inc(self) -> None:
        """Count one more."""
        ...

    def dec(self) -> None:
        """Count one less."""
        ...


_UNFINISHED: Final = 499  # nginx's status for a caller that left before the answer
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""Those that HTTP knows."""

_ANSWERED_BY: Final = "vehicle_anomaly.answered_by"
_TRACE: Final = "vehicle_anomaly.trace"


def watching(app: ASGIApp, active: Active, count: Count, tell: Tell | None) -> ASGIApp:
    """Return an application that does what another does, and tells of each request how it went.

    A request is known by its route's template, never by its path: a caller must not be able to make up label
    values. One that no route takes has none. So with methods; those that HTTP does not know are `_OTHER`, as
    in OpenTelemetry's conventions. Nothing is told of what was measured.

    Args:
        app: The other, with its router inside.
        active: Counts those that there are now.
        count: Is told of every request.
        tell: Is told too, unless nobody wants to know.
    """

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        status = _UNFINISHED

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        active.inc()
        began = perf_counter()
        try:
            await app(scope, receive, watched)
        except CancelledError:
            # By uvicorn, when the drain ends. One that has begun to answer ends without the rest of it.
            if status == _UNFINISHED:
                await tell_broken_off(watched)
        finally:
            seconds = perf_counter() - began
            active.dec()
            method: str = scope["method"]
            route = scope.get("path_template", "")
            if method not in METHODS:
                method = "_OTHER"
            count(method, route, status, seconds)
            if tell is not None:
                fields = {
                    "method": method,
                    "route": route,
                    "status": status,
                    "duration_ms": round(seconds * 1e3, 3),
                }
                key_id = key_id_of(scope)
                if key_id is not None:
                    fields["key_id"] = key_id
                answered_by: Any = scope.get(_ANSWERED_BY)
                if answered_by is not None:
                    fields["model_name"], fields["model_version"] = answered_by
                else:
                    fields.update(named_model(scope))
                trace: Any = scope.get(_TRACE)
                if trace is not None:
                    fields["trace_id"], fields["span_id"] = trace
                tell("request", fields)

    return watch


def note_model(scope: HTTPScope, name: str, version: str) -> None:
    """Have it told which version of a model answered a request, or came out of it."""
    scope[_ANSWERED_BY] = (name, version)  # type: ignore[typeddict-unknown-key]


def note_trace(scope: HTTPScope, trace_id: str, span_id: str) -> None:
    """Have it told in which trace a request is."""
    scope[_TRACE] = (trace_id, span_id)  # type: ignore[typeddict-unknown-key]
