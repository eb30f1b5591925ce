"""`/models/{name}/versions/{version}/compare`."""

import json

import msgspec
import numpy as np
import pytest

from tests.adapters.inbound.http.service import BATCH, NAMES, READING, Service, problem_in
from tests.fakes import a_batch
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelVersion
from vehicle_anomaly.core.train_model import TrainModelCommand

PATH = "/models/default/versions/v2/compare"


@pytest.fixture
def compared(service: Service) -> Service:
    """Train `v2` on other readings, and have `v1` answer."""
    batch = a_batch(np.random.default_rng(5).normal(2.0, size=(60, 3)), feature_names=NAMES)
    service.container.train_model()(TrainModelCommand(batch, DEFAULT_MODEL_NAME, ModelVersion("v2")))
    service.client.put("/models/default/latest", json={"model_version": "v1"}).raise_for_status()
    return service


def test_a_version_is_compared_on_its_training_with_the_latest(compared: Service) -> None:
    answer = compared.client.get(PATH).raise_for_status().json()

    assert (answer["model_version"], answer["other_version"]) == ("v2", "v1")
    assert (answer["source"], answer["readings"]) == ("training_sample", 60)
    parts = ("newly_anomalous", "no_longer_anomalous", "both_anomalous", "both_normal")
    assert sum(answer[part] for part in parts) == 60
    assert answer["differing"] == answer["newly_anomalous"] + answer["no_longer_anomalous"] > 0
    assert answer["examples"][0]["vehicle_id"] is None
    assert answer == compared.client.get(PATH, params={"with": "latest"}).json()
    assert compared.client.get(PATH, params={"with": "v2"}).json()["differing"] == 0


def test_readings_that_are_sent_are_compared_in_every_encoding(compared: Service) -> None:
    records = BATCH["records"]
    answer = compared.client.post(PATH, json={"records": records}).raise_for_status().json()
    assert (answer["source"], answer["readings"]) == ("posted", len(records))
    assert {each["vehicle_id"] for each in answer["examples"]} <= {READING["vehicle_id"]}

    packed = compared.client.post(
        PATH,
        content=msgspec.msgpack.encode({"records": records}),
        headers={"content-type": "application/msgpack"},
    )
    lines = "\n".join(map(json.dumps, records)) + "\n\n"
    streamed = compared.client.post(PATH, content=lines, headers={"content-type": "application/x-ndjson"})
    assert packed.json() == streamed.json() == answer


@pytest.mark.parametrize(
    ("query", "body", "status", "kind", "told"),
    [
        ("?with=v9", None, 404, "unknown-model-version", "v9"),
        ("?with=~", None, 400, "invalid-model-version", "~"),
        ("?against=v1", None, 400, "malformed-message", "against"),
        ("", {"records": []}, 400, "empty-batch", "at least one"),
        ("", {"records": [READING, {}]}, 400, "malformed-message", "records[1]"),
        ("", {"records": [{**READING, "feature_vector": [1, 2]}]}, 400, "wrong-feature-count", "3 numbers"),
        ("", {"records": [READING], "more": 1}, 400, "malformed-message", "more"),
    ],
)
def test_what_cannot_be_compared_is_told(  # noqa: PLR0917
    compared: Service, query: str, body: object, status: int, kind: str, told: str
) -> None:
    ask = compared.client.get(PATH + query) if body is None else compared.client.post(PATH + query, json=body)
    problem = problem_in(ask)

    assert (problem.status, problem.type.rpartition(":")[2]) == (status, kind)
    assert told in problem.detail


def test_a_parameter_that_there_is_not_is_told_with_the_one_that_there_is(service: Service) -> None:
    answer = service.client.get("/models/default/versions/v1/compare", params={"foo": "1"})
    assert problem_in(answer).detail == "foo: unknown parameter, expected with"


def test_options_tell_of_both_methods(service: Service) -> None:
    answer = service.client.options("/models/default/versions/v1/compare")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    refused = service.client.put("/models/default/versions/v1/compare")
    assert (refused.status_code, set(refused.headers["allow"].split(", "))) == (
        405,
        {"GET", "HEAD", "OPTIONS", "POST"},
    )
