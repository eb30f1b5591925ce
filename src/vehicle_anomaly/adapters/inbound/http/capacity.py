"""How many requests are worked on at once; one more is turned away while that costs next to nothing."""

from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from vehicle_anomaly.adapters.inbound.http.bodies import Bodies
from vehicle_anomaly.adapters.inbound.http.stopping import Stopping, tell_refused
from vehicle_anomaly.adapters.inbound.http.written_problem import WrittenProblem
from vehicle_anomaly.adapters.inbound.wire.problems import problem

_RETRY_AFTER_SECONDS: Final = b"1"
# A load balancer would take a busy service for a dead one.
_ALWAYS: Final = frozenset({"healthz", "health", "health/ready"})


def within_capacity(app: ASGIApp, most: int, bodies: Bodies, stopping: Stopping) -> ASGIApp:
    """Return an application that does what another does for so many requests at once, and sheds the others.

    Args:
        app: The other.
        most: Requests at once; streams that are open and trainings that wait count.
        bodies: What is held of their bodies.
        stopping: Whether there are to be none at all any more.
    """
    tell_overloaded = WrittenProblem(
        problem(
            "overloaded",
            "Too much to do",
            503,
            f"{most} requests are worked on, which is all there may be at once: try again later",
        ),
        (b"retry-after", _RETRY_AFTER_SECONDS),
    )
    at_once = 0

    async def admit(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal at_once
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        if _is_health(scope["path"]):
            # Anybody may ask: those that wait for a store must not shut out who has a key.
            await app(scope, receive, send)
            return
        if at_once >= most or stopping.refuses:
            await (tell_refused if stopping.refuses else tell_overloaded)(send)
            return
        at_once += 1
        try:
            await app(scope, receive, send)
        finally:
            at_once -= 1
            bodies.let_go(scope)

    return admit


def _is_health(path: str) -> bool:
    # However many slashes there are, the router finds the same.
    return "health" in path and "/".join(part for part in path.split("/") if part) in _ALWAYS
