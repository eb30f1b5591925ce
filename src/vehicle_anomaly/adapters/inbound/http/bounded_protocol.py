"""What a connection may hold up: uvicorn itself bounds neither the size of headers nor how long they take."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

import msgspec
import structlog
from httptools import HttpParserError, HttpParserUpgrade
from litestar.types import HTTPScope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from vehicle_anomaly.adapters.inbound.http.declined_upgrades import has_body, parser_of_body
from vehicle_anomaly.adapters.inbound.http.negotiation import says_lines
from vehicle_anomaly.adapters.inbound.wire.problems import TYPE_PREFIX, Problem, problem

_log = structlog.get_logger(__name__)

_LINGER_SECONDS: Final = 2.0


CountRefused = Callable[[int], None]
"""Takes the status with which a connection was refused before there was a request."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How much a caller may send ahead of its body, and how long it may take.

    Attributes:
        header_bytes: Of the request line and all headers.
        headers: How many.
        header_seconds: From the first byte of a request, or from the opening of the connection, to the end of
            the headers.
        body_seconds: From there to the end of the body; in a stream of lines, from one part to the next.
            While the service itself does not read on, no time passes.
        keep_alive_seconds: How long a connection is kept on which nothing is asked. A load balancer must
            give up its own sooner, or it sends into one that is being closed.
    """

    header_bytes: int = 32 * 1024
    headers: int = 100
    header_seconds: float = 10.0
    body_seconds: float = 120.0
    keep_alive_seconds: int = 75


class _Refused(Exception):
    """Ends the parsing of a request."""


class _Trailers(list[tuple[bytes, bytes]]):
    """Forgets what stands behind a body in chunks: it must not pass for headers (RFC 9110, section 6.5.1)."""

    def append(self, _: tuple[bytes, bytes]) -> None:
        """Forget."""


_TRAILERS: Final = _Trailers()


class BoundedProtocol(HttpToolsProtocol):
    """One connection, with bounds.

    No timer is set a request: the server asks each connection once a second (`give_up_if_late`).

    Attributes:
        limits: Of every connection; set by `bounded`.
        count_refused: Is told of each that is refused; set by `bounded`.
    """

    limits = ConnectionLimits()
    count_refused: CountRefused

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waits_since: float | None = self.loop.time()
        self._in_headers = True
        self._heard_at = 0.0
        self._head_bytes = 0
        self._told: Problem | None = None
        self._refused_at = 0.0
        self._declines = False

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._told is not None:
            # Refused; what still comes until the connection is closed is nobody's.
            return
        if self._waits_since is None and not self._in_headers:
            # Anything at all, be it an empty line, begins the next request.
            self._await_headers()
        if self._in_headers:
            self._head_bytes += len(data)
        else:
            self._heard_at = self.loop.time()
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except HttpParserError:
            self.send_400_response("")
        if self._in_headers and self._head_bytes > self.limits.header_bytes and self._told is None:
            self._refuse(_too_large(self.limits))

    def _parse(self, data: bytes) -> None:
        """Parse what came; raises what the parser does."""
        while data:
            try:
                self.parser.feed_data(data)
                break
            except HttpParserUpgrade as offered:
                # It says where the headers end.
                data = data[offered.args[0] :]
                if self._declines:
                    self._declines = False
                    cycle: RequestResponseCycle = self.cycle
                    headers = cycle.scope["headers"]
                    self.parser = parser_of_body(self, headers, keeps_alive=cycle.keep_alive)

    def on_headers_complete(self) -> None:
        """Begin a request, unless its headers are more than they may be."""
        limits = self.limits
        if len(self.headers) > limits.headers:
            self._told = _problem(431, "too-many-headers", f"expected at most {limits.headers} headers")
            raise _Refused
        if self._head_bytes > limits.header_bytes:
            # The beginning of the body may have come with them: only now it is worth while to count.
            sizes = (len(name) + len(value) + 4 for name, value in self.headers)
            if len(self.url) + sum(sizes) > limits.header_bytes:
                self._told = _too_large(limits)
                raise _Refused
        super().on_headers_complete()
        # Where another protocol is offered, the parser takes what follows for that.
        self._declines = self.parser.should_upgrade() and has_body(self.headers)
        self._in_headers = False
        self._waits_since = self._heard_at = self.loop.time()
        self.headers = _TRAILERS

    def on_message_complete(self) -> None:
        """End a request."""
        if self._declines:
            # Its body is yet to come.
            return
        super().on_message_complete()
        self._waits_since = None

    def on_message_begin(self) -> None:
        """Begin to read headers: of another request in the same data, too."""
        if not self._in_headers:
            self._await_headers()
        super().on_message_begin()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's words are no problem
        """Answer what cannot be parsed, or was refused while it was."""
        self._refuse(self._told or _problem(400, "not-http", "what was sent is not HTTP/1.1"))

    def finish(self) -> None:
        """Close the connection once what was asked on it is answered: at once, where nothing was."""
        is_asking = self._in_headers and self._head_bytes > 0 and not self._is_answering()
        # Who is about to ask is told that the service stops, and who was refused reads that first.
        if not is_asking and self._told is None:
            self.shutdown()

    def shutdown(self) -> None:
        """End the connection, as the last thing that the server does: sooner than `finish`."""
        if self._told is not None:
            self.transport.close()
        else:
            super().shutdown()

    def give_up_if_late(self, now: float) -> None:
        """End a connection whose caller takes longer than it may.

        Args:
            now: Time of the event loop.
        """
        if self.transport.is_closing():
            return
        if self._told is not None and now - self._refused_at > _LINGER_SECONDS:
            self.transport.close()
        if self._told is not None or self._waits_since is None:
            return
        if self.flow.read_paused or (self._in_headers and self._is_answering()):
            # Of who has asked and waits, nothing more is expected.
            self._waits_since = self._heard_at = now
            return
        since = self._heard_at if self._is_stream() else self._waits_since
        what, seconds = (
            ("headers", self.limits.header_seconds)
            if self._in_headers
            else ("body", self.limits.body_seconds)
        )
        if now - since > seconds:
            self._refuse(_problem(408, "too-slow", f"expected the {what} within {seconds:g} seconds"))

    def _is_stream(self) -> bool:
        return not self._in_headers and says_lines(cast("HTTPScope", self.scope))

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _await_headers(self) -> None:
        self._waits_since = self.loop.time()
        self._in_headers = True
        self._head_bytes = 0

    def _refuse(self, told: Problem) -> None:
        """Answer, if nothing was answered yet, and hang up."""
        self._told = told
        self._refused_at = self.loop.time()
        cycle: RequestResponseCycle | None = self.cycle
        begun = cycle is not None and self._is_answering() and cycle.response_started
        answered = cycle is not None and cycle.response_complete and not self._in_headers
        # Proxies open connections ahead of requests: who never asked is not answered.
        untouched = self._in_headers and self._head_bytes == 0
        if not untouched and not self.transport.is_closing():
            # No request came of it that would be told of.
            kind = told.type.removeprefix(TYPE_PREFIX)
            _log.warning("connection refused", status=told.status, problem=kind)
            self.count_refused(told.status)
        if not (begun or answered or untouched or self.transport.is_closing()):
            self.transport.write(self._answer(told))
            # Closed at once, with bytes unread, it would be reset, and the caller would never see the answer.
            self.transport.write_eof()
            self.flow.resume_reading()
        else:
            self.transport.close()
        if cycle is not None and not cycle.response_complete:
            # Whoever works on it finds the caller gone.
            cycle.disconnected = True
            cycle.message_event.set()

    def _answer(self, told: Problem) -> bytes:
        body = msgspec.json.encode(told)
        headers = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        return (
            STATUS_LINE[told.status]
            + headers
            + b"content-type: application/problem+json\r\ncontent-length: %d\r\n" % len(body)
            + b"connection: close\r\n\r\n"
            + body
        )


def bounded(limits: ConnectionLimits, count_refused: CountRefused) -> type[BoundedProtocol]:
    """Return the protocol with these limits: uvicorn makes one a connection, of a class."""
    named = {"limits": limits, "count_refused": staticmethod(count_refused)}
    return type("BoundedProtocol", (BoundedProtocol,), named)


def _too_large(limits: ConnectionLimits) -> Problem:
    return _problem(431, "headers-too-large", f"expected at most {limits.header_bytes} bytes of headers")


_TITLES: Final = {
    400: "Not HTTP",
    408: "Too slow",
    431: "Headers too large",
}


def _problem(status: int, kind: str, detail: str) -> Problem:
    return problem(kind, _TITLES[HTTPStatus(status)], status, detail)
