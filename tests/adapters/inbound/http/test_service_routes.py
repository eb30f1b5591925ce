"""What the service says of itself, and what it says to methods and paths that are not there."""

from pathlib import Path

import httpx
import pytest

from tests.adapters.inbound.http.service import Service, problem_in
from tests.http_service import serving
from vehicle_anomaly import __version__
from vehicle_anomaly.container import Container
from vehicle_anomaly.settings import FilesystemStore, Settings

SELF = {"version": __version__, "environment": "development"}


def test_root(service: Service) -> None:
    told = service.client.get("/").json()
    links = told.pop("links")
    assert told == {"name": "vehicle-anomaly", **SELF, "guards": "on"}
    assert {service.client.get(link).status_code for link in links.values()} == {200}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/healthz", {"status": "ok"}),
        ("/health", {"status": "healthy", **SELF}),
        ("/health/ready", {"status": "ready", **SELF, "model_store": "connected", "guards": "on"}),
        ("/models", {"models": ["default"]}),
    ],
)
def test_shape(service: Service, path: str, told: dict[str, str]) -> None:
    response = service.client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == told


def test_callers_see_that_guards_are_off(tmp_path: Path) -> None:
    container = Container(settings=Settings(model_store=FilesystemStore(tmp_path), guards="off"))
    with serving(container.http_app()) as url:
        assert {httpx.get(url + path).json()["guards"] for path in ("/", "/health/ready")} == {"off"}


PATHS = [
    "/",
    "/healthz",
    "/health",
    "/health/ready",
    "/models",
    "/models/default",
    "/models/default/versions/v1",
]


@pytest.mark.parametrize("path", [*PATHS, "/metrics", "/schema", "/schema/openapi.json"])
def test_head_is_get_without_its_body(service: Service, path: str) -> None:
    got, head = service.client.get(path), service.client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/score", {"POST", "OPTIONS"}),
        ("HEAD", "/ingest", {"POST", "OPTIONS"}),
        ("DELETE", "/models/default/versions/v1", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/models/default/latest", {"PUT", "OPTIONS"}),
        ("PATCH", "/", {"GET", "HEAD", "OPTIONS"}),
        ("TRACE", "/healthz", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_another_method(service: Service, method: str, path: str, allowed: set[str]) -> None:
    response = service.client.request(method, path)
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == allowed
    if method != "HEAD":
        assert problem_in(response).detail == f"{path} does not take {method}"
    assert set(service.client.options(path).headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "path", ["/nothing", "/models/default/versions", "/score/one", "/schema/assets/x.js", "/docs"]
)
def test_a_path_that_is_not_there(service: Service, path: str) -> None:
    assert problem_in(service.client.get(path)).detail == f"there is nothing at {path}"


def test_what_serves_is_not_told(service: Service) -> None:
    assert "server" not in service.client.get("/").headers
