"""What a browser asks before it calls from a page of another origin, and may show that page.

Litestar's own stands behind what sheds, counts and ends requests, so that their answers could not be read,
refuses in plain text, and offers methods that nothing takes (https://fetch.spec.whatwg.org/#http-cors-protocol).
"""

from collections.abc import Sequence
from typing import Final, cast

from litestar.config.cors import CORSConfig
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from vehicle_anomaly.adapters.inbound.http.allowed_hosts import AllowedHosts
from vehicle_anomaly.adapters.inbound.http.headers import header
from vehicle_anomaly.adapters.inbound.http.written_problem import WrittenProblem
from vehicle_anomaly.adapters.inbound.wire.problems import Problem, problem

OFFERED: Final = ("GET", "HEAD", "POST", "PUT")
"""The methods that some route takes, besides OPTIONS."""

_EXPOSED: Final = ("Allow", "Model-Name", "Model-Version", "Retry-After", "WWW-Authenticate")
# By name what is read here. Any other does no harm; of `Authorization`, the asterisk does not tell.
_HEADERS: Final = ("authorization", "content-type", "traceparent", "tracestate", "x-actor", "x-api-key", "*")
_SECONDS: Final = b"600"
_MOST_TOLD: Final = 80

Headers = list[tuple[bytes, bytes]]


class CrossOrigin:
    """Lets pages of some origins call; no cookies are looked at, so none are let through."""

    def __init__(self, origins: Sequence[str]) -> None:
        """Let these in: `https://app.example.org`, or `*` for all."""
        self._origins = CORSConfig(allow_origins=list(origins))
        self._all = "*" in origins

    def shown(self, app: ASGIApp) -> ASGIApp:
        """Return an application whose answers, whoever makes them inside, the page may read."""

        async def show(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            further = self._headers(header(scope, b"origin", ""))

            async def with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message.get("headers", ()), *further]
                await send(message)

            await app(scope, receive, with_headers)

        return show

    def asked_first(self, app: ASGIApp, hosts: AllowedHosts | None) -> ASGIApp:
        """Return an application of which browsers may ask what they may send; `shown` stands around it.

        Args:
            app: Answers all else.
            hosts: As which it may be asked; None: any.
        """

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP or scope["method"] != "OPTIONS" or not _asks(scope):
                await app(scope, receive, send)
            elif hosts is None:
                await self._tell(scope, receive, send)
            else:
                await hosts.handle(scope, receive, send, self._tell)

        return answer

    async def _tell(self, scope: Scope, _: Receive, send: Send) -> None:
        refused = self._refusal(cast("HTTPScope", scope))
        await (_permit if refused is None else WrittenProblem(refused))(send)

    def _may_call(self, origin: str) -> bool:
        return bool(origin) and self._origins.is_origin_allowed(origin)

    def _headers(self, origin: str) -> Headers:
        # Caches must not give one origin what was said to another, nor to none.
        vary: Headers = [] if self._all else [(b"vary", b"Origin")]
        if not self._may_call(origin):
            return vary
        allowed = b"*" if self._all else origin.encode("latin-1")
        exposed = ", ".join(_EXPOSED).encode()
        return [
            *vary,
            (b"access-control-allow-origin", allowed),
            (b"access-control-expose-headers", exposed),
        ]

    def _refusal(self, scope: HTTPScope) -> Problem | None:
        origin, method = header(scope, b"origin", ""), header(scope, b"access-control-request-method", "")
        if not self._may_call(origin):
            detail = f"Origin: {origin[:_MOST_TOLD]!r} may not call (CORS_ORIGINS)"
            return problem("foreign-origin", "Not an origin that may call", 400, detail)
        if method not in OFFERED:
            offered = ", ".join(OFFERED)
            detail = f"Access-Control-Request-Method: expected one of {offered}, got {method[:_MOST_TOLD]!r}"
            return problem("method-not-offered", "Not a method of this service", 400, detail)
        return None


def _asks(scope: HTTPScope) -> bool:
    return all(header(scope, name, "") for name in (b"origin", b"access-control-request-method"))


async def _permit(send: Send) -> None:
    headers: Headers = [
        (b"access-control-allow-methods", ", ".join(OFFERED).encode()),
        (b"access-control-allow-headers", ", ".join(_HEADERS).encode()),
        (b"access-control-max-age", _SECONDS),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
