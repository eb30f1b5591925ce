"""The documentation page: all of it from the service itself."""

import re

import pytest

from tests.adapters.inbound.http.service import Service, problem_in


def test_the_page_loads_nothing_from_outside(service: Service) -> None:
    page = service.client.get("/schema")
    assert page.headers["content-type"].startswith("text/html")
    linked = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert [link for link in linked if not link.startswith(("/schema/", "data:"))] == []
    assert "//" not in page.text.replace("<!DOCTYPE html>", "")


@pytest.mark.parametrize(
    ("asset", "media_type"),
    [
        ("start.js", "text/javascript"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
    ],
)
def test_assets(service: Service, asset: str, media_type: str) -> None:
    assert f"/schema/assets/{asset}" in service.client.get("/schema").text
    response = service.client.get(f"/schema/assets/{asset}")
    assert response.headers["content-type"].startswith(media_type)
    assert response.content
    assert "max-age" in response.headers["cache-control"]


@pytest.mark.parametrize(
    "name", ["..%2f", "..%2f..%2fsetup.py", "%2e%2e", "....//x", "%2fetc%2fpasswd", "start.js%00", "START.JS"]
)
def test_nothing_else_is_handed_out(service: Service, name: str) -> None:
    assert problem_in(service.client.get(f"/schema/assets/{name}")).status == 404
