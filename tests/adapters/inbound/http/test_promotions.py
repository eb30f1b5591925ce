"""Who promotes, as HTTP has it."""

import pytest

from tests.adapters.inbound.http.service import BATCH, Service, problem_in


def _by(service: Service) -> str:
    answer = service.client.get("/models/default/promotions").json()
    by: str = answer["promotions"][0]["by"]
    return by


def test_who_promotes_is_what_the_caller_says_and_where_it_calls_from(service: Service) -> None:
    assert service.client.post("/ingest", json={**BATCH, "model_version": "v2"}).status_code == 201
    assert _by(service) == "anonymous@127.0.0.1"

    promoted = service.client.put(
        "/models/default/latest", json={"model_version": "v1"}, headers={"X-Actor": "ada"}
    )

    assert promoted.json() == {"model_name": "default", "model_version": "v1"}
    assert _by(service) == "ada@127.0.0.1"


@pytest.mark.parametrize("actor", ["", "x" * 51, "\xfc"])
def test_a_caller_without_a_name_that_can_be_printed_is_refused(service: Service, actor: str) -> None:
    told = problem_in(
        service.client.put(
            "/models/default/latest",
            json={"model_version": "v1"},
            headers={b"X-Actor": actor.encode("latin-1")},
        )
    )

    assert (told.status, told.detail) == (400, "X-Actor: expected 1 to 50 printable ASCII characters")
