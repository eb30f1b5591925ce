"""The ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from anyio.to_thread import run_sync
from litestar import Litestar

from vehicle_anomaly.adapters.inbound.http.access import refuse_undeclared
from vehicle_anomaly.adapters.inbound.http.allowed_hosts import AllowedHosts
from vehicle_anomaly.adapters.inbound.http.capacity import within_capacity
from vehicle_anomaly.adapters.inbound.http.compare_routes import compare_routes
from vehicle_anomaly.adapters.inbound.http.cross_origin import CrossOrigin
from vehicle_anomaly.adapters.inbound.http.documentation import documentation_routes
from vehicle_anomaly.adapters.inbound.http.doorkeeper import Doorkeeper
from vehicle_anomaly.adapters.inbound.http.errors import exception_handlers
from vehicle_anomaly.adapters.inbound.http.model_routes import model_routes
from vehicle_anomaly.adapters.inbound.http.parts import HttpOptions, HttpParts
from vehicle_anomaly.adapters.inbound.http.service_routes import service_routes
from vehicle_anomaly.adapters.inbound.http.telemetry_routes import telemetry_routes
from vehicle_anomaly.adapters.inbound.http.training_slots import TrainingSlots
from vehicle_anomaly.adapters.inbound.http.watching import watching
from vehicle_anomaly.adapters.inbound.keys.key_ring import KeyRing
from vehicle_anomaly.adapters.inbound.wire import compiled_wire
from vehicle_anomaly.core import compiled
from vehicle_anomaly.core.compare_versions import CompareVersions


def create_app(parts: HttpParts, options: HttpOptions, keys: KeyRing | None = None) -> Litestar:
    """Return the application that serves these parts.

    Args:
        parts: What answers.
        options: How.
        keys: Of those that may call; None for anybody.

    Raises:
        UndeclaredAccess: A route does not say which key it asks for.
    """
    doorkeeper = None if keys is None else Doorkeeper(keys.find)
    slots = TrainingSlots(options.training_slots, options.training_queue)
    metrics = parts.metrics
    # What is scored again to be compared is no verdict that anybody acts on.
    uncounted = replace(parts.score_telemetry, observer=None)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        # Compiled before the first request, never inside one.
        await run_sync(compiled.warm_up)
        await run_sync(compiled_wire.warm_up)
        try:
            yield
        finally:
            slots.close()

    handlers = [
        *telemetry_routes(parts, slots),
        *model_routes(parts.models, parts.promote_version, parts.bodies),
        *compare_routes(CompareVersions(uncounted, parts.models), parts.bodies, parts.limits),
        *service_routes(parts, options),
        metrics.route(),
        *documentation_routes(options.version, options.asyncapi),
    ]
    refuse_undeclared(handlers)
    hosts = AllowedHosts(options.allowed_hosts) if options.allowed_hosts else None
    app = Litestar(
        route_handlers=handlers,
        middleware=[
            *([] if hosts is None else [hosts]),
            *([] if doorkeeper is None else [doorkeeper]),
        ],
        exception_handlers=exception_handlers(None if doorkeeper is None else doorkeeper.admit, parts.limits),
        lifespan=[lifespan],
        openapi_config=None,
        # Litestar would log refusals as errors; what failed is logged where it is answered.
        logging_config=None,
    )
    # Around all of it: a middleware stands behind the router, and sees nothing of what no route takes.
    cross_origin = CrossOrigin(options.cors_origins) if options.cors_origins else None
    app.asgi_handler = within_capacity(
        app.asgi_handler, options.max_concurrent_requests, parts.bodies, parts.stopping
    )
    if cross_origin is not None:
        app.asgi_handler = cross_origin.asked_first(app.asgi_handler, hosts)
    app.asgi_handler = watching(
        app.asgi_handler,
        metrics.active,
        metrics.count,
        parts.tell,
    )
    if cross_origin is not None:
        # Around what answers for a request that is broken off, too.
        app.asgi_handler = cross_origin.shown(app.asgi_handler)
    if parts.trace is not None:
        app.asgi_handler = parts.trace(app.asgi_handler)
    return app
