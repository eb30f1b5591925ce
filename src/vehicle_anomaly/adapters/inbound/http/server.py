"""uvicorn, told to stop by SIGTERM or SIGINT, and saying where it listens."""

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog
import uvicorn
from litestar.types import ASGIApp

from vehicle_anomaly.adapters.inbound.http.bounded_protocol import (
    BoundedProtocol,
    ConnectionLimits,
    CountRefused,
    bounded,
)
from vehicle_anomaly.adapters.inbound.http.listeners import listeners, urls
from vehicle_anomaly.adapters.inbound.http.settling import settle
from vehicle_anomaly.adapters.inbound.http.stopping import Stopping
from vehicle_anomaly.adapters.inbound.http.unread_bodies import ReadBodies
from vehicle_anomaly.adapters.inbound.http.worker_link import READY, WorkerLink

_log = structlog.get_logger(__name__)

# How long a thread that trains may keep the interpreter from the event loop. Of Python's 5 ms, a few in a row
# make the p99 of /score while training (tests/benchmarks, `just bench`).
_SWITCH_INTERVAL_SECONDS = 0.0005

_TICKS_PER_SECOND = 10  # uvicorn's
_TICK_SECONDS = 1 / _TICKS_PER_SECOND


class HttpServer(uvicorn.Server):
    """Serves an application until it is told to stop, finishing what it has begun."""

    def __init__(  # noqa: PLR0913, PLR0917  # made in one place
        self,
        app: ASGIApp,
        host: str,
        port: int,
        stopping: Stopping,
        limits: ConnectionLimits,
        count_refused: CountRefused,
    ) -> None:
        """Serve an application.

        Args:
            app: The application.
            host: Address to listen on.
            port: Port to listen on; 0 takes a free one.
            stopping: How long stopping takes; tells the application when it begins.
            limits: How much callers may send ahead of a body, and how long they may take.
            count_refused: Is told the status with which a connection was refused.
        """
        self._link: WorkerLink | None = None
        self._stopping = stopping
        self._ticks = 0
        self._bodies = ReadBodies(app, stopping)
        super().__init__(
            uvicorn.Config(
                self._bodies,
                host=host,
                port=port,
                http=bounded(limits, count_refused),
                headers=[("X-Content-Type-Options", "nosniff")],
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=stopping.drain_seconds,
                timeout_keep_alive=limits.keep_alive_seconds,
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
            listening = sockets or listeners(self.config.host, self.config.port)
            for listener in listening:
                opened.enter_context(listener)
            super().run(listening)

    def run_as_worker(self, link: WorkerLink) -> None:
        """Serve beside others until told to stop, or until the supervisor is gone."""
        self._link = link
        with link.supervisor:
            self.run(list(link.listeners))

    async def on_tick(self, counter: int) -> bool:
        """Look, once a second, for callers that take too long; return whether to stop."""
        if counter % _TICKS_PER_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, BoundedProtocol):
                    connection.give_up_if_late(now)
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the port and say so."""
        await super().startup(sockets)
        if not self.started:
            return
        if threading.current_thread() is threading.main_thread():
            # A process of its own: nothing else in it is to be set aside.
            settle()
        if self._link is not None:
            self._follow(self._link.supervisor)
            return
        for server in self.servers:
            for url in urls(server.sockets):
                _log.info("listening", url=url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that it stops, finish what was begun, then close the port and what is left.

        uvicorn closes the port first: whoever asked meanwhile whether the service is ready would be refused a
        connection, and so would every caller that a load balancer still sends.
        """
        now = asyncio.get_running_loop().time
        stopping, state = self._stopping, self.server_state
        ends_at = now() + stopping.drain_seconds
        stopping.is_told = True
        _log.info("stopping", drain_seconds=stopping.drain_seconds)
        refuses_at = now() + stopping.delay_seconds
        while now() < refuses_at and not self.force_exit:
            await self._tick()
            await asyncio.sleep(_TICK_SECONDS)
        stopping.refuses = True
        for connection in list(state.connections):
            if isinstance(connection, BoundedProtocol):
                connection.finish()
        # Those of now: one that comes later is refused, and must not keep the service from its end.
        begun = set(state.tasks)
        while begun and now() < ends_at and not self.force_exit:
            await self._tick()
            await asyncio.wait(begun, timeout=_TICK_SECONDS)
            begun = {task for task in begun - self._bodies.reading if not task.done()}
        if begun and not self.force_exit:
            _log.warning("broken off", requests=len(begun))
        stopping.breaks_off = True
        for task in set(state.tasks):
            task.cancel("the service stops")
        # For what is answered, and on its way to callers that read slowly.
        self.config.timeout_graceful_shutdown = max(1, round(ends_at - now()))
        await super().shutdown(sockets)

    async def _tick(self) -> None:
        """Do what uvicorn does ten times a second, and only while it serves."""
        self._ticks += 1
        await self.on_tick(self._ticks)

    def _follow(self, supervisor: socket.socket) -> None:
        """Tell the supervisor that this worker serves, and stop when it is gone: it never writes."""
        loop = asyncio.get_running_loop()

        def gone() -> None:
            loop.remove_reader(supervisor)
            self.handle_exit(signal.SIGTERM, None)

        loop.add_reader(supervisor, gone)
        supervisor.send(READY)

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
