"""Callers that leave, and bytes that are no HTTP: the service goes on, and has not failed."""

import socket
import time

import pytest

from tests.adapters.inbound.http.service import Service, answers, reading
from tests.http_service import host_and_port

HEAD = b"POST /score HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: 1000\r\n\r\n",
        HEAD + b"Content-Length: 1000\r\n\r\n" + reading()[:40],
        HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"veh\r\n',
        HEAD + b"Connection: close\r\nContent-Length: 1000\r\n\r\n{",
    ],
)
@pytest.mark.parametrize("politely", [True, False])
def test_a_caller_that_leaves_in_the_middle_of_a_body(service: Service, sent: bytes, politely: bool) -> None:
    before = answers(service, "/score")
    with socket.create_connection(host_and_port(service.url), 30) as connection:
        if not politely:
            # Close with a reset, as a caller does that is killed.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.sendall(sent)
    until = time.monotonic() + 30
    while (after := answers(service, "/score")) == before:
        assert time.monotonic() < until, "the request was never finished"
    assert after == before | {"400": before.get("400", 0) + 1}
    assert service.still_scores()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /models/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n{}",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}    ",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
        b"GET /models/a%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
)
def test_what_is_hardly_http(service: Service, sent: bytes) -> None:
    answered = service.exchange(sent)
    assert not answered.startswith(b"HTTP/1.1 5")
    assert service.still_scores()
