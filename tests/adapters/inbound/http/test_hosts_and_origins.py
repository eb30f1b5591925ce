"""ALLOWED_HOSTS and CORS_ORIGINS."""

from collections.abc import Iterator

import pytest

from tests.adapters.inbound.http.service import Service, problem_in, running

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
    assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
    answer = guarded.client.get("/models", headers={"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["vary"] == "Origin"


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
    assert preflight.status_code == 400
    for answer in (preflight, guarded.client.get("/models", headers={"origin": origin})):
        assert "access-control-allow-origin" not in answer.headers


def test_no_origin_is_let_in_when_none_is_set(service: Service) -> None:
    answer = service.client.get("/models", headers={"origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith("access-control")]
