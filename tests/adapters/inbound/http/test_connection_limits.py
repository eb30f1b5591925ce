"""Callers that send too much ahead of a body, too slowly, or no HTTP at all; and too many at once."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPResponse
from time import monotonic
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.adapters.inbound.http.service import BATCH, READING, Service, answers, problem_in, running
from tests.http_service import host_and_port
from tests.queues import wait_until
from vehicle_anomaly.adapters.inbound.wire.problems import TYPE_PREFIX

SECONDS = 1.0
BODY = json.dumps(READING).encode()


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    limits: dict[str, Any] = {
        "max_header_bytes": 4096,
        "max_headers": 20,
        "header_seconds": SECONDS,
        "body_seconds": SECONDS,
    }
    with running(tmp_path_factory.mktemp("store"), **limits) as service:
        yield service


def head(*headers: str, target: str = "/score", method: str = "POST") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def told(service: Service, sent: bytes) -> tuple[int, str]:
    """Send bytes and nothing more; return the status and the kind of problem that end the connection."""
    with socket.create_connection(host_and_port(service.url), 30) as connection:
        connection.sendall(sent)
        return _ending(connection)


def _ending(connection: socket.socket) -> tuple[int, str]:
    with closing(HTTPResponse(connection)) as response:
        response.begin()
        problem = json.loads(response.read())
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["connection"] == "close"
        assert problem["status"] == response.status
        kind: str = problem["type"].removeprefix(TYPE_PREFIX)
        assert connection.recv(1) == b""
        return response.status, kind


@pytest.mark.parametrize(
    ("sent", "status", "kind"),
    [
        (head("X: " + "x" * 5000), 431, "headers-too-large"),
        (head(target="/score?" + "x" * 5000), 431, "headers-too-large"),
        (head()[:-2] + b"X: " + b"x" * 300_000, 431, "headers-too-large"),
        (b"POST /" + b"x" * 300_000, 431, "headers-too-large"),
        (head(*(f"X-{number}: 1" for number in range(20))), 431, "too-many-headers"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100, 400, "not-http"),
        (b"HELO example.org\r\n\r\n", 400, "not-http"),
        (head("Content-Length: 5", "Transfer-Encoding: chunked"), 400, "not-http"),
        (head()[:20], 408, "too-slow"),
        (b"\r\n", 408, "too-slow"),
        (head("Content-Length: 100") + b"{", 408, "too-slow"),
        (head("Transfer-Encoding: chunked") + b"1\r\n{\r\n", 408, "too-slow"),
    ],
)
def test_what_is_refused_before_it_is_a_request(
    bounded: Service, sent: bytes, status: int, kind: str
) -> None:
    before = _refused_connections(bounded, status)
    with capture_logs() as log:
        assert told(bounded, sent) == (status, kind)
    refused = [line for line in log if line["event"] == "connection refused"]
    assert [(line["status"], line["problem"]) for line in refused] == [(status, kind)]
    assert _refused_connections(bounded, status) == before + 1
    assert bounded.still_scores()


def _refused_connections(service: Service, status: int) -> float:
    counted = service.container.registry().get_sample_value(
        "http_server_connections_refused_total", {"http_response_status_code": str(status)}
    )
    return counted or 0.0


def test_as_much_as_there_may_be_is_taken(bounded: Service) -> None:
    headers = {f"x-{number}": "x" * 200 for number in range(10)}
    assert bounded.client.post("/score", json=READING, headers=headers).status_code == 200
    # A large body is no header.
    assert bounded.client.post("/score", content=BODY + b" " * 100_000).status_code == 200


# The first of two types is that of the body.
STREAM_TOO = head("Content-Type: application/x-ndjson", "Content-Length: 1000", target="/score/batch")


@pytest.mark.parametrize(
    "first", [head()[:-2] + b"X: ", head("Content-Length: 1000") + b"{", STREAM_TOO + b"{", b"\r\n"]
)
def test_dripping_gains_no_time(bounded: Service, first: bytes) -> None:
    with socket.create_connection(host_and_port(bounded.url), 30) as connection:
        connection.settimeout(0.05)
        began, last = monotonic(), b""
        connection.sendall(first)
        while True:
            assert monotonic() - began < 20
            try:
                last = connection.recv(65536)
                break
            except TimeoutError:
                connection.sendall(b"\r\n" if first == b"\r\n" else b"x")
        assert b" 408 " in last
        assert monotonic() - began > SECONDS


def test_an_answered_caller_that_drips_its_body_is_hung_up_on(bounded: Service) -> None:
    with socket.create_connection(host_and_port(bounded.url), 30) as connection:
        connection.sendall(head("Content-Length: 1000", target="/nowhere") + b"{")
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 404 ")
    assert received.count(b"HTTP/1.1") == 1


def test_a_connection_on_which_nothing_comes_is_closed_without_a_word(bounded: Service) -> None:
    with socket.create_connection(host_and_port(bounded.url), 30) as connection:
        assert connection.recv(1) == b""


def test_a_connection_is_kept_between_requests(bounded: Service) -> None:
    with socket.create_connection(host_and_port(bounded.url), 30) as connection:
        for _ in range(2):
            connection.sendall(head(f"Content-Length: {len(BODY)}") + BODY)
            response = HTTPResponse(connection)
            response.begin()
            assert response.status == 200
            response.read()
            began = monotonic()
            connection.settimeout(2.5 * SECONDS)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            assert monotonic() - began > 2 * SECONDS


def test_what_stands_behind_a_body_is_no_header(bounded: Service) -> None:
    chunks = b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
    sent = head("Transfer-Encoding: chunked", "Connection: close") + chunks
    plain = bounded.exchange(sent + b"\r\n")
    assert plain.startswith(b"HTTP/1.1 200 ")
    assert b"application/json" in plain
    trailing = bounded.exchange(sent + b"Accept: application/msgpack\r\nContent-Encoding: gzip\r\n\r\n")
    assert trailing.startswith(b"HTTP/1.1 200 ")
    assert b"application/json" in trailing


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "Application/X-NDJSON ; charset=utf-8"])
def test_a_stream_may_take_as_long_as_it_likes_while_something_comes(
    bounded: Service, content_type: str
) -> None:
    line = BODY + b"\n"
    with socket.create_connection(host_and_port(bounded.url), 30) as connection:
        connection.sendall(
            b"POST /score/batch HTTP/1.1\r\nHost: x\r\nContent-Type: %b\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" % content_type.encode()
        )
        began, n_lines, received = monotonic(), 0, b""
        connection.settimeout(30)
        while monotonic() - began < 3 * SECONDS:
            connection.sendall(b"%x\r\n%b\r\n" % (len(line), line))
            n_lines += 1
            while received.count(b'"anomaly_score"') < n_lines:
                received += connection.recv(65536)
        connection.sendall(b"0\r\n\r\n")
        while not received.endswith(b"0\r\n\r\n"):
            received += connection.recv(65536)
    assert received.count(b'"anomaly_score"') == n_lines


class _Held:
    """A store that does not answer until it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.go = threading.Event()

    def __call__(self, *_: Any) -> Any:
        self.asked.release()
        assert self.go.wait(30)
        return []


def test_more_requests_than_there_may_be_are_shed(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path_factory.mktemp("store"), max_concurrent_requests=2) as service:
        held = _Held()
        monkeypatch.setattr(service.container.models(), "names", held)
        statuses: list[int] = []
        waiting = [
            threading.Thread(target=lambda: statuses.append(service.client.get("/models").status_code))
            for _ in range(2)
        ]
        for thread in waiting:
            thread.start()
        for _ in waiting:
            assert held.asked.acquire(timeout=30)
        shed = service.client.post("/score", json=READING)
        assert problem_in(shed).type == f"{TYPE_PREFIX}overloaded"
        assert (shed.status_code, shed.headers["retry-after"]) == (503, "1")
        for path in ("/healthz", "/health", "/health/ready"):
            assert service.client.get(path).status_code == 200
        held.go.set()
        for thread in waiting:
            thread.join()
        assert statuses == [200, 200], "what was accepted is answered"
        assert service.still_scores()
        # Shed ahead of the router, so without a route.
        assert answers(service, "")["503"] == 1


def test_who_asks_whether_a_store_that_hangs_is_there_takes_neither_places_nor_threads(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_askers = 100  # more than there are threads
    with running(tmp_path_factory.mktemp("store"), max_concurrent_requests=2) as service:
        held = _Held()
        monkeypatch.setattr(service.container.models(), "check", held)
        ask = b"GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        asking = [socket.create_connection(host_and_port(service.url), 60) for _ in range(n_askers)]
        for each in asking:
            each.sendall(ask)
        # Gone before there is an answer, for whom nobody waits then.
        asking[0].close()
        assert held.asked.acquire(timeout=30)
        active = service.container.registry().get_sample_value
        wait_until(lambda: (active("http_server_active_requests") or 0) >= n_askers - 1)
        assert service.still_scores()
        batch = service.client.post("/score/batch", json=BATCH)
        assert batch.status_code == 200, "what takes a thread is done"
        held.go.set()
        for each in asking[1:]:
            with each:
                assert each.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert not held.asked.acquire(blocking=False), "one look was enough"
        assert service.client.get("/health/ready").status_code == 200
        assert held.asked.acquire(blocking=False), "who asks later is told what is so by then"


def test_a_store_that_hangs_does_not_keep_from_telling_that_the_service_stops(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path_factory.mktemp("store")) as service:
        held = _Held()
        monkeypatch.setattr(service.container.models(), "check", held)
        told: list[tuple[int, str]] = []

        def ask() -> None:
            ready = service.client.get("/health/ready")
            told.append((ready.status_code, ready.json()["status"]))

        asking = threading.Thread(target=ask)
        asking.start()
        assert held.asked.acquire(timeout=30)
        service.container.stopping().is_told = True
        asking.join(20)
        ask()
        assert told == [(503, "stopping")] * 2
        assert not held.asked.acquire(blocking=False), "the store is not asked any more"
        held.go.set()


def test_who_is_refused_and_drips_takes_no_place(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its connection is to be closed, so that the rest of its body is read first: by nobody who counts."""
    with running(tmp_path_factory.mktemp("store"), max_concurrent_requests=2) as service:
        sent = head("Content-Length: 1000", "Connection: close", target="/nowhere") + b"{"
        dripping = [socket.create_connection(host_and_port(service.url), 30) for _ in range(5)]
        for each in dripping:
            each.sendall(sent)
            assert each.recv(1000).startswith(b"HTTP/1.1 404 ")
        assert service.still_scores()
        assert service.container.registry().get_sample_value("http_server_active_requests") == 0
        for each in dripping:
            each.sendall(b" " * 999)
            while each.recv(1000):
                pass
            each.close()


@pytest.mark.parametrize("path", ["/healthz/", "//health", "/health/ready/"])
def test_health_is_answered_however_many_slashes_there_are(
    tmp_path_factory: pytest.TempPathFactory, path: str
) -> None:
    with running(tmp_path_factory.mktemp("store"), max_concurrent_requests=1) as service:
        service.container.stopping().refuses = True
        answered = service.exchange(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert answered.startswith(b"HTTP/1.1 200 ")
        refused = service.client.get("/models")
        assert problem_in(refused).type == f"{TYPE_PREFIX}stopping"
