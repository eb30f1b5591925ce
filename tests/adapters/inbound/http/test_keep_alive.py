"""How long a connection lives on which nothing is asked."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.service_process import service_process

SECONDS = 60


@contextmanager
def idle_connection(store: Path, keep_alive_seconds: int) -> Iterator[socket.socket]:
    """Yield a connection on which one request has been answered."""
    with service_process(store, KEEP_ALIVE_SECONDS=str(keep_alive_seconds)) as url:
        where = urlsplit(url)
        assert where.hostname
        with socket.create_connection((where.hostname, where.port or 0), timeout=SECONDS) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
            assert b"200" in connection.recv(4096)
            yield connection


def read_to_the_end(connection: socket.socket) -> bytes:
    rest = b""
    while some := connection.recv(4096):
        rest += some
    return rest


def test_an_idle_connection_is_closed_after_the_time_that_is_set(tmp_path: Path) -> None:
    with idle_connection(tmp_path, 1) as connection:
        assert b"HTTP/1.1" not in read_to_the_end(connection)


def test_an_idle_connection_is_kept_until_then(tmp_path: Path) -> None:
    """A load balancer that keeps its own for longer would send into one that is being closed."""
    with idle_connection(tmp_path, 60) as connection:
        # uvicorn's own time is 5 seconds.
        connection.settimeout(6)
        with pytest.raises(TimeoutError):
            read_to_the_end(connection)
