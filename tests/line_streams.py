"""A caller who sends lines and reads answers at the same time, on a socket of its own."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.http_service import host_and_port

CHUNKED = b"Transfer-Encoding: chunked\r\n"
SECONDS = 30


class Stream:
    """A connection on which a body is sent and its answer read, each by itself."""

    def __init__(self, url: str, query: str = "", headers: bytes = CHUNKED) -> None:
        self._socket = socket.create_connection(host_and_port(url), SECONDS)
        head = f"POST /score/batch{query} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
        self._socket.sendall(head.encode() + headers + b"\r\n")
        self._answer = self._socket.makefile("rb")
        self.head = b""

    def send(self, data: bytes) -> None:
        """Send a part of the body."""
        self._socket.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def end(self) -> None:
        """End the body."""
        self._socket.sendall(b"0\r\n\r\n")

    def read_head(self) -> bytes:
        """Read and return the head of the next answer."""
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += self._answer.readline()
        return self.head

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the answer as they come."""
        pending = b""
        for chunk in self.chunks():
            *whole, pending = (pending + chunk).split(b"\n")
            yield from map(json.loads, whole)
        assert pending == b""

    def chunks(self) -> Iterator[bytes]:
        """Yield the answer in the parts in which it comes."""
        if not self.head.startswith(b"HTTP/1.1 200 "):
            self.read_head()
        while size := int(self._answer.readline(), 16):
            yield self._answer.read(size)
            self._answer.readline()
        # The empty part is followed by an end of line like any other.
        self._answer.readline()

    def settimeout(self, seconds: float) -> None:
        """Give up a send that waits longer."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """Leave."""
        self._answer.close()
        self._socket.close()


@contextmanager
def streaming(url: str, query: str = "", headers: bytes = CHUNKED) -> Iterator[Stream]:
    """Open a stream while the block runs."""
    stream = Stream(url, query, headers)
    try:
        yield stream
    finally:
        stream.close()
