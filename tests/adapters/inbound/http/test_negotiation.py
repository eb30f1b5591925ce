"""In which encoding an answer goes."""

import pytest

from tests.adapters.inbound.http.service import READING, Service


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/msgpack", "application/msgpack"),
        ("APPLICATION/MSGPACK", "application/msgpack"),
        ("application/json, application/msgpack;q=0.1", "application/json"),
        ("application/msgpack, application/json;q=0.1", "application/msgpack"),
        ("application/msgpack;q=0, application/json", "application/json"),
        ("text/html", "application/json"),
        ("nonsense;;q=x", "application/json"),
        ("a/b;q=inf", "application/json"),
        ("application/msgpack;q=1e400", "application/json"),
        ("application/msgpack;q=-inf, */*", "application/json"),
        ("application/json;q=nan", "application/json"),
    ],
)
def test_the_answer_is_what_the_caller_likes_best(service: Service, accept: str, answered: str) -> None:
    response = service.client.get("/healthz", headers={"Accept": accept})
    assert (response.status_code, response.headers["Content-Type"]) == (200, answered)
    assert response.headers["Vary"] == "Accept"


def test_a_weight_beyond_all_numbers_is_no_weight_for_what_changes_things_either(service: Service) -> None:
    headers = {"Accept": "a/b;q=inf"}
    assert service.client.post("/score", json=READING, headers=headers).status_code == 200
    promoted = {"model_version": "v1"}
    assert service.client.put("/models/default/latest", json=promoted, headers=headers).status_code == 200
