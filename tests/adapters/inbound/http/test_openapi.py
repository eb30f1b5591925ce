"""The OpenAPI document says what the service does, and the service does what it says."""

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import ANY

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from litestar.routes import HTTPRoute
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.adapters.inbound.http.service import BATCH, NAMES, READING, Json, Service, running
from tests.fakes import a_trained_model
from vehicle_anomaly.adapters.inbound.http.openapi import OPERATIONS, Operation, openapi_document
from vehicle_anomaly.adapters.inbound.http.openapi_bulk import BULK
from vehicle_anomaly.adapters.inbound.http.openapi_examples import PROBLEMS, UNREADY_ANSWER
from vehicle_anomaly.adapters.inbound.wire import decoding
from vehicle_anomaly.adapters.inbound.wire.commands import (
    score_batch_command,
    score_command,
    train_model_command,
)
from vehicle_anomaly.adapters.inbound.wire.comparisons import posted_batch
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.problems import REFUSALS, TYPE_PREFIX, Problem
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels

DOCUMENT = openapi_document("0.0.0")
BY_IDENTITY = {each.identity: each for each in OPERATIONS}
DECODERS: dict[str, Callable[[bytes], Any]] = {
    "ingest": lambda body: train_model_command(body, Encoding.JSON),
    "score": lambda body: score_command(body, Encoding.JSON),
    "scoreBatch": lambda body: score_batch_command(body, Encoding.JSON),
    "promoteModelVersion": decoding.PROMOTE[Encoding.JSON],
    "compareOnPosted": lambda body: posted_batch(body, Encoding.JSON),
}


def _problems_of(schema: Json, value: Any) -> list[str]:
    validator = Draft202012Validator(
        {**schema, "components": DOCUMENT["components"]}, format_checker=FormatChecker()
    )
    return [error.message for error in validator.iter_errors(value)]


def _described(identity: str) -> Json:
    each = BY_IDENTITY[identity]
    described: Json = DOCUMENT["paths"][each.path][each.method]
    return described


def _schema_of(identity: str, status: int, media_type: str = "application/json") -> Json:
    schema: Json = _described(identity)["responses"][str(status)]["content"][media_type]["schema"]
    return schema


def test_it_is_valid() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


@pytest.mark.parametrize("identity", ["ingest", "score", "scoreBatch"])
def test_how_to_get_answers_that_are_not_in_json_is_said(identity: str) -> None:
    assert "`Accept: application/msgpack`" in _described(identity)["description"]


def test_it_is_what_is_served(service: Service) -> None:
    served = service.client.get("/schema/openapi.json")
    assert served.headers["content-type"] == "application/json"
    told = served.json()
    assert told["info"].pop("version") == service.client.get("/").json()["version"]
    assert told == {**DOCUMENT, "info": {k: v for k, v in DOCUMENT["info"].items() if k != "version"}}


def test_every_route_is_documented_and_nothing_else(service: Service) -> None:
    routes = [route for route in service.container.http_app().routes if isinstance(route, HTTPRoute)]
    served = {
        (method.lower(), route.path_format)
        for route in routes
        for method in set(route.methods) - {"HEAD", "OPTIONS"}
        if not route.path.startswith("/schema")
    }
    # Litestar knows nothing of the methods of routes that it does not look into.
    served |= {("post", "/score"), ("post", "/score/batch")}
    assert served == {(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods}


@pytest.mark.parametrize(
    "each", [each for each in OPERATIONS if each.request], ids=lambda each: each.identity
)
def test_request_examples_are_decoded(each: Operation) -> None:
    assert each.request is not None
    assert DECODERS[each.identity](msgspec.json.encode(each.request.example))
    schema = _described(each.identity)["requestBody"]["content"]["application/json"]["schema"]
    assert _problems_of(schema, each.request.example) == []


@pytest.mark.parametrize("each", [each for each in OPERATIONS if each.answer], ids=lambda each: each.identity)
def test_answer_examples_are_answers(each: Operation) -> None:
    assert each.answer is not None
    told = msgspec.convert(each.answer.example, each.answer.kind)
    assert msgspec.json.decode(msgspec.json.encode(told)) == each.answer.example
    assert _problems_of(_schema_of(each.identity, each.success), each.answer.example) == []
    if each.identity == "checkReadiness":
        assert _problems_of(_schema_of(each.identity, 503), UNREADY_ANSWER) == []


def test_problem_examples_are_problems() -> None:
    known = {(TYPE_PREFIX + kind, title, status) for kind, title, status in REFUSALS.values()}
    refused = {400: 1, 404: 1, 409: 1, 413: 1}
    for status, examples in PROBLEMS.items():
        told = [msgspec.convert(example, Problem) for example in examples.values()]
        assert {each.status for each in told} == {status}
        assert len([each for each in told if (each.type, each.title, each.status) in known]) == refused.get(
            status, 0
        )


def test_every_status_of_the_contract_is_documented() -> None:
    key = {401, 403, 429}
    # By the connection, whatever is asked; health is answered however much there is to do.
    anywhere = {408, 431}
    expected = {
        "ingest": {201, 400, 409, 413, 415, 503} | key,
        "score": {200, 400, 404, 413, 415, 503} | key,
        "scoreBatch": {200, 400, 404, 413, 415, 503} | key,
        "listModels": {200, 503} | key,
        "listModelVersions": {200, 400, 404, 503} | key,
        "showModelVersion": {200, 400, 404, 503} | key,
        "showTrainingReport": {200, 400, 404, 503} | key,
        "compareOnTraining": {200, 400, 404, 503} | key,
        "compareOnPosted": {200, 400, 404, 413, 415, 503} | key,
        "listPromotions": {200, 400, 404, 503} | key,
        "promoteModelVersion": {200, 400, 404, 413, 415, 503} | key,
        "describeService": {200, 401, 429, 503},
        "scrapeMetrics": {200, 503} | key,
        "checkReadiness": {200, 503},
    }
    for identity in BY_IDENTITY:
        documented = set(map(int, _described(identity)["responses"]))
        assert documented == expected.get(identity, {200}) | anywhere
    for status in ("429", "503"):
        assert "Retry-After" in _described("ingest")["responses"][status]["headers"]


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service whose model has a damaged version."""
    store = tmp_path_factory.mktemp("store")
    with running(store, max_body_bytes=10_000) as service:
        FilesystemModels(store).publish(a_trained_model("v0"))
        (store / "default" / "v0" / "forest.npz").write_bytes(b"damaged")
        service.client.put("/models/default/latest", json={"model_version": "v1"})
        yield service


BY_NAME = {"vehicle_id": "v", "timestamp": READING["timestamp"], "features": {NAMES[0]: 1.0}}
CALLS: list[tuple[str, Json, Any, int]] = [
    ("ingest", {}, BATCH, 201),
    ("ingest", {}, {**BATCH, "model_version": "v1"}, 409),
    ("ingest", {}, {"records": []}, 400),
    ("ingest", {}, {"records": [READING] * 200}, 413),
    ("score", {}, READING, 200),
    ("score", {}, {**BY_NAME, "model_version": "v1"}, 200),
    ("score", {}, {**READING, "model_version": "v0"}, 503),
    ("score", {}, {**READING, "model_name": "vans"}, 404),
    ("score", {}, {**READING, "feature_vector": ["1", 2, 3]}, 400),
    ("scoreBatch", {}, BATCH, 200),
    ("scoreBatch", {}, {**BATCH, "model_version": "v9"}, 404),
    ("listModels", {}, None, 200),
    ("listModelVersions", {"name": "default"}, None, 200),
    ("listModelVersions", {"name": "vans"}, None, 404),
    ("listModelVersions", {"name": "~"}, None, 400),
    ("showModelVersion", {"name": "default", "version": "v1"}, None, 200),
    ("showModelVersion", {"name": "default", "version": "v9"}, None, 404),
    ("compareOnTraining", {"name": "default", "version": "v1", "query": "?with=v1"}, None, 200),
    ("compareOnTraining", {"name": "default", "version": "v9"}, None, 404),
    ("compareOnPosted", {"name": "default", "version": "v1", "query": "?with=v1"}, BATCH, 200),
    ("compareOnPosted", {"name": "default", "version": "v1"}, {"records": []}, 400),
    ("listPromotions", {"name": "default"}, None, 200),
    ("listPromotions", {"name": "vans"}, None, 404),
    ("promoteModelVersion", {"name": "default"}, {"model_version": "v1"}, 200),
    ("promoteModelVersion", {"name": "default"}, {"model_version": "v0"}, 503),
    ("promoteModelVersion", {"name": "default"}, {}, 400),
    ("describeService", {}, None, 200),
    ("checkLiveness", {}, None, 200),
    ("checkHealth", {}, None, 200),
    ("checkReadiness", {}, None, 200),
]


@pytest.mark.parametrize(("identity", "parameters", "message", "status"), CALLS)
def test_answers_are_as_documented(
    eventful: Service, identity: str, parameters: Json, message: Any, status: int
) -> None:
    each = BY_IDENTITY[identity]
    response = eventful.client.request(
        each.method.upper(), each.path.format(**parameters) + parameters.get("query", ""), json=message
    )
    assert response.status_code == status
    media_type = response.headers["content-type"]
    assert _problems_of(_schema_of(identity, status, media_type), response.json()) == []
    if message is not None and status < 400:
        schema = _described(identity)["requestBody"]["content"]["application/json"]["schema"]
        assert _problems_of(schema, message) == []


@pytest.mark.parametrize(
    "message",
    [
        {},
        {**READING, "x": 1},
        {**READING, "features": {"a": 1}},
        {**READING, "feature_vector": []},
        {**READING, "feature_vector": [3.5e38]},
        {**READING, "vehicle_id": ""},
        {**READING, "model_name": "~"},
    ],
)
def test_what_is_refused_breaks_the_schema(eventful: Service, message: Json) -> None:
    schema = _described("score")["requestBody"]["content"]["application/json"]["schema"]
    assert _problems_of(schema, message) != []
    assert eventful.client.post("/score", json=message).status_code == 400


@pytest.mark.parametrize(
    ("identity", "media_type"), [(identity, each) for identity, bulk in BULK.items() for each in bulk.request]
)
def test_streams_are_taken_as_documented(service: Service, identity: str, media_type: str) -> None:
    """With every parameter that the document names, and not with others."""
    described = _described(identity)
    content = described["requestBody"]["content"][media_type]
    schemas = {each["name"]: each["schema"] for each in described["parameters"] if each["in"] == "query"}
    given = {name: schema.get("enum", schema.get("examples"))[0] for name, schema in schemas.items()}
    path = BY_IDENTITY[identity].path.format(name="default", version="v1")
    headers = {"content-type": media_type}
    asked = {"params": given, "content": content.get("example", ""), "headers": headers}
    told = service.client.post(path, **asked).json()
    # There is no such model, or nothing in the body; neither its type nor a parameter is wrong.
    kinds = {"unknown-model-version", "malformed-message"}
    assert told["type"].removeprefix(TYPE_PREFIX) in kinds
    assert {each["pointer"].strip("/") for each in told.get("errors", [])}.isdisjoint(given)
    assert service.client.post(path, **{**asked, "params": {"colour": "red"}}).json()["errors"] == [
        {"pointer": "/colour", "detail": ANY}
    ]


def test_the_example_of_a_line_is_answered_as_documented(service: Service) -> None:
    content = _described("scoreBatch")["requestBody"]["content"]["application/x-ndjson"]
    answer = service.post("/score/batch", content["example"].encode(), content_type="application/x-ndjson")
    assert answer.headers["content-type"] in _described("scoreBatch")["responses"]["200"]["content"]
    [line] = answer.text.splitlines()
    assert _problems_of(_schema_of("score", 200), msgspec.json.decode(line)) == []
