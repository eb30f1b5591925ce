"""Callers that have no key, the wrong one, or used theirs too often: 401, 403, 429."""

from math import ceil
from typing import Final, Self

from vehicle_anomaly.adapters.inbound.wire.problems import Problem, problem

# RFC 6750, section 3: the challenge, and why the credentials sent were not enough.
_REALM: Final = 'realm="vehicle-anomaly"'
# Alone: Chromium does not look for it behind another one in the same header.
_BASIC: Final = f'Basic {_REALM}, charset="UTF-8"'


class AccessDenied(Exception):
    """A call that is refused before it is looked at.

    Attributes:
        problem: What the caller is told.
        headers: That go with it.
    """

    def __init__(self, told: Problem, headers: dict[str, str] | None = None) -> None:
        self.problem = told
        self.headers = headers or {}
        super().__init__(told.detail)

    @classmethod
    def without_key(cls, *, in_browser: bool) -> Self:
        """Refuse who sends no key."""
        told = problem(
            "no-key", "No key", 401, "this call takes a key: send it as Authorization: Bearer or as X-API-Key"
        )
        return cls(told, {"WWW-Authenticate": _BASIC if in_browser else f"Bearer {_REALM}"})

    @classmethod
    def unusable_key(cls, why: str, *, in_browser: bool) -> Self:
        """Refuse who sends a key that is none, or is none any more."""
        challenge = _BASIC if in_browser else f'Bearer {_REALM}, error="invalid_token"'
        return cls(problem("unusable-key", "Not a valid key", 401, why), {"WWW-Authenticate": challenge})

    @classmethod
    def missing_scope(cls, key_id: str, scope: str) -> Self:
        """Refuse whose key is not good for this call."""
        told = problem(
            "missing-scope", "The key may not do this", 403, f"key {key_id!r} has no scope {str(scope)!r}"
        )
        challenge = f'Bearer {_REALM}, error="insufficient_scope", scope="{scope}"'
        return cls(told, {"WWW-Authenticate": challenge})

    @classmethod
    def foreign_model(cls, key_id: str) -> Self:
        """Refuse whose key may not name the model, whether there is one or not."""
        told = problem(
            "foreign-model", "The key may not name this model", 403, f"key {key_id!r} may not name this model"
        )
        return cls(told)

    @classmethod
    def too_often(cls, key_id: str, rate: float, seconds: float) -> Self:
        """Refuse who calls more often than its key may."""
        told = problem(
            "too-many-requests", "Too many requests", 429, f"key {key_id!r} may call {rate:g} times a second"
        )
        return cls(told, {"Retry-After": str(max(1, ceil(seconds)))})
