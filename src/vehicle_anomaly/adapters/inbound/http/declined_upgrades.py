"""Requests that offer to go on in another protocol, read as what they are in this one.

A server may pass over `Upgrade` (RFC 9110, section 7.8), and clients count on that: `curl --http2` and Java's
HttpClient offer HTTP/2 with the first request. httptools ends such a request behind its headers, and its body
would be taken for the next request, on a connection that others may share.
"""

from collections.abc import Iterable
from typing import Final, Protocol

from httptools import HttpRequestParser

_FRAMING: Final = (b"content-length", b"transfer-encoding")


class Callbacks(Protocol):
    """What httptools calls while it parses."""

    def on_message_begin(self) -> None:
        """A request begins."""
        ...

    def on_url(self, url: bytes) -> None:
        """A part of its target."""
        ...

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        ...

    def on_headers_complete(self) -> None:
        """All headers are there."""
        ...

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        ...

    def on_message_complete(self) -> None:
        """It ends."""
        ...


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether headers announce a body, be it an empty one; their names are in lower case."""
    return any(name in _FRAMING for name, _ in headers)


def parser_of_body(
    protocol: Callbacks, headers: Iterable[tuple[bytes, bytes]], *, keeps_alive: bool
) -> HttpRequestParser:
    """Return a parser that stands where a body begins, and goes on behind it.

    Args:
        protocol: Is told of the body, and of the requests behind it.
        headers: Of the request, which another parser has found to be right.
        keeps_alive: Whether there may be requests behind it.
    """
    parser = HttpRequestParser(_BehindHead(protocol))
    parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
    framing = b"".join(b"%b: %b\r\n" % header for header in headers if header[0] in _FRAMING)
    connection = b"" if keeps_alive else b"connection: close\r\n"
    parser.feed_data(b"POST / HTTP/1.1\r\n%b%b\r\n" % (framing, connection))
    return parser


class _BehindHead:
    """Passes on what is parsed, but for the first request's head: that is known already."""

    def __init__(self, protocol: Callbacks) -> None:
        self._protocol = protocol
        self._in_head = True
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete

    def on_message_begin(self) -> None:
        if not self._in_head:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._in_head:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._in_head:
            self._protocol.on_headers_complete()
        self._in_head = False
