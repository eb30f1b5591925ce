"""Which key each route asks for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler

from vehicle_anomaly.adapters.inbound.keys.scopes import KeyScope


@dataclass(frozen=True, slots=True)
class Access:
    """What it takes to call a route.

    Attributes:
        scope: What the key must be good for; None: nothing in particular.
        is_open: Whether it takes no key at all.
        in_browser: Whether it also takes the key as the password of HTTP's Basic scheme, for which browsers
            ask by themselves. Only for what changes nothing: they then send it unasked, from any page.
    """

    scope: KeyScope | None = None
    is_open: bool = False
    in_browser: bool = False

    @property
    def opt(self) -> dict[str, "Access"]:
        """How a handler declares it: `get(path, opt=….opt)`."""
        return {ACCESS: self}


ACCESS: Final = "access"
"""Where handlers keep it among their options."""

OPEN: Final = Access(is_open=True)
"""Load balancers and orchestrators have no keys."""

ANY_KEY: Final = Access()
SCORE: Final = Access(KeyScope.SCORE)
TRAIN: Final = Access(KeyScope.TRAIN)
READ_MODELS: Final = Access(KeyScope.MODELS_READ)
READ_MODELS_IN_BROWSER: Final = Access(KeyScope.MODELS_READ, in_browser=True)
WRITE_MODELS: Final = Access(KeyScope.MODELS_WRITE)
METRICS: Final = Access(KeyScope.METRICS)
DOCUMENTATION: Final = Access(in_browser=True)


class UndeclaredAccess(Exception):
    """A route does not say which key it asks for: a mistake in the service, found before it serves."""


def refuse_undeclared(handlers: Sequence[HTTPRouteHandler | ASGIRouteHandler]) -> None:
    """See to it that every route says which key it asks for.

    Raises:
        UndeclaredAccess: One does not.
    """
    for handler in handlers:
        if not isinstance(handler.opt.get(ACCESS), Access):
            raise UndeclaredAccess(f"{', '.join(_paths(handler))}: no access is declared")


def _paths(handler: HTTPRouteHandler | ASGIRouteHandler) -> Iterator[str]:
    yield from sorted(handler.paths)
