"""ALLOWED_HOSTS and CORS_ORIGINS."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapters.inbound.http.service import Service, problem_in, reading, running
from tests.http_service import host_and_port
from vehicle_anomaly.adapters.inbound.http.cross_origin import OFFERED, CrossOrigin
from vehicle_anomaly.adapters.inbound.http.metrics import RequestMetrics
from vehicle_anomaly.adapters.inbound.http.openapi import openapi_document
from vehicle_anomaly.adapters.inbound.http.watching import watching

ORIGIN = "https://app.example.org"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    hosts = ("api.example.org", "*.fleet.example", "[::1]", "127.0.0.1")
    with running(tmp_path_factory.mktemp("store"), allowed_hosts=hosts, cors_origins=(ORIGIN,)) as service:
        yield service


@pytest.mark.parametrize(
    "host",
    [
        "api.example.org",
        "api.example.org:8000",
        "API.example.ORG",
        "a.fleet.example",
        "a.b.fleet.example:1",
        "[::1]",
        "[::1]:8000",
        "127.0.0.1",
    ],
)
def test_a_host_that_is_allowed(guarded: Service, host: str) -> None:
    assert guarded.client.get("/models", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "xapi.example.org",
        "api.example.org.evil.example",
        "fleet.example",
        "xfleet.example",
        "::1",
        "",
        ":8000",
        "api.example.org:80:80",
        "evil.example:api.example.org",
    ],
)
def test_another_host(guarded: Service, host: str) -> None:
    told = problem_in(guarded.client.get("/models", headers={"host": host}))
    assert told.status == 400
    assert "host" in told.detail.lower()


def test_browsers_ask_no_other_host_either(guarded: Service) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "GET"}
    refused = guarded.client.options("/models", headers={"host": "evil.example", **asked})
    assert problem_in(refused).type.endswith(":foreign-host")
    assert guarded.client.options("/models", headers={"host": "api.example.org", **asked}).status_code == 204


def test_two_hosts(guarded: Service) -> None:
    for second in (b"evil.example", b"127.0.0.1"):
        sent = b"GET /models HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % second
        answered = guarded.exchange(sent)
        assert answered.startswith(b"HTTP/1.1 400 ")
        assert b"expected one, got several" in answered


def test_no_host(guarded: Service) -> None:
    answered = guarded.exchange(b"GET /models HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answered


@pytest.mark.parametrize("path", ["/healthz", "/health", "/health/ready", "/health/ready/"])
def test_health_is_told_to_any_host(guarded: Service, path: str) -> None:
    assert guarded.client.get(path, headers={"host": "10.0.3.17:8000"}).status_code == 200


def test_any_host_when_none_is_set_or_all_are(
    service: Service, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert service.client.get("/models", headers={"host": "elsewhere.example"}).status_code == 200
    with running(tmp_path_factory.mktemp("store"), allowed_hosts=("*",)) as open_to_all:
        assert open_to_all.client.get("/models", headers={"host": "elsewhere.example"}).status_code == 200


def test_a_browser_may_call_from_an_origin_that_is_set(guarded: Service) -> None:
    asked = {
        "origin": ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    preflight = guarded.client.options("/score", headers=asked)
    assert preflight.is_success
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in preflight.headers["access-control-allow-methods"]
    answer = guarded.client.get("/models", headers={"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["vary"] == "Accept, Origin"


def test_a_browser_reads_refusals_too(guarded: Service) -> None:
    refused = guarded.client.post("/score", content=b"{", headers={"origin": ORIGIN})
    assert refused.status_code == 400
    assert refused.headers["access-control-allow-origin"] == ORIGIN
    assert (
        guarded.client.get("/x", headers={"origin": ORIGIN}).headers["access-control-allow-origin"] == ORIGIN
    )


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://app.example.org", f"{ORIGIN}.evil.example", "null"]
)
def test_a_browser_may_not_call_from_another(guarded: Service, origin: str) -> None:
    preflight = guarded.client.options(
        "/score", headers={"origin": origin, "access-control-request-method": "POST"}
    )
    told = problem_in(preflight)
    assert (told.status, told.type.rpartition(":")[2]) == (400, "foreign-origin")
    assert preflight.headers["vary"] == "Origin"
    for answer in (preflight, guarded.client.get("/models", headers={"origin": origin})):
        assert "access-control-allow-origin" not in answer.headers


def test_no_origin_is_let_in_when_none_is_set(service: Service) -> None:
    answer = service.client.get("/models", headers={"origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_what_a_browser_may_send_is_said_and_no_more_than_there_is(guarded: Service) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "PUT"}
    preflight = guarded.client.options("/models/default/latest", headers=asked)
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert _listed(preflight, "allow-methods") == {"GET", "HEAD", "POST", "PUT"}
    needed = {"authorization", "content-type", "traceparent", "x-api-key", "x-actor"}
    assert needed <= _listed(preflight, "allow-headers")
    assert "access-control-allow-credentials" not in preflight.headers


def test_the_methods_that_are_offered_are_those_of_the_document() -> None:
    paths = openapi_document("1")["paths"].values()
    assert {method.upper() for path in paths for method in path} | {"HEAD"} == set(OFFERED)


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "post", "x" * 1000])
def test_a_method_that_nothing_takes_is_not_offered(guarded: Service, method: str) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": method}
    told = problem_in(guarded.client.options("/score", headers=asked))
    assert (told.status, told.type.rpartition(":")[2]) == (400, "method-not-offered")
    assert len(told.detail) < 200


def test_options_that_ask_nothing_of_origins_are_answered_by_the_route(guarded: Service) -> None:
    answer = guarded.client.options("/score", headers={"origin": ORIGIN})
    assert (answer.status_code, answer.headers["allow"]) == (204, "OPTIONS, POST")
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_a_page_may_read_the_headers_that_are_answered(guarded: Service) -> None:
    answer = guarded.client.get("/models", headers={"origin": ORIGIN})
    assert {"Retry-After", "WWW-Authenticate", "Model-Name"} <= _listed(answer, "expose-headers")


@pytest.mark.parametrize("origin", [{}, {"origin": "https://evil.example"}])
def test_caches_are_told_that_answers_differ_by_origin(guarded: Service, origin: dict[str, str]) -> None:
    assert "Origin" in guarded.client.get("/models", headers=origin).headers["vary"]


def test_one_answer_is_for_all_where_all_may_call(tmp_path: Path) -> None:
    with running(tmp_path, cors_origins=("*",)) as open_to_all:
        answer = open_to_all.client.get("/models", headers={"origin": "https://any.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["vary"] == "Accept"


def test_answers_that_are_made_ahead_of_the_routes_can_be_read(tmp_path: Path) -> None:
    """Too large a body, a host that is not served, and one request too many."""
    settings: dict[str, Any] = {
        "allowed_hosts": ("127.0.0.1",),
        "max_body_bytes": 1000,
        "max_concurrent_requests": 1,
    }
    sent = {"origin": ORIGIN}
    with running(tmp_path, cors_origins=(ORIGIN,), **settings) as service:
        large = service.post("/ingest", bytes(1001), **sent)
        foreign = service.client.get("/models", headers={**sent, "host": "evil.example"})
        with _open_stream(service):
            shed = service.client.get("/models", headers=sent)
            asked = {**sent, "access-control-request-method": "GET"}
            preflight = service.client.options("/models", headers=asked)
    assert [answer.status_code for answer in (large, foreign, shed, preflight)] == [413, 400, 503, 204]
    for answer in (large, foreign, shed, preflight):
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "Origin" in answer.headers["vary"]
    assert "Retry-After" in _listed(shed, "expose-headers")


def test_the_answer_to_a_request_that_is_broken_off_can_be_read() -> None:
    """As uvicorn does at the end of the drain."""

    async def broken_off(*_: Any) -> Any:
        raise asyncio.CancelledError

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    metrics = RequestMetrics()
    app = CrossOrigin((ORIGIN,)).shown(watching(broken_off, metrics.active, metrics.count, None))
    scope: Any = {"type": "http", "method": "POST", "headers": [(b"origin", ORIGIN.encode())]}

    async def call() -> None:
        await app(scope, broken_off, send)

    asyncio.run(call())
    assert sent[0]["status"] == 503
    assert (b"access-control-allow-origin", ORIGIN.encode()) in sent[0]["headers"]


def _listed(answer: httpx.Response, name: str) -> set[str]:
    return set(answer.headers[f"access-control-{name}"].split(", "))


@contextmanager
def _open_stream(service: Service) -> Iterator[None]:
    """Have a stream of lines open that has been answered so far, and is not at its end."""
    line = reading() + b"\n"
    head = b"POST /score/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
    with socket.create_connection(host_and_port(service.url), 30) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(line), line))
        answered = b""
        while b"anomaly_score" not in answered:
            answered += connection.recv(65536)
        yield
        connection.sendall(b"0\r\n\r\n")
        while connection.recv(65536)[-5:] != b"0\r\n\r\n":
            pass
