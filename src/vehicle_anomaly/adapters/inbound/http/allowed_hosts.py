"""Which `Host` headers are answered."""

import re
from collections.abc import Sequence
from typing import cast

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from vehicle_anomaly.adapters.inbound.http.errors import answer
from vehicle_anomaly.adapters.inbound.http.headers import header
from vehicle_anomaly.adapters.inbound.http.negotiation import HttpRequest
from vehicle_anomaly.adapters.inbound.wire.problems import problem

_PORT = re.compile(r":\d*$")


class AllowedHosts(ASGIMiddleware):
    """Refuses requests to any other host; a page that has its name rebound to this address gets nothing.

    Litestar's own compares the port too (litestar-org/litestar#4869), and does not answer with a problem.
    """

    scopes = (ScopeType.HTTP,)
    # A load balancer's health check carries the address of its target as the host.
    exclude_path_pattern = "^/health(z|/ready)?$"

    def __init__(self, hosts: Sequence[str]) -> None:
        """Answer these hosts: names without a port, `*.example.org` for subdomains, `*` for all."""
        self._hosts = frozenset(host.lower() for host in hosts if not host.startswith("*"))
        self._domains = tuple(host[1:].lower() for host in hosts if host.startswith("*."))
        self._all = "*" in hosts

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass one request on, or refuse it."""
        request_scope = cast("HTTPScope", scope)
        given = header(request_scope, b"host", "")
        # Of two, a proxy may have looked at the other (RFC 9112, section 3.2).
        several = sum(name == b"host" for name, _ in request_scope["headers"]) > 1
        host = _PORT.sub("", given).lower()
        if not several and (self._all or host in self._hosts or host.endswith(self._domains)):
            await next_app(scope, receive, send)
            return
        detail = "Host: expected one, got several" if several else f"Host: {given[:80]!r} is not served"
        told = problem("foreign-host", "Not a host of this service", 400, detail)
        # Answered here: an exception would pass by the middleware that counts.
        request: HttpRequest = Request(scope, receive, send)
        await answer(told).to_asgi_response(None, request)(scope, receive, send)
