"""Who calls, and whether they may: asked once Litestar has found the route, before anything is read.

What is asked for stands with the handler that will answer, so that there is no path, however written, for
which another is asked (ADR 0060).
"""

import binascii
from collections.abc import Callable
from time import monotonic, time
from typing import Final, cast

from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from vehicle_anomaly.adapters.inbound.http.access import ACCESS, ANY_KEY, OPEN, Access
from vehicle_anomaly.adapters.inbound.http.access_denied import AccessDenied
from vehicle_anomaly.adapters.inbound.http.errors import answer
from vehicle_anomaly.adapters.inbound.keys.caller import Caller
from vehicle_anomaly.core.model import ModelName

MODEL_IN_PATH: Final = "name"
"""What the part of a route's path is called that names a model; nothing else may be called so."""

_EXPIRED: Final = "vehicle_anomaly.expired_key"
_PERMITTED: Final = "vehicle_anomaly.permitted_model"
_SENT_TWICE: Final = "expected one key in one header, got more"
_UNKNOWN: Final = "the key is unknown"


class Doorkeeper:
    """An ASGI middleware that lets in who has the key that a route asks for.

    Whom it lets in stands in the scope as `auth`, with the same name that Litestar has for it.
    """

    def __init__(self, find: Callable[[bytes], Caller | None]) -> None:
        """Let in whom `find` knows by the key."""
        self._find = find

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Stand before what answers a route."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.HTTP:
                try:
                    self.admit(scope)
                except AccessDenied as denied:
                    await tell(denied, scope, receive, send)
                    return
            await app(scope, receive, send)

        return guarded

    def admit(self, scope: HTTPScope) -> None:
        """Let a request in, and write down whose it is.

        Args:
            scope: Of the request; where no handler was found for it, it takes any key.

        Raises:
            AccessDenied: It may not be let in.
        """
        # OPTIONS, which Litestar answers by itself, says nothing of who asks for it: it takes any key too.
        found = "route_handler" in scope
        access: Access = scope["route_handler"].opt.get(ACCESS, ANY_KEY) if found else ANY_KEY
        if access.is_open:
            scope["auth"] = self._known(scope)
            return
        # A stranger until it is known whose it is. Refused or not, the log says whose it was.
        scope["auth"] = None
        caller = scope["auth"] = self._caller(scope, access)
        if caller.bucket is not None and (seconds := caller.bucket.take(monotonic())) > 0:
            raise AccessDenied.too_often(caller.id, caller.bucket.rate, seconds)
        if access.scope is not None and access.scope not in caller.scopes:
            raise AccessDenied.missing_scope(caller.id, access.scope)
        if (model := scope["path_params"].get(MODEL_IN_PATH)) is not None:
            _permit(caller, model)

    def _caller(self, scope: HTTPScope, access: Access) -> Caller:
        key = _key_in(scope, access)
        caller = self._find(key)
        if caller is None:
            raise AccessDenied.unusable_key(_UNKNOWN, in_browser=access.in_browser)
        if time() >= caller.expires_at:
            # Not as `auth`: nobody must take it for somebody who was let in.
            scope[_EXPIRED] = caller.id  # type: ignore[typeddict-unknown-key]
            why = f"key {caller.id!r} has expired"
            raise AccessDenied.unusable_key(why, in_browser=access.in_browser)
        return caller

    def _known(self, scope: HTTPScope) -> Caller | None:
        try:
            return self._caller(scope, OPEN)
        except AccessDenied:
            return None


def caller_of(scope: HTTPScope) -> Caller | None:
    """Return who was let in; None for somebody without a key where none is asked for."""
    return cast("Caller | None", scope.get("auth"))


def key_id_of(scope: HTTPScope) -> str | None:
    """Return whose key was sent, also if it has expired; None for none that is known."""
    caller = caller_of(scope)
    return cast("str | None", scope.get(_EXPIRED)) if caller is None else caller.id


def is_stranger(scope: HTTPScope) -> bool:
    """Tell whether somebody has shown no key, or none that is known, where keys are asked for."""
    return scope.get("auth", is_stranger) is None


def permit(scope: HTTPScope, model: ModelName) -> None:
    """See to it that a caller may name a model, before anything is said of it.

    Raises:
        AccessDenied: It may not.
    """
    caller = caller_of(scope)
    if caller is not None:
        _permit(caller, model.value)
    scope[_PERMITTED] = model.value  # type: ignore[typeddict-unknown-key]


def permitted_in(scope: HTTPScope) -> str | None:
    """Return the model that a request's body names, or its query; None as long as none was permitted."""
    return cast("str | None", scope.get(_PERMITTED))


def _permit(caller: Caller, model: str) -> None:
    if not caller.may_name(model):
        raise AccessDenied.foreign_model(caller.id)


async def tell(denied: AccessDenied, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer who is not let in. An exception would pass by the middleware that counts."""
    response = answer(denied.problem, denied.headers)
    await response.to_asgi_response(None, Request(scope, receive, send))(scope, receive, send)


def _key_in(scope: HTTPScope, access: Access) -> bytes:
    sent: bytes | None = None
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            # White space around a value is no part of it (RFC 9110, section 5.5).
            key = value.strip()
        elif name == b"authorization":
            key = _key_in_authorization(value, access)
        else:
            continue
        if sent is not None:
            # Which of them another part of the way in would have looked at, nobody knows.
            raise AccessDenied.unusable_key(_SENT_TWICE, in_browser=access.in_browser)
        sent = key
    if sent is None:
        raise AccessDenied.without_key(in_browser=access.in_browser)
    return sent


def _key_in_authorization(value: bytes, access: Access) -> bytes:
    scheme, _, credentials = value.partition(b" ")
    scheme = scheme.lower()
    if scheme == b"bearer":
        return credentials.strip()
    if scheme == b"basic" and access.in_browser:
        try:
            return binascii.a2b_base64(credentials.strip(), strict_mode=True).partition(b":")[2]
        except binascii.Error:
            pass
    why = "Authorization: expected Bearer and a key"
    raise AccessDenied.unusable_key(why, in_browser=access.in_browser)
