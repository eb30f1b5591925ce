"""What the service says of itself: `/`, `/healthz`, `/health`, `/health/ready`."""

import msgspec
from anyio.to_thread import run_sync
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp
from msgspec import UNSET, UnsetType

from vehicle_anomaly.adapters.inbound.http.negotiation import HttpRequest, respond
from vehicle_anomaly.adapters.inbound.http.parts import HttpOptions, HttpParts
from vehicle_anomaly.adapters.inbound.http.safe_methods import get
from vehicle_anomaly.core.errors import ModelStoreUnavailable


class ServiceResponse(msgspec.Struct, frozen=True):
    """What this service is."""

    name: str
    version: str
    environment: str
    links: dict[str, str]


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
    detail: str | UnsetType = UNSET
    degraded: dict[str, str] | UnsetType = UNSET


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

    @get("/", sync_to_thread=False)
    def service(request: HttpRequest) -> ASGIApp:
        name = "vehicle-anomaly"
        return respond(request, ServiceResponse(name, options.version, options.environment, _LINKS))

    @get("/healthz", sync_to_thread=False)
    def liveness(request: HttpRequest) -> ASGIApp:
        return respond(request, LivenessResponse("ok"))

    @get("/health", sync_to_thread=False)
    def health(request: HttpRequest) -> ASGIApp:
        return respond(request, HealthResponse("healthy", options.version, options.environment))

    @get("/health/ready")
    async def readiness(request: HttpRequest) -> ASGIApp:
        degraded = dict(parts.degraded()) or UNSET
        try:
            await run_sync(parts.models.check)
        except ModelStoreUnavailable as error:
            told = ReadinessResponse(
                "unavailable", options.version, options.environment, "unreachable", str(error), degraded
            )
            return respond(request, told, 503)
        told = ReadinessResponse("ready", options.version, options.environment, "connected", UNSET, degraded)
        return respond(request, told)

    return [service, liveness, health, readiness]
