"""`/metrics`, read as Prometheus reads it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.adapters.inbound.http.service import BATCH, READING, Service, answers, reading, running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Service]:
    """Run a service that nobody has called."""
    with running(tmp_path, max_body_bytes=10_000, allowed_hosts=("127.0.0.1",)) as service:
        yield service


def _samples(service: Service) -> list[Sample]:
    families = text_string_to_metric_families(service.client.get("/metrics").text)
    return [sample for family in families for sample in family.samples]


def test_every_answer_is_counted_with_its_status(fresh: Service) -> None:
    fresh.client.post("/score", json=READING)
    fresh.client.post("/score", json=READING)
    fresh.post("/score", b"{")
    fresh.post("/score", reading(model_name="vans"))
    fresh.post("/score", bytes(20_000))
    fresh.post("/score", reading(), content_type="text/plain")
    fresh.post("/score", reading(), host="elsewhere.example")
    assert answers(fresh, "/score") == {"200": 2, "400": 2, "404": 1, "413": 1, "415": 1}
    fresh.client.post("/ingest", json={**BATCH, "model_version": "v1"})
    assert answers(fresh, "/ingest") == {"409": 1}


def test_a_refused_body_of_a_closed_connection_is_counted_once(fresh: Service) -> None:
    head = b"POST /score HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 20000\r\n\r\n"
    assert fresh.exchange(head + bytes(20_000)).startswith(b"HTTP/1.1 413 ")
    assert answers(fresh, "/score") == {"413": 1}


def test_routes_are_templates_and_nobody_makes_up_labels(fresh: Service) -> None:
    for path in (
        "/models/a",
        "/models/b",
        "/models/default/versions/v1",
        "/made-up/1",
        "/made-up/2",
        "/models/%ff",
    ):
        fresh.client.get(path)
    fresh.client.request("MADEUP", "/score")
    fresh.client.delete("/score")
    labels = [sample.labels for sample in _samples(fresh) if sample.name.endswith("_count")]
    routes = {each["http_route"] for each in labels}
    # What no route takes has none, and all of it is one.
    assert routes == {"/models/{name}", "/models/{name}/versions/{version}", "/score", ""}
    # Only methods that HTTP knows get as far as the application.
    assert {each["http_request_method"] for each in labels} == {"GET", "DELETE"}


def test_durations(fresh: Service) -> None:
    fresh.client.get("/healthz")
    samples = _samples(fresh)
    assert {sample.name for sample in samples} == {
        f"http_server_request_duration_seconds_{part}" for part in ("bucket", "sum", "count")
    }
    (total,) = [s.value for s in samples if s.name.endswith("_sum") and s.labels["http_route"] == "/healthz"]
    assert 0 < total < 60


def test_the_content_type_is_prometheus_own(fresh: Service) -> None:
    headers = fresh.client.get("/metrics").headers.get_list("content-type")
    assert headers == ["text/plain; version=1.0.0; charset=utf-8"]
