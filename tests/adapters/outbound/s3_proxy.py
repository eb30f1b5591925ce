"""A proxy between a client and S3 that counts requests and goes wrong on those it is told, as it is told."""

import http.client
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class Fault(Enum):
    """What happens to a request."""

    RESPONSE_LOST = "done, and the connection closed instead of the answer"
    RESPONSE_CUT = "done, and the answer cut off in its middle"
    RESET = "not done, and the connection reset"
    STALL = "done, and no answer until the client gives up"
    INTERNAL_ERROR = "answered 500, and not done"
    UNAVAILABLE = "answered 503, and not done"
    CONFLICT = "answered 409, and not done"


_ANSWERS = {
    Fault.INTERNAL_ERROR: (500, "InternalError"),
    Fault.UNAVAILABLE: (503, "SlowDown"),
    Fault.CONFLICT: (409, "ConditionalRequestConflict"),
}
_DONE = {None, Fault.RESPONSE_LOST, Fault.RESPONSE_CUT, Fault.STALL}


@dataclass(slots=True)
class S3Proxy:
    """What the proxy is to do, and has seen.

    Attributes:
        url: Where it listens.
        requests: Method and path of each request, in the order of arrival.
        faults: What happens to a request, by its number in `requests`.
        always: What happens to every other request, from number `since` on.
        since: See `always`.
    """

    url: str
    requests: list[str] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)
    always: Fault | None = None
    since: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arrived(self, request: str) -> Fault | None:
        """Take note of a request; return what happens to it."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
            return self.faults.get(number, self.always if number >= self.since else None)

    def forget(self) -> None:
        """Forget what was seen, and let everything pass."""
        with self._lock:
            self.requests.clear()
            self.faults.clear()
            self.always, self.since = None, 0


class _Server(ThreadingHTTPServer):
    # A thread waits for the next request as long as its client keeps the connection.
    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = urlsplit(behind)
        self.proxy = S3Proxy(f"http://127.0.0.1:{self.server_port}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that have gone: the faults make them go."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def s3_proxy(behind: str) -> Iterator[S3Proxy]:
    """Listen on a free port while the block runs, for what is then asked of the server at `behind`."""
    with _Server(behind) as server:
        thread = threading.Thread(target=server.serve_forever, name="s3-proxy")
        thread.start()
        try:
            yield server.proxy
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body of an answer are two writes, and the second must not wait until the first is acknowledged.
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as it is called there
        """Say nothing."""

    def do_request(self) -> None:
        """Pass a request on, or not, and its answer back, or not."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.proxy.arrived(f"{self.command} {self.path}")
        answer = self._passed_on(body) if fault in _DONE else None
        if fault in _ANSWERS:
            self._answer_with_error(*_ANSWERS[fault])
        elif fault is None:
            assert answer is not None
            self._answer(*answer)
        else:
            self._break(fault)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_request  # noqa: N815  # http.server's names

    def _break(self, fault: Fault) -> None:
        if fault is Fault.RESET:
            # Closed with nothing lingering: the client meets a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif fault is Fault.RESPONSE_CUT:
            self.wfile.write(b'HTTP/1.1 200 OK\r\nETag: "0"\r\nContent-Length: 100\r\n\r\nhalf')
        elif fault is Fault.STALL:
            # Nothing comes any more but the client's farewell.
            self.connection.recv(1)
        self.close_connection = True
        if fault is not Fault.RESET:
            self.connection.shutdown(socket.SHUT_RDWR)

    def _passed_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(
            str(self.server.behind.hostname), self.server.behind.port, timeout=60
        )
        try:
            passed = {
                name: value for name, value in self.headers.items() if name.lower() not in ("host", "expect")
            }
            connection.request(self.command, self.path, body, passed)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        if status not in (204, 304):
            is_head = self.command == "HEAD"
            self.send_header("Content-Length", lengths[0] if is_head and lengths else str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer_with_error(self, status: int, code: str) -> None:
        told = f"<Error><Code>{code}</Code><Message>It was told to.</Message></Error>".encode()
        body = b"" if self.command == "HEAD" else told
        self._answer(status, [("Content-Type", "application/xml")], body)
