"""GET, and HEAD with it: RFC 9110 wants both answered."""

from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from vehicle_anomaly.adapters.inbound.http.access import Access


def get(path: str, access: Access, *, sync_to_thread: bool | None = None) -> HTTPRouteHandler:
    """Decorate what answers GET, as Litestar's `get` does, and HEAD; the server leaves out HEAD's body.

    Args:
        path: Template of the route.
        access: What it takes to call it.
        sync_to_thread: For a function that is not async: whether it works in a thread.
    """
    return HTTPRouteHandler(
        path,
        http_method=(HttpMethod.GET, HttpMethod.HEAD),
        status_code=200,
        sync_to_thread=sync_to_thread,
        opt=access.opt,
    )
