"""Compare a version with another: `/models/{name}/versions/{version}/compare`."""

from collections.abc import Callable
from functools import partial
from typing import Final

from litestar import HttpMethod, Response, post, route
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import ASGIApp, HTTPScope

from vehicle_anomaly.adapters.inbound.http.access import ANY_KEY, READ_MODELS
from vehicle_anomaly.adapters.inbound.http.bodies import Bodies
from vehicle_anomaly.adapters.inbound.http.negotiation import (
    NDJSON,
    HttpRequest,
    encoding_of,
    is_of_lines,
    respond,
)
from vehicle_anomaly.adapters.inbound.http.query import parameters
from vehicle_anomaly.adapters.inbound.http.safe_methods import get
from vehicle_anomaly.adapters.inbound.http.threads import in_thread
from vehicle_anomaly.adapters.inbound.wire.comparisons import (
    CompareResponse,
    compare_response,
    posted_batch,
    posted_lines,
)
from vehicle_anomaly.adapters.inbound.wire.limits import NO_LIMITS, MessageLimits
from vehicle_anomaly.core.compare_versions import CompareVersions, CompareVersionsCommand
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.telemetry import TelemetryBatch

LATEST: Final = "latest"
_WITH: Final = "with"


def compare_routes(
    compare_versions: CompareVersions, bodies: Bodies, limits: MessageLimits = NO_LIMITS
) -> list[HTTPRouteHandler]:
    """Return the handlers; each scores many readings, so each works in a thread."""
    path = "/models/{name:str}/versions/{version:str}/compare"

    def compare(
        name: str, version: str, other: ModelVersion | None, read: Callable[[], TelemetryBatch] | None
    ) -> CompareResponse:
        batch = None if read is None else read()
        command = CompareVersionsCommand(ModelName(name), ModelVersion(version), other, batch)
        return compare_response(compare_versions(command))

    # Litestar's own would tell of the method alone that was there when it was made.
    @route(path, http_method=HttpMethod.OPTIONS, status_code=204, opt=ANY_KEY.opt, sync_to_thread=False)
    def methods() -> Response[None]:
        return Response(None, status_code=204, headers={"Allow": "GET, HEAD, OPTIONS, POST"})

    @get(path, READ_MODELS)
    async def compare_on_training(
        request: HttpRequest, name: FromPath[str], version: FromPath[str]
    ) -> ASGIApp:
        other = _other(request.scope)
        return respond(request, await in_thread(compare, name, version, other, None))

    @post(path, status_code=200, opt=READ_MODELS.opt)
    async def compare_on_posted(request: HttpRequest, name: FromPath[str], version: FromPath[str]) -> ASGIApp:
        other = _other(request.scope)
        if is_of_lines(request.scope):
            body = await bodies.read(request.scope, request.receive)
            read = partial(posted_lines, body, limits)
        else:
            encoding = encoding_of(request.scope, NDJSON)
            body = await bodies.read(request.scope, request.receive)
            read = partial(posted_batch, body, encoding, limits)
        return respond(request, await in_thread(compare, name, version, other, read))

    return [methods, compare_on_training, compare_on_posted]


def _other(scope: HTTPScope) -> ModelVersion | None:
    text = parameters(scope, (_WITH,)).get(_WITH, LATEST)
    return None if text == LATEST else ModelVersion(text)
