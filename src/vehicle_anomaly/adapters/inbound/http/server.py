"""uvicorn, told to stop by SIGTERM or SIGINT, and saying where it listens."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog
import uvicorn
from litestar.types import ASGIApp

from vehicle_anomaly.adapters.inbound.http.unread_bodies import ReadBodies

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
                ReadBodies(app),
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
        """Serve until told to stop.

        Raises:
            OSError: The address cannot be listened on; its `filename` names it.
        """
        with ExitStack() as opened:
            opened.callback(sys.setswitchinterval, sys.getswitchinterval())
            sys.setswitchinterval(_SWITCH_INTERVAL_SECONDS)
            # Here and first: uvicorn would log what is wrong and exit with a status of its own.
            listeners = sockets or _listeners(self.config.host, self.config.port)
            for listener in listeners:
                opened.enter_context(listener)
            super().run(listeners)

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


def _listeners(host: str, port: int) -> list[socket.socket]:
    """Listen on every address that a host has."""
    with ExitStack() as opened:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            listeners = [
                opened.enter_context(socket.create_server(address[:2], family=family))
                for family, address in dict.fromkeys((family, address) for family, *_, address in found)
            ]
        except (OSError, UnicodeError) as error:
            raise _named(error, host, port) from error
        opened.pop_all()
    return listeners


def _named(error: OSError | UnicodeError, host: str, port: int) -> OSError:
    """Say where it happened, as operators set it."""
    if isinstance(error, socket.gaierror):
        number, reason = error.errno, error.strerror
    elif isinstance(error, OSError):
        number = error.errno
        # The error's own words repeat the address.
        reason = None if number is None else os.strerror(number)
    else:
        number, reason = None, "not the name of a host"
    return OSError(number, reason, f"HOST {host}, PORT {port}")
