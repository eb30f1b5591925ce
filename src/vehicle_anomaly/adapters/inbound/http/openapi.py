"""The OpenAPI 3.1 document, with schemas made from the very types that decode and encode.

Litestar's own generator describes what Litestar decodes; here msgspec decodes the bytes, and knows the
constraints that it holds them to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec

from vehicle_anomaly.adapters.inbound.http import access, callers, openapi_keys
from vehicle_anomaly.adapters.inbound.http import openapi_examples as examples
from vehicle_anomaly.adapters.inbound.http import service_routes as service
from vehicle_anomaly.adapters.inbound.http.openapi_bulk import BULK, EXPLAIN_PARAMETER
from vehicle_anomaly.adapters.inbound.wire import answers, comparisons, promotions, requests
from vehicle_anomaly.adapters.inbound.wire.arrow_requests import ARROW_STREAM
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.fields import RESERVED, ModelNameText, ModelVersionText
from vehicle_anomaly.adapters.inbound.wire.problems import Problem

_Record = requests.TelemetryRecord
_STATUS_WORDS: Final = {
    400: "The request is malformed or not valid; `detail` and `errors` say where.",
    401: "There is no key, or it is unknown or has expired.",
    403: "The key lacks the scope, or may not name the model.",
    404: "The model or the version does not exist.",
    408: "Headers or body took longer than they may.",
    409: "The version exists with other content.",
    413: "The body is over the limit, or has too many records.",
    415: "The media type is not supported.",
    429: "The key is used too often, or all training slots are busy.",
    431: "The headers are larger or more than they may be.",
    503: "The model store is out of reach, the model damaged, the service overloaded or about to stop.",
}
_RETRIED_LATER: Final = (429, 503)
_COMPARING: Final = ("compareOnTraining", "compareOnPosted")
_WITH: Final = {
    "name": "with",
    "in": "query",
    "required": False,
    "description": "The version that it is compared with; `latest` is the one that answers now.",
    "schema": {
        **{
            name: told for name, told in msgspec.json.schema(ModelVersionText).items() if name not in RESERVED
        },
        "default": "latest",
    },
}
_ON_RECORD: Final = ("ingest", "promoteModelVersion")
_ACTOR: Final = {
    "name": callers.ACTOR,
    "in": "header",
    "required": False,
    "description": "Who calls, for the record of what became the latest version; nobody checks it.",
    "schema": {"type": "string", "pattern": callers.ACTOR_PATTERN, "default": callers.ANONYMOUS},
}
_ANSWERED_IN: Final = (
    "Answers are in JSON, whatever the body is in; in MessagePack to who asks for it by "
    "`Accept: application/msgpack`."
)
_ANYWHERE: Final = (408, 431)
_WRITES: Final = (400, 413, 415, 503)


@dataclass(frozen=True, slots=True)
class Body:
    """A body: its type and an example of it."""

    kind: Any
    example: Any


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API; `text` is the media type of an answer that is no message, and what it is."""

    method: str
    path: str
    identity: str
    summary: str
    tag: str
    success: int
    access: access.Access
    answer: Body | None
    request: Body | None = None
    problems: tuple[int, ...] = ()
    description: str = ""
    text: tuple[str, str] | None = None


OPERATIONS: Final = (
    Operation(
        "post",
        "/ingest",
        "ingest",
        "Train a model on a batch of telemetry",
        "telemetry",
        201,
        access.TRAIN,
        Body(answers.IngestResponse, examples.INGEST_ANSWER),
        Body(requests.IngestRequest[_Record], examples.INGEST_REQUEST),
        (*_WRITES, 409, 429),
        "The version that is published never changes. Sending the same batch again under the same version "
        f"succeeds and changes nothing. {_ANSWERED_IN}",
    ),
    Operation(
        "post",
        "/score",
        "score",
        "Say of one reading whether something is wrong",
        "telemetry",
        200,
        access.SCORE,
        Body(answers.VerdictResponse, examples.SCORE_ANSWER),
        Body(requests.ScoreRequest, examples.SCORE_REQUEST),
        (*_WRITES, 404),
        f"The version that answers is the latest, unless the message names one. {_ANSWERED_IN}",
    ),
    Operation(
        "post",
        "/score/batch",
        "scoreBatch",
        "Say of each reading in a batch whether something is wrong",
        "telemetry",
        200,
        access.SCORE,
        Body(answers.ScoreBatchResponse, examples.SCORE_BATCH_ANSWER),
        Body(requests.ScoreBatchRequest[_Record], examples.SCORE_BATCH_REQUEST),
        (*_WRITES, 404),
        f"One version answers the whole batch, in its order. {_ANSWERED_IN} An Arrow stream is answered with "
        f"one where `Accept` asks for `{ARROW_STREAM}`, and lines always with lines.",
    ),
    Operation(
        "get",
        "/models",
        "listModels",
        "List the models",
        "models",
        200,
        access.READ_MODELS,
        Body(answers.ModelsResponse, examples.MODELS_ANSWER),
        problems=(503,),
    ),
    Operation(
        "get",
        "/models/{name}",
        "listModelVersions",
        "List the versions of a model, newest first",
        "models",
        200,
        access.READ_MODELS,
        Body(answers.ModelVersionsResponse, examples.VERSIONS_ANSWER),
        problems=(400, 404, 503),
    ),
    Operation(
        "get",
        "/models/{name}/versions/{version}",
        "showModelVersion",
        "Tell what is known of a version",
        "models",
        200,
        access.READ_MODELS,
        Body(answers.ModelVersionResponse, examples.VERSION_ANSWER),
        problems=(400, 404, 503),
    ),
    Operation(
        "get",
        "/models/{name}/versions/{version}/report",
        "showTrainingReport",
        "Show in a browser what a version learned",
        "models",
        200,
        access.READ_MODELS_IN_BROWSER,
        None,
        problems=(400, 404, 503),
        text=("text/html", "A page that loads nothing and runs nothing."),
    ),
    Operation(
        "get",
        "/models/{name}/versions/{version}/compare",
        "compareOnTraining",
        "Tell which verdicts would differ by a version, on a sample of what it was trained on",
        "models",
        200,
        access.READ_MODELS,
        Body(comparisons.CompareResponse, examples.COMPARE_ANSWER),
        problems=(400, 404, 503),
    ),
    Operation(
        "post",
        "/models/{name}/versions/{version}/compare",
        "compareOnPosted",
        "Tell which verdicts would differ by a version, on readings that are sent",
        "models",
        200,
        access.READ_MODELS,
        Body(comparisons.CompareResponse, examples.COMPARE_ANSWER),
        Body(comparisons.CompareRequest[_Record], examples.COMPARE_REQUEST),
        (*_WRITES, 404),
        "Vectors are in the order of the version in the path; names are those of either version.",
    ),
    Operation(
        "get",
        "/models/{name}/promotions",
        "listPromotions",
        "Tell which version answered from when on, and who decided it",
        "models",
        200,
        access.READ_MODELS,
        Body(promotions.PromotionsResponse, examples.PROMOTIONS_ANSWER),
        problems=(400, 404, 503),
    ),
    Operation(
        "put",
        "/models/{name}/latest",
        "promoteModelVersion",
        "Promote a version, or roll back to one",
        "models",
        200,
        access.WRITE_MODELS,
        Body(answers.PromoteResponse, examples.PROMOTE_ANSWER),
        Body(requests.PromoteRequest, examples.PROMOTE_REQUEST),
        (*_WRITES, 404),
    ),
    Operation(
        "get",
        "/",
        "describeService",
        "Tell what this service is",
        "service",
        200,
        access.ANY_KEY,
        Body(service.ServiceResponse, examples.SERVICE_ANSWER),
    ),
    Operation(
        "get",
        "/healthz",
        "checkLiveness",
        "Tell that the process lives; touches nothing else",
        "service",
        200,
        access.OPEN,
        Body(service.LivenessResponse, examples.LIVENESS_ANSWER),
    ),
    Operation(
        "get",
        "/health",
        "checkHealth",
        "Tell that the process is well",
        "service",
        200,
        access.OPEN,
        Body(service.HealthResponse, examples.HEALTH_ANSWER),
    ),
    Operation(
        "get",
        "/health/ready",
        "checkReadiness",
        "Tell whether the service can do its work",
        "service",
        200,
        access.OPEN,
        Body(service.ReadinessResponse, examples.READY_ANSWER),
    ),
    Operation(
        "get",
        "/metrics",
        "scrapeMetrics",
        "Prometheus metrics",
        "service",
        200,
        access.METRICS,
        None,
        text=("text/plain", "Prometheus text."),
    ),
)

_PARAMETERS: Final = {
    "name": (ModelNameText, "The model."),
    "version": (ModelVersionText, "The version of the model."),
}
_REFERENCE: Final = "#/components/schemas/{name}"


def openapi_document(version: str) -> dict[str, Any]:
    """Return the document.

    Args:
        version: Of the service.
    """
    kinds = [body.kind for each in OPERATIONS for body in (each.request, each.answer) if body is not None]
    _, components = msgspec.json.schema_components([*kinds, Problem], ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method] = _operation(each)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "vehicle-anomaly",
            "version": version,
            "summary": "Learns what normal vehicle telemetry looks like and scores new readings against it.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [
            {"name": "telemetry", "description": "Train and score."},
            {"name": "models", "description": "Immutable versions, and which one answers."},
            {"name": "service", "description": "What the service says of itself."},
        ],
        "paths": paths,
        "components": {
            "schemas": _either_vector_or_names(components),
            "securitySchemes": openapi_keys.SECURITY_SCHEMES,
        },
    }
    # msgspec names a generic type by its parameters; callers have no use for those.
    text = msgspec.json.encode(document).replace(b"_TelemetryRecord_", b"").replace(b"[TelemetryRecord]", b"")
    renamed: dict[str, Any] = msgspec.json.decode(text)
    return renamed


def _operation(each: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": each.identity,
        "summary": each.summary,
        "tags": [each.tag],
        "security": openapi_keys.security(each.access),
    }
    if each.description:
        described["description"] = each.description
    bulk = BULK.get(each.identity)
    parameters = [_parameter(name) for name in _PARAMETERS if f"{{{name}}}" in each.path]
    parameters.extend(bulk.query if bulk is not None else ())
    if each.identity == "score":
        parameters.append(EXPLAIN_PARAMETER)
    if each.identity in _COMPARING:
        parameters.append(_WITH)
    if each.identity in _ON_RECORD:
        parameters.append(_ACTOR)
    if parameters:
        described["parameters"] = parameters
    if each.request is not None:
        described["requestBody"] = {"required": True, "content": _content(each.request)}
    responses: dict[str, Any] = {str(each.success): _success(each)}
    if bulk is not None:
        described["requestBody"]["content"].update(bulk.request)
        responses[str(each.success)]["content"].update(bulk.answer)
    if each.identity == "checkReadiness":
        unready = Body(service.ReadinessResponse, examples.UNREADY_ANSWER)
        responses["503"] = {
            "description": "The model store is out of reach, or the service was told to stop.",
            "content": _content(unready),
        }
    problems = {*each.problems, *_ANYWHERE, *openapi_keys.statuses(each.access)}
    if not each.access.is_open:
        # Health is always answered.
        problems.add(503)
    responses |= {str(status): _problem(status) for status in sorted(problems)}
    described["responses"] = responses
    return described


def _parameter(name: str) -> dict[str, Any]:
    kind, description = _PARAMETERS[name]
    schema = msgspec.json.schema(kind)
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _success(each: Operation) -> dict[str, Any]:
    if each.text is not None:
        media_type, description = each.text
        return {"description": description, "content": {media_type: {"schema": {"type": "string"}}}}
    return {"description": "Done.", "content": {} if each.answer is None else _content(each.answer)}


def _content(body: Body) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([body.kind], ref_template=_REFERENCE)
    return {
        Encoding.JSON.value: {"schema": schema, "example": body.example},
        Encoding.MSGPACK.value: {"schema": schema},
    }


def _problem(status: int) -> dict[str, Any]:
    told = {name: {"value": value} for name, value in examples.PROBLEMS[status].items()}
    schema = {"$ref": _REFERENCE.format(name="Problem")}
    response: dict[str, Any] = {
        "description": _STATUS_WORDS[status],
        "content": {"application/problem+json": {"schema": schema, "examples": told}},
    }
    if status == HTTPStatus.UNAUTHORIZED:
        challenge = {"description": "How to send a key (RFC 6750).", "schema": {"type": "string"}}
        response["headers"] = {"WWW-Authenticate": challenge}
    if status in _RETRIED_LATER:
        seconds = {"type": "integer", "minimum": 0}
        response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": seconds}}
    return response


def _either_vector_or_names(components: Mapping[str, Any]) -> dict[str, Any]:
    """Say of records what their type cannot: one of the two fields, not both."""
    one_of = [{"required": ["feature_vector"]}, {"required": ["features"]}]
    records = (requests.TelemetryRecord.__name__, requests.ScoreRequest.__name__)
    return {
        name: {**schema, "oneOf": one_of} if name in records else schema
        for name, schema in components.items()
    }
