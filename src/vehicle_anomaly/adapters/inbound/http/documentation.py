"""The OpenAPI document and a page that shows it, with nothing from outside; the AsyncAPI document too."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
from litestar import MediaType, Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from vehicle_anomaly.adapters.inbound.http.access import DOCUMENTATION
from vehicle_anomaly.adapters.inbound.http.openapi import openapi_document
from vehicle_anomaly.adapters.inbound.http.safe_methods import get

_PAGE: Final = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>vehicle-anomaly</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/schema/assets/swagger-ui.css">
<script src="/schema/assets/swagger-ui-bundle.js" defer></script>
<script src="/schema/assets/start.js" defer></script>
</head>
<body><div id="documentation"></div></body>
</html>
"""

# A file of its own, so that a content policy can do without inline scripts. Swagger UI would otherwise ask
# a validator on the internet what it thinks of the document. A browser asks for no address with a key in it.
_START: Final = b"""SwaggerUIBundle({
  url: `${location.origin}/schema/openapi.json`,
  dom_id: "#documentation",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""

_PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
_CACHED: Final = {"Cache-Control": "private, max-age=86400"}


def documentation_routes(version: str, asyncapi_document: bytes) -> list[HTTPRouteHandler]:
    """Return the handlers.

    Args:
        version: Of the service.
        asyncapi_document: Of the queues, as JSON.
    """
    document = msgspec.json.encode(openapi_document(version))
    assets = {
        "start.js": (_START, "text/javascript"),
        "swagger-ui-bundle.js": (_swagger_file("swagger-ui-bundle.js"), "text/javascript"),
        "swagger-ui.css": (_swagger_file("swagger-ui.css"), "text/css"),
    }

    @get("/schema", DOCUMENTATION, sync_to_thread=False)
    def page() -> Response[bytes]:
        return Response(_PAGE, media_type=MediaType.HTML, headers=_PAGE_HEADERS)

    @get("/schema/openapi.json", DOCUMENTATION, sync_to_thread=False)
    def openapi() -> Response[bytes]:
        return Response(document, media_type=MediaType.JSON)

    @get("/schema/asyncapi.json", DOCUMENTATION, sync_to_thread=False)
    def asyncapi() -> Response[bytes]:
        return Response(asyncapi_document, media_type=MediaType.JSON)

    @get("/schema/assets/{file:str}", DOCUMENTATION, sync_to_thread=False)
    def asset(file: FromPath[str]) -> Response[bytes]:
        if file not in assets:
            raise NotFoundException
        content, media_type = assets[file]
        return Response(content, media_type=media_type, headers=_CACHED)

    return [page, openapi, asyncapi, asset]


def _swagger_file(name: str) -> bytes:
    # swagger-ui-py is installed for these files alone; its code is never imported.
    spec = find_spec("swagger_ui")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("swagger-ui-py is not installed")
    return (Path(spec.origin).parent / "static" / name).read_bytes()
