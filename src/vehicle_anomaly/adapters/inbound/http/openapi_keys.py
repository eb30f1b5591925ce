"""What the OpenAPI document says of keys: how they are sent, and what each operation asks of one."""

from typing import Any, Final

from vehicle_anomaly.adapters.inbound.http.access import Access

SECURITY_SCHEMES: Final[dict[str, Any]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "`Authorization: Bearer` and the key. With AUTH=off the service asks for none.",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The key in a header of its own.",
    },
}


def security(access: Access) -> list[dict[str, list[str]]]:
    """Return what an operation asks for: either scheme, with the scope by name; nothing where it is open."""
    if access.is_open:
        return []
    scopes = [] if access.scope is None else [access.scope.value]
    return [{scheme: scopes} for scheme in SECURITY_SCHEMES]


def statuses(access: Access) -> tuple[int, ...]:
    """Return with which statuses a key is refused.

    Any key will do for some operations, so that none lacks the scope.
    """
    if access.is_open:
        return ()
    return (401, 429) if access.scope is None else (401, 403, 429)
