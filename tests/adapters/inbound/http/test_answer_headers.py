"""What goes with every answer, and with every page: OWASP API8:2023, security misconfiguration."""

import pytest

from tests.adapters.inbound.http.service import READING, Service

REPORT = "/models/default/versions/v1/report"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/healthz"),
        ("POST", "/score"),
        ("GET", "/score"),
        ("GET", "/nowhere"),
        ("GET", "/metrics"),
        ("GET", "/schema"),
        ("GET", "/schema/assets/start.js"),
        ("GET", REPORT),
        ("HEAD", "/"),
    ],
)
def test_no_answer_names_the_server_or_lets_its_type_be_guessed(
    service: Service, method: str, path: str
) -> None:
    answer = service.client.request(method, path, json=READING if method == "POST" else None)
    assert "server" not in answer.headers
    assert "x-powered-by" not in answer.headers
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


def test_what_is_no_http_learns_no_more(service: Service) -> None:
    answered = service.exchange(b"HELO\r\n\r\n")
    assert b"x-content-type-options: nosniff" in answered.lower()
    assert b"server:" not in answered.lower()
    assert b"uvicorn" not in answered.lower()


@pytest.mark.parametrize("path", ["/schema", REPORT])
def test_pages_load_nothing_from_elsewhere_and_are_shown_in_no_frame(service: Service, path: str) -> None:
    policy = service.client.get(path).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "http" not in policy
    assert service.client.get(path).headers["referrer-policy"] == "no-referrer"


def test_the_documentation_page_needs_no_inline_script_or_style(service: Service) -> None:
    page = service.client.get("/schema").text
    assert "<script>" not in page
    assert "<style" not in page
    assert "style=" not in page
