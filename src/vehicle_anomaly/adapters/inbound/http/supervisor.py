"""Several processes that serve one port, and the one that keeps them running."""

import os
import selectors
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from vehicle_anomaly.adapters.inbound.http.listeners import listeners, urls
from vehicle_anomaly.adapters.inbound.http.metrics import forget_worker
from vehicle_anomaly.adapters.inbound.http.run_folder import run_folder
from vehicle_anomaly.adapters.inbound.http.worker_link import READY, SHARED_FOLDER

_log = structlog.get_logger(__name__)

# What ends before it serves would most likely do so for ever.
_MOST_FAILED_STARTS: Final = 3


class WorkersFailed(Exception):
    """Workers do not start, or did not end as they should."""


@dataclass(frozen=True, slots=True, eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    link: socket.socket


@dataclass(frozen=True, slots=True)
class _Inherited:
    """What every worker has of the supervisor.

    Attributes:
        listening: Sockets on which it accepts connections.
        environment: Its variables.
        lock: A descriptor of which it needs not know: the folder of this run stays as long as it lives.
    """

    listening: Sequence[socket.socket]
    environment: Mapping[str, str]
    lock: int


class Supervisor:
    """Starts workers, replaces those that die, and stops them all when it is told to stop.

    The workers are processes of their own that inherit the listening sockets. What else they share none of
    them can change (ADR 37), so what kills one leaves the others alone. If the supervisor dies, they end as
    at SIGTERM.
    """

    def __init__(self, host: str, port: int, n_workers: int, command: Sequence[str]) -> None:
        """Serve an address.

        Args:
            host: Address to listen on.
            port: Port to listen on; 0 takes a free one.
            n_workers: Processes that serve, at least 1.
            command: Starts a worker; the descriptors of its sockets are added (`WorkerLink.of`).
        """
        self._host, self._port = host, port
        self._n_workers = n_workers
        self._command = tuple(command)
        self._selector = selectors.DefaultSelector()
        self._workers: dict[socket.socket, _Worker] = {}
        self._failed_starts = 0
        self._ready: set[socket.socket] = set()
        self._stopping = False
        self._failure: str | None = None

    def run(self) -> None:
        """Serve until told to stop by SIGTERM or SIGINT, and until every worker has finished.

        Raises:
            OSError: The address cannot be listened on; its `filename` names it.
            WorkersFailed: Workers do not start, or one failed while it stopped.
        """
        with ExitStack() as opened:
            listening = listeners(self._host, self._port)
            for each in listening:
                opened.enter_context(each)
            opened.enter_context(self._selector)
            folder = opened.enter_context(run_folder())
            # prometheus_client's own: each worker counts in files of this folder, and any of them can sum up.
            counts, shared = folder.made("metrics"), folder.made("shared")
            environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": counts, SHARED_FOLDER: shared}
            inherited = _Inherited(listening, environment, folder.lock)
            signals = opened.enter_context(_signals())
            self._selector.register(signals, selectors.EVENT_READ)
            opened.callback(self._kill)
            for _ in range(self._n_workers):
                self._start(inherited)
            announced = False
            while self._workers:
                for key, _ in self._selector.select():
                    if key.fileobj is signals:
                        self._stop(signals.recv(64))
                    elif isinstance(key.data, _Worker):
                        self._hear(key.data, inherited)
                if not announced and len(self._ready) == self._n_workers:
                    announced = True
                    for url in urls(listening):
                        _log.info("listening", url=url, workers=self._n_workers)
        if self._failure is not None:
            raise WorkersFailed(self._failure)

    def _start(self, inherited: _Inherited) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            descriptors = [theirs.fileno(), *(each.fileno() for each in inherited.listening)]
            process = subprocess.Popen(  # noqa: S603  # the command is this program's own
                (*self._command, *map(str, descriptors)),
                pass_fds=(*descriptors, inherited.lock),
                env=inherited.environment,
                # A terminal's ^C is for the supervisor, which tells them.
                process_group=0,
            )
        worker = self._workers[ours] = _Worker(process, ours)
        self._selector.register(ours, selectors.EVENT_READ, worker)

    def _hear(self, worker: _Worker, inherited: _Inherited) -> None:
        try:
            said = worker.link.recv(1)
        except ConnectionError:
            said = b""
        if said == READY:
            self._failed_starts = 0
            self._ready.add(worker.link)
            _log.info("worker ready", worker=worker.process.pid)
            return
        self._selector.unregister(worker.link)
        worker.link.close()
        del self._workers[worker.link]
        served = worker.link in self._ready
        self._ready.discard(worker.link)
        status = worker.process.wait()
        if self._stopping:
            # One that had not begun to serve had nothing to finish, and may not know of the signal yet.
            if status != 0 and served and self._failure is None:
                self._failure = f"a worker failed while it stopped, with status {status}"
            return
        forget_worker(worker.process.pid, inherited.environment["PROMETHEUS_MULTIPROC_DIR"])
        _log.warning("worker ended", worker=worker.process.pid, status=status)
        self._failed_starts += not served
        if self._failed_starts >= _MOST_FAILED_STARTS:
            self._failure = (
                f"workers do not start: {self._failed_starts} in a row ended before they served, the last "
                f"with status {status}"
            )
            self._stop(bytes([signal.SIGTERM]))
            return
        self._start(inherited)

    def _stop(self, numbers: bytes) -> None:
        self._stopping = True
        for number in numbers:
            for worker in self._workers.values():
                worker.process.send_signal(number)

    def _kill(self) -> None:
        # Only after a failure of the supervisor itself is anybody left.
        for worker in self._workers.values():
            worker.process.kill()
            worker.process.wait()
            worker.link.close()


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Yield a socket from which the numbers of SIGTERM and SIGINT are read as they come."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        handlers = {
            number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)
        }
        before = signal.set_wakeup_fd(writer.fileno())
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
