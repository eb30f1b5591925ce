"""Offers to go on in another protocol are passed over, and nothing of a request is taken for another one."""

import json
import socket
from itertools import pairwise

import pytest

from tests.adapters.inbound.http.service import READING, Service
from tests.http_service import host_and_port

BODY = json.dumps(READING).encode()
LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"
IN_CHUNKS = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:50], BODY[50:], b""))
OFFERS = {
    "curl --http2": (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
    "a WebSocket": (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"),
    "anything": (b"Connection: keep-alive, upgrade", b"Upgrade: foo/2"),
}
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def _asked(line: bytes, *headers: bytes) -> bytes:
    told = (b"Host: x", b"Content-Type: application/json", *headers)
    return b"".join(b"%b\r\n" % each for each in (line, *told, b""))


def _statuses(answers: bytes) -> list[bytes]:
    return [answers[at + 9 : at + 12] for at in range(len(answers)) if answers.startswith(b"HTTP/1.1 ", at)]


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize(
    ("framing", "body"), [(LENGTH, BODY), (CHUNKED, IN_CHUNKS)], ids=["length", "chunks"]
)
@pytest.mark.parametrize("size", [10_000, 40, 1])
def test_the_body_of_a_request_that_offers_another_protocol_is_its_body(
    service: Service, offer: str, framing: bytes, body: bytes, size: int
) -> None:
    sent = _asked(b"POST /score HTTP/1.1", *OFFERS[offer], framing) + body + HEALTH
    with socket.create_connection(host_and_port(service.url), 30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin, end in pairwise([*range(0, len(sent), size), len(sent)]):
            connection.sendall(sent[begin:end])
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert _statuses(answers) == [b"200", b"200"], answers
    assert b'"anomaly_score"' in answers
    assert answers.endswith(b"}")
    assert b'"healthy"' in answers


@pytest.mark.parametrize("offer", OFFERS)
def test_a_request_without_a_body_is_answered_and_so_is_the_next(service: Service, offer: str) -> None:
    for headers in (OFFERS[offer], (*OFFERS[offer], b"Content-Length: 0")):
        answers = service.exchange(_asked(b"GET /healthz HTTP/1.1", *headers) + HEALTH)
        assert _statuses(answers) == [b"200", b"200"], answers


@pytest.mark.parametrize("line", [b"POST /score HTTP/1.1", b"CONNECT x:1 HTTP/1.1", b"POST /nope HTTP/1.1"])
@pytest.mark.parametrize("offer", OFFERS)
def test_a_body_that_looks_like_a_request_is_none(service: Service, line: bytes, offer: str) -> None:
    headers = (*OFFERS[offer], b"Content-Length: %d" % len(HEALTH))
    with socket.create_connection(host_and_port(service.url), 30) as connection:
        connection.sendall(_asked(line, *headers))
        # As an attacker would: only when the service has taken the head for all there is.
        connection.sendall(HEALTH)
        connection.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert len(_statuses(answers)) == 1
    assert answers.startswith(b"HTTP/1.1 4"), answers
    assert b"healthy" not in answers


@pytest.mark.parametrize("offer", OFFERS)
def test_a_body_behind_a_request_that_is_not_answered_yet_is_read_too(service: Service, offer: str) -> None:
    first = _asked(b"GET /health/ready HTTP/1.1")
    second = _asked(b"POST /score HTTP/1.1", *OFFERS[offer], LENGTH) + BODY
    answers = service.exchange(first + second + second + HEALTH)
    assert _statuses(answers) == [b"200"] * 4, answers
    assert answers.count(b'"anomaly_score"') == 2


def test_who_asks_for_the_connection_to_be_closed_gets_that(service: Service) -> None:
    offer = (b"Connection: close, Upgrade", b"Upgrade: h2c", LENGTH)
    answers = service.exchange(_asked(b"POST /score HTTP/1.1", *offer) + BODY + HEALTH)
    assert _statuses(answers) == [b"200"], answers
