"""uvicorn, told to stop by SIGTERM or SIGINT, and saying where it listens."""

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from litestar.types import ASGIApp

_log = structlog.get_logger(__name__)

# How long a thread that trains may keep the interpreter from the event loop. Of Python's 5 ms, a few in a row
# make the p99 of /score while training (tests/benchmarks, `just bench`).
_SWITCH_INTERVAL_SECONDS = 0.0005


class HttpServer(uvicorn.Server):
    """Serves an application until it is told to stop, finishing what it has begun."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        """Serve `app` at an address; port 0 takes a free one."""
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                http="httptools",
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop."""
        sys.setswitchinterval(_SWITCH_INTERVAL_SECONDS)
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the port and say so."""
        await super().startup(sockets)
        for server in self.servers if self.started else ():
            for opened in server.sockets:
                host, port = opened.getsockname()[:2]
                _log.info(
                    "listening", url=f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
                )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT, and be done: uvicorn's own would then end the process by the signal."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
