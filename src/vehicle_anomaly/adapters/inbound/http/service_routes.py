"""What the service says of itself: `/`, `/healthz`, `/health`, `/health/ready`."""

from typing import Annotated, Final, Literal

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, HTTPScope
from msgspec import UNSET, Meta, UnsetType

from vehicle_anomaly.adapters.inbound.http.access import ANY_KEY, OPEN
from vehicle_anomaly.adapters.inbound.http.doorkeeper import caller_of, is_stranger
from vehicle_anomaly.adapters.inbound.http.negotiation import HttpRequest, respond
from vehicle_anomaly.adapters.inbound.http.parts import HttpOptions, HttpParts
from vehicle_anomaly.adapters.inbound.http.safe_methods import get
from vehicle_anomaly.adapters.inbound.http.shared_look import SharedLook
from vehicle_anomaly.core.errors import ModelStoreUnavailable

_Guards = Literal["on", "off"]
_GUARDS: Final = Meta(description="`off`: the forest alone judges, by models with guards, too (`GUARDS`).")


class ServiceResponse(msgspec.Struct, frozen=True):
    """What this service is."""

    name: str
    version: str
    environment: str
    links: dict[str, str]
    guards: Annotated[_Guards, _GUARDS]


class LivenessResponse(msgspec.Struct, frozen=True):
    """The process lives."""

    status: str


class HealthResponse(msgspec.Struct, frozen=True):
    """The process is well."""

    status: str
    version: str
    environment: str


class ReadinessResponse(msgspec.Struct, frozen=True):
    """Whether the service can do its work."""

    status: str
    version: str
    environment: str
    model_store: str
    guards: Annotated[_Guards, _GUARDS]
    detail: str | UnsetType = UNSET
    degraded: dict[str, str] | UnsetType = UNSET


# Anybody is told whether; names of models, folders and buckets are for those with a key.
_ASK_WITH_A_KEY: Final = (
    "a model is not answered with its latest version; who has a key is told which and why"
)
_STOPS: Final = "the service was told to stop"
_STORE_AWAY: Final = "the model store is out of reach; who has a key is told why"

_LINKS = {
    "documentation": "/schema",
    "openapi": "/schema/openapi.json",
    "asyncapi": "/schema/asyncapi.json",
    "models": "/models",
    "health": "/health",
    "readiness": "/health/ready",
    "metrics": "/metrics",
}


def service_routes(parts: HttpParts, options: HttpOptions) -> list[HTTPRouteHandler]:
    """Return the handlers."""
    guards: _Guards = "on" if parts.score_telemetry.guarded else "off"

    @SharedLook
    def look() -> None:
        parts.models.check()
        parts.examine()

    @get("/", ANY_KEY, sync_to_thread=False)
    def service(request: HttpRequest) -> ASGIApp:
        name = "vehicle-anomaly"
        return respond(request, ServiceResponse(name, options.version, options.environment, _LINKS, guards))

    @get("/healthz", OPEN, sync_to_thread=False)
    def liveness(request: HttpRequest) -> ASGIApp:
        return respond(request, LivenessResponse("ok"))

    @get("/health", OPEN, sync_to_thread=False)
    def health(request: HttpRequest) -> ASGIApp:
        return respond(request, HealthResponse("healthy", options.version, options.environment))

    @get("/health/ready", OPEN)
    async def readiness(request: HttpRequest) -> ASGIApp:
        try:
            # A store that hangs must not keep from telling that the service stops, nor from stopping.
            await look.unless(lambda: parts.stopping.is_told)
        except ModelStoreUnavailable as error:
            detail = _STORE_AWAY if is_stranger(request.scope) else str(error)
            told = readied("unavailable", "unreachable", detail, degraded_for(request.scope))
            return respond(request, told, 503)
        degraded = degraded_for(request.scope)
        if parts.stopping.is_told:
            return respond(request, readied("stopping", "unknown", _STOPS, degraded), 503)
        ask = _ASK_WITH_A_KEY if degraded is None else UNSET
        return respond(request, readied("ready", "connected", ask, degraded))

    def degraded_for(scope: HTTPScope) -> dict[str, str] | None:
        """Return what the caller may know; None for something that it may not."""
        degraded = parts.degraded()
        if is_stranger(scope):
            return None if degraded else {}
        caller = caller_of(scope)
        return {name: why for name, why in degraded.items() if caller is None or caller.may_name(name)}

    def readied(
        status: str, store: str, detail: str | UnsetType, degraded: dict[str, str] | None
    ) -> ReadinessResponse:
        return ReadinessResponse(
            status, options.version, options.environment, store, guards, detail, degraded or UNSET
        )

    return [service, liveness, health, readiness]
