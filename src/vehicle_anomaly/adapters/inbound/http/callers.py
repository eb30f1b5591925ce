"""Who calls, for the record: by its key, or else what it says of itself, and where the call comes from."""

import re
from typing import Final

from litestar.types import HTTPScope

from vehicle_anomaly.adapters.inbound.http.doorkeeper import caller_of
from vehicle_anomaly.adapters.inbound.http.headers import header
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.core.promotions import MAX_PROMOTER_LENGTH

ACTOR: Final = "X-Actor"
"""Header in which a caller without a key may say who it is. Nobody checks it, and it gives no rights."""

ACTOR_PATTERN: Final = r"^[!-~]([ -~]{0,48}[!-~])?$"
ANONYMOUS: Final = "anonymous"

_ACTOR: Final = re.compile(ACTOR_PATTERN.strip("^$"))


def actor_of(scope: HTTPScope) -> str:
    """Return who calls, as `Promoter.by`: `name@address`, of the load balancer if there is one.

    Raises:
        MalformedMessage: The header is not a name.
    """
    caller = caller_of(scope)
    name = header(scope, ACTOR.lower().encode(), ANONYMOUS) if caller is None else caller.id
    if caller is None and not _ACTOR.fullmatch(name):
        reason = "expected 1 to 50 printable ASCII characters"
        raise MalformedMessage([Wrong(Place((ACTOR,)), reason)])
    client = scope["client"]
    return (name if client is None else f"{name}@{client[0]}")[:MAX_PROMOTER_LENGTH]
