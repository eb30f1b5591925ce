"""The HTTP service on a socket of its own, in a thread of this process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from litestar import Litestar

from vehicle_anomaly.adapters.inbound.http.bounded_protocol import ConnectionLimits, CountRefused
from vehicle_anomaly.adapters.inbound.http.server import HttpServer
from vehicle_anomaly.adapters.inbound.http.stopping import Stopping

_LIMITS = ConnectionLimits()


class _Announced(HttpServer):
    """Says when it listens, and where."""

    def __init__(self, app: Litestar, limits: ConnectionLimits, count_refused: CountRefused) -> None:
        super().__init__(app, "127.0.0.1", 0, Stopping(drain_seconds=60), limits, count_refused)
        self.listening = threading.Event()
        self.url = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        self.listening.set()


@contextmanager
def serving(
    app: Litestar, limits: ConnectionLimits = _LIMITS, count_refused: CountRefused = lambda _: None
) -> Iterator[str]:
    """Serve an application while the block runs; yield its address."""
    server = _Announced(app, limits, count_refused)
    thread = threading.Thread(target=server.run, name="http-service")
    thread.start()
    try:
        assert server.listening.wait(30), "the service did not start"
        yield server.url
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the service did not stop"


def host_and_port(url: str) -> tuple[str, int]:
    """Return where to connect to."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port
