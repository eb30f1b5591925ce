"""List, tell and promote the versions of models: `/models…`."""

from typing import Final

from litestar import MediaType, Response, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import ASGIApp

from vehicle_anomaly.adapters.inbound.http.access import READ_MODELS, READ_MODELS_IN_BROWSER, WRITE_MODELS
from vehicle_anomaly.adapters.inbound.http.bodies import Bodies
from vehicle_anomaly.adapters.inbound.http.callers import actor_of
from vehicle_anomaly.adapters.inbound.http.doorkeeper import caller_of
from vehicle_anomaly.adapters.inbound.http.negotiation import (
    HttpRequest,
    request_encoding,
    respond,
)
from vehicle_anomaly.adapters.inbound.http.safe_methods import get
from vehicle_anomaly.adapters.inbound.http.threads import in_thread
from vehicle_anomaly.adapters.inbound.http.watching import note_model
from vehicle_anomaly.adapters.inbound.keys.caller import Caller
from vehicle_anomaly.adapters.inbound.pages.report_page import content_security_policy, report_page
from vehicle_anomaly.adapters.inbound.wire import decoding
from vehicle_anomaly.adapters.inbound.wire.answers import (
    ModelsResponse,
    ModelVersionResponse,
    ModelVersionsResponse,
    PromoteResponse,
    version_response,
    versions_response,
)
from vehicle_anomaly.adapters.inbound.wire.promotions import PromotionsResponse, promotions_response
from vehicle_anomaly.core.errors import DamagedModel, UnknownModel
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.core.promote_version import ListPromotions, PromoteVersion, PromoteVersionCommand

_PAGE_HEADERS: Final = {
    "Content-Security-Policy": f"{content_security_policy()}; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def model_routes(
    models: ModelRepository, promote_version: PromoteVersion, bodies: Bodies
) -> list[HTTPRouteHandler]:
    """Return the handlers; each asks the store, so each works in a thread."""
    list_promotions = ListPromotions(models)

    def names(caller: Caller | None) -> ModelsResponse:
        known = [name.value for name in models.names()]
        return ModelsResponse([name for name in known if caller is None or caller.may_name(name)])

    def versions(name: str) -> ModelVersionsResponse:
        return versions_response(name, models.versions(ModelName(name)))

    def version_of(name: str, version: str) -> ModelVersionResponse:
        known = models.metadata(ModelName(name), ModelVersion(version))
        report = models.report(known.model_name, known.model_version)
        return version_response(known, report, is_latest=latest(known.model_name) == known.model_version)

    def page(name: str, version: str) -> str:
        known = models.metadata(ModelName(name), ModelVersion(version))
        return report_page(known, models.report(known.model_name, known.model_version))

    def latest(name: ModelName) -> ModelVersion | None:
        try:
            return models.latest(name)
        except (UnknownModel, DamagedModel):
            # What is known of a version can be told whatever became of the pointer.
            return None

    def promotions(name: str) -> PromotionsResponse:
        return promotions_response(name, list_promotions(ModelName(name)))

    def make_latest(name: str, version: str, by: str) -> PromoteResponse:
        promote_version(PromoteVersionCommand(ModelName(name), ModelVersion(version), by))
        return PromoteResponse(name, version)

    @get("/models", READ_MODELS)
    async def list_models(request: HttpRequest) -> ASGIApp:
        return respond(request, await in_thread(names, caller_of(request.scope)))

    @get("/models/{name:str}", READ_MODELS)
    async def list_versions(request: HttpRequest, name: FromPath[str]) -> ASGIApp:
        return respond(request, await in_thread(versions, name))

    @get("/models/{name:str}/versions/{version:str}", READ_MODELS)
    async def show_version(request: HttpRequest, name: FromPath[str], version: FromPath[str]) -> ASGIApp:
        return respond(request, await in_thread(version_of, name, version))

    @get("/models/{name:str}/versions/{version:str}/report", READ_MODELS_IN_BROWSER)
    async def show_report(name: FromPath[str], version: FromPath[str]) -> Response[str]:
        return Response(
            await in_thread(page, name, version), media_type=MediaType.HTML, headers=_PAGE_HEADERS
        )

    @get("/models/{name:str}/promotions", READ_MODELS)
    async def show_promotions(request: HttpRequest, name: FromPath[str]) -> ASGIApp:
        return respond(request, await in_thread(promotions, name))

    @put("/models/{name:str}/latest", opt=WRITE_MODELS.opt)
    async def promote(request: HttpRequest, name: FromPath[str]) -> ASGIApp:
        wanted = decoding.PROMOTE[request_encoding(request)](
            await bodies.read(request.scope, request.receive)
        )
        by = actor_of(request.scope)
        promoted = await in_thread(make_latest, name, wanted.model_version, by)
        note_model(request.scope, promoted.model_name, promoted.model_version)
        return respond(request, promoted)

    return [list_models, list_versions, show_version, show_report, show_promotions, promote]
