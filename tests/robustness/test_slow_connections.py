"""Connections whose headers or bodies drip, many at once: other callers wait at most twice as long."""

import socket
import statistics
import threading
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from time import monotonic, perf_counter

import pytest

from tests.adapters.inbound.http.service import READING
from tests.http_service import host_and_port
from tests.robustness.served import Served, served

# A request that says how long its body is and never sends it, one whose headers never end, and a stream.
BEGINNINGS = (
    b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
    b"POST /score HTTP/1.1\r\nHost: x\r\nX-Long: ",
    b"POST /score/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
    b"Content-Length: 100000\r\n\r\n{",
)


class Drippers:
    """Connections that send a byte a second each, and are opened again when the service closes them."""

    def __init__(self, url: str, count: int) -> None:
        self._address = host_and_port(url)
        self._beginnings = cycle(BEGINNINGS)
        self._connections = [self._opened() for _ in range(count)]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._drip, name="drippers")
        self.hung_up = threading.Event()

    def __enter__(self) -> "Drippers":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        for connection in self._connections:
            connection.close()

    def _opened(self) -> socket.socket:
        connection = socket.create_connection(self._address, 60)
        connection.sendall(next(self._beginnings))
        return connection

    def _drip(self) -> None:
        while True:
            for position, connection in enumerate(self._connections):
                try:
                    connection.send(b"x")
                except OSError:
                    connection.close()
                    self._connections[position] = self._opened()
                    self.hung_up.set()
            if self._stopped.wait(1.0):
                return


def p99(service: Served, seconds: float) -> float:
    """Return how long 99 of 100 scores take at most, one after the other."""
    took: list[float] = []
    began = monotonic()
    while monotonic() - began < seconds or len(took) < 100:
        sent = perf_counter()
        response = service.client.post("/score", json=READING)
        took.append(perf_counter() - sent)
        assert response.status_code == 200
    return statistics.quantiles(took, n=100)[98]


# On a machine that does other things too, the short form bears much more.
@pytest.mark.parametrize(
    ("connections", "seconds", "factor", "pause"),
    [(100, 2, 10, 2.0), pytest.param(1000, 120, 2, 0.0, marks=[pytest.mark.soak, pytest.mark.timeout(900)])],
)
def test_other_callers_hardly_notice(
    tmp_path: Path, connections: int, seconds: int, factor: int, pause: float
) -> None:
    limits = {"HEADER_SECONDS": "1", "BODY_SECONDS": "1"} if pause else {}
    with ExitStack() as running:
        service = running.enter_context(
            served(tmp_path, MAX_CONCURRENT_REQUESTS=str(connections + 100), **limits)
        )
        p99(service, 1)
        alone = p99(service, min(seconds, 20))
        drippers = running.enter_context(Drippers(service.url, connections))
        beside = p99(service, seconds)
        assert drippers.hung_up.wait(60), "nobody was hung up on"
    assert beside <= factor * alone + pause
