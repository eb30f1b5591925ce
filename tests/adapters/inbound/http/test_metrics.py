"""`/metrics`, read as Prometheus reads it."""

from collections.abc import Iterator
from datetime import datetime
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
    labels = [s.labels for s in _samples(fresh) if s.name == "http_server_request_duration_seconds_count"]
    routes = {each["http_route"] for each in labels}
    # What no route takes has none, and all of it is one.
    assert routes == {"/models/{name}", "/models/{name}/versions/{version}", "/score", ""}
    # Only methods that HTTP knows get as far as the application.
    assert {each["http_request_method"] for each in labels} == {"GET", "DELETE"}


def test_durations(fresh: Service) -> None:
    fresh.client.get("/healthz")
    samples = _samples(fresh)
    of_requests = [s for s in samples if s.name.startswith("http_server_request_duration_seconds")]
    assert {sample.name for sample in of_requests} == {
        f"http_server_request_duration_seconds_{part}" for part in ("bucket", "sum", "count")
    }
    (total,) = [
        s.value for s in of_requests if s.name.endswith("_sum") and s.labels["http_route"] == "/healthz"
    ]
    assert 0 < total < 60


def test_the_content_type_is_prometheus_own(fresh: Service) -> None:
    headers = fresh.client.get("/metrics").headers.get_list("content-type")
    assert headers == ["text/plain; version=1.0.0; charset=utf-8"]


def _counts(service: Service, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(s.labels[label] for label in labels): s.value
        for s in _samples(service)
        if s.name == name and s.value
    }


def test_verdicts_and_anomalies_are_counted_by_model_with_their_scores(tmp_path: Path) -> None:
    with running(tmp_path, guards="off") as service:
        service.client.post("/ingest", json={**BATCH, "model_name": "vans"})
        batch = service.client.post("/score/batch", json={**BATCH, "model_name": "vans"}).json()["results"]
        judged = [verdict["is_anomaly"] for verdict in batch]
        for position in (judged.index(True), judged.index(False)):
            service.client.post("/score", json={**BATCH["records"][position], "model_name": "vans"})
        service.client.post("/score", json=READING)
        counted = _counts(service, "vehicle_anomaly_score_count", "model_name", "is_anomaly")
    assert counted == {
        ("vans", "true"): judged.count(True) + 1,
        ("vans", "false"): judged.count(False) + 1,
        ("default", "false"): 1,
    }


def test_comparing_versions_counts_no_verdicts(fresh: Service) -> None:
    fresh.client.post("/ingest", json={**BATCH, "model_version": "v2"})
    fresh.client.post("/ingest", json={**BATCH, "model_version": "v3"})
    assert fresh.client.get("/models/default/versions/v3/compare?with=v2").status_code == 200
    assert _counts(fresh, "vehicle_anomaly_score_count", "model_name") == {}


def test_trainings_are_counted_by_what_became_of_them(fresh: Service) -> None:
    fresh.client.post("/ingest", json={**BATCH, "model_version": "v2"})
    fresh.client.post("/ingest", json={"records": BATCH["records"][:9], "model_version": "v2"})
    counted = _counts(fresh, "vehicle_anomaly_training_duration_seconds_count", "result")
    # That of v1 was one of this process too.
    assert counted == {("published",): 2.0, ("refused",): 1.0}


def test_the_age_of_the_version_that_answers_is_known(fresh: Service) -> None:
    fresh.client.post("/score", json=READING)
    told = fresh.client.get("/models/default/versions/v1").json()["trained_at"]
    (age,) = _counts(fresh, "vehicle_anomaly_model_trained_timestamp_seconds", "model_name").items()
    assert age == (("default",), datetime.fromisoformat(told).timestamp())


def test_operations_of_the_store_are_timed_and_what_fails_is_counted_by_type(fresh: Service) -> None:
    fresh.client.post("/score", json=READING)
    fresh.post("/score", reading(model_name="vans"))
    (fresh.store / "default" / "LATEST").write_text("")
    fresh.client.get("/models/default/versions/none")
    counted = _counts(
        fresh, "vehicle_anomaly_store_operation_duration_seconds_count", "store", "operation", "error_type"
    )
    assert counted["filesystem", "publish", ""] == 1
    assert counted["filesystem", "load", ""] >= 1
    assert counted["filesystem", "latest", "UnknownModel"] >= 1
    assert counted["filesystem", "metadata", "UnknownModelVersion"] == 1


def test_a_request_is_active_while_it_is_answered(fresh: Service) -> None:
    assert _counts(fresh, "http_server_active_requests") == {(): 1.0}
