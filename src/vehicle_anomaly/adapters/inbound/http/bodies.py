"""Bodies that are read whole: each is bounded, and so is what all of them hold at once."""

from typing import Any, Final

from litestar.types import HTTPScope, Receive, Scope

from vehicle_anomaly.adapters.inbound.http.headers import header
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place

_HELD: Final = "vehicle_anomaly.held_bytes"


class BodyTooLarge(Exception):
    """A body is larger than this call takes."""

    def __init__(self, max_bytes: int, whose: str) -> None:
        super().__init__(f"body: expected at most {max_bytes} bytes ({whose})")


class TooManyBodies(Exception):
    """As much is held of bodies as there may be; the same request may succeed later."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(
            f"bodies hold {max_bytes} bytes (MAX_BODIES_BYTES), which is all there may be at once: try again "
            "later"
        )


class Bodies:
    """Reads bodies, and counts what is held of them until their requests end.

    Attributes:
        max_bytes: Of one.
        max_bytes_at_once: Of all.
        held_bytes: Of all, now.
    """

    def __init__(self, max_bytes: int, max_bytes_at_once: int) -> None:
        """Hold none."""
        self.max_bytes = max_bytes
        self.max_bytes_at_once = max_bytes_at_once
        self.held_bytes = 0

    async def read(self, scope: HTTPScope, receive: Receive, max_bytes: int | None = None) -> bytes:
        """Return the whole body of a request.

        Called on the event loop only, so what counts the bytes needs no lock.

        Args:
            scope: Of the request; what its body holds is let go of by `let_go`.
            receive: Gives its parts.
            max_bytes: Of one reading, for a call that takes no more than that.

        Raises:
            MalformedMessage: The caller left before sending all of it.
            BodyTooLarge: It is over the limit.
            TooManyBodies: All of them are.
        """
        most, whose = self.max_bytes, "MAX_BODY_BYTES"
        if max_bytes is not None and max_bytes < most:
            most, whose = max_bytes, "one reading"
        announced = header(scope, b"content-length", "0")
        if announced.isdecimal() and int(announced) > most:
            raise BodyTooLarge(most, whose)
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise MalformedMessage([Wrong(Place(), "the connection was closed before its end")])
            part = message["body"]
            size += len(part)
            if size > most:
                raise BodyTooLarge(most, whose)
            is_last = not message.get("more_body", False)
            if is_last and not parts:
                # Most come in one part: it is the server's already, and bounded by it.
                return part
            self._hold(scope, len(part))
            parts.append(part)
            if is_last:
                # Put together here alone: to add each to those before would copy 32 MiB for every packet.
                return b"".join(parts)

    def let_go(self, scope: Scope) -> None:
        """Count a request's body no longer."""
        self.held_bytes -= scope.get(_HELD, 0)  # type: ignore[operator]

    def _hold(self, scope: Any, n_bytes: int) -> None:
        if self.held_bytes + n_bytes > self.max_bytes_at_once:
            raise TooManyBodies(self.max_bytes_at_once)
        self.held_bytes += n_bytes
        scope[_HELD] = scope.get(_HELD, 0) + n_bytes
