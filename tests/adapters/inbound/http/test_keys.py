"""Who may call what, over a socket: OWASP API Security 2023, API1, API2 and API5."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, process_time
from typing import Any

import httpx
import pytest
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from tests.adapters.inbound.http.service import BATCH, NAMES, READING, Json, Service, problem_in, running
from tests.api_keys import an_entry
from tests.fakes import a_batch
from vehicle_anomaly.adapters.inbound.http.access import ACCESS, Access, UndeclaredAccess, refuse_undeclared
from vehicle_anomaly.adapters.inbound.http.doorkeeper import MODEL_IN_PATH, Doorkeeper
from vehicle_anomaly.adapters.inbound.http.openapi import OPERATIONS
from vehicle_anomaly.adapters.inbound.keys.key_ring import KeyRing
from vehicle_anomaly.adapters.inbound.keys.scopes import KeyScope
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.train_model import TrainModelCommand

LATER = (datetime.now(UTC) + timedelta(days=1)).isoformat()
PAST = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
EVERYTHING = [scope.value for scope in KeyScope]
ENTRIES = [
    an_entry("everything", "key-everything", *EVERYTHING, expires=LATER),
    an_entry("expired", "key-expired", *EVERYTHING, expires=PAST),
    an_entry("vans", "key-vans", *EVERYTHING, models=["vans", "trucks-"]),
    an_entry("slow", "key-slow", *EVERYTHING, requests_per_second=0.01),
    *(an_entry(f"only.{scope.name}", f"key-{scope}", scope) for scope in KeyScope),
    *(
        an_entry(f"all-but.{scope.name}", f"key-not-{scope}", *(each for each in EVERYTHING if each != scope))
        for scope in KeyScope
    ),
]


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = tmp_path_factory.mktemp("store")
    with running(store, api_keys=json.dumps(ENTRIES), environment="production") as service:
        for name in ("vans", "trucks-b", "secret"):
            command = TrainModelCommand(a_batch(feature_names=NAMES), ModelName(name), ModelVersion("v1"))
            service.container.train_model()(command)
        yield service


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def handlers(service: Service) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Yield every handler of the application, with a path and a method that lead to it."""
    filled = {"{name:str}": "vans", "{version:str}": "v1", "{file:str}": "start.js"}
    for route in service.container.http_app().routes:
        path = route.path
        for template, value in filled.items():
            path = path.replace(template, value)
        assert "{" not in path, f"{path}: say what stands for this part in the test"
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                yield path, method, handler
        else:
            for method in ("POST", "GET", "HEAD", "OPTIONS", "PUT"):
                yield path, method, route.route_handler  # type: ignore[misc]


def asked(service: Service, target: str, method: str, *headers: str) -> int:
    """Ask with a target that is sent as it stands, and return the status."""
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close", "Content-Length: 0", *headers]
    answered = service.exchange("\r\n".join([*lines, "", ""]).encode())
    return int(answered.split(b" ", 2)[1])


def test_every_route_says_which_key_it_asks_for(keyed: Service) -> None:
    found = list(handlers(keyed))
    assert len(found) > 30
    for path, method, handler in found:
        if method != "OPTIONS":
            assert isinstance(handler.opt.get(ACCESS), Access), f"{method} {path}"


def test_an_application_with_a_route_that_does_not_say_is_not_made() -> None:
    @get("/forgotten", sync_to_thread=False)
    def forgotten() -> None:
        """Nothing."""

    with pytest.raises(UndeclaredAccess, match="/forgotten"):
        refuse_undeclared([forgotten])


def test_only_health_is_open(keyed: Service) -> None:
    open_paths = {path for path, _, handler in handlers(keyed) if handler.opt.get(ACCESS, Access()).is_open}
    assert open_paths == {"/healthz", "/health", "/health/ready"}
    for path in open_paths:
        for headers in ({}, bearer("wrong")):
            assert keyed.client.get(path, headers=headers).status_code == 200
            assert keyed.client.head(path, headers=headers).status_code == 200


def test_no_route_is_reached_without_a_key_however_it_is_asked_for(keyed: Service) -> None:
    for path, method, handler in handlers(keyed):
        if handler.opt.get(ACCESS, Access()).is_open:
            continue
        first = path[1:2]
        targets = {
            path,
            f"{path}/",
            f"/{path}",
            f"{path}?key=key-everything",
            f"{path}?x=/healthz",
            f"/./{path[1:]}",
            f"/healthz/..{path}",
            f"/healthz/%2e%2e{path}",
            f"/%{ord(first):02x}{path[2:]}" if first else "/%2f",
            f"{path}%2f",
            f"{path}%00",
            f"{path};/healthz",
            path.upper(),
            f"http://x{path}",
            f"http://127.0.0.1/healthz/..{path}",
        }
        for target in sorted(targets):
            assert asked(keyed, target, method) in (400, 401), f"{method} {target}"
        for header in (
            "Host: 127.0.0.1",
            "X-Forwarded-For: 127.0.0.1",
            "X-Original-URL: /healthz",
            "X-Rewrite-URL: /healthz",
            "X-HTTP-Method-Override: GET",
            "Authorization: Bearer wrong",
            "X-API-Key: wrong",
        ):
            assert asked(keyed, path, method, header) in (400, 401), f"{method} {path} {header}"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "PATCH", "QUERY"])
@pytest.mark.parametrize("path", ["/nowhere", "/score", "/ingest", "/models/vans/latest", "/schema/assets/x"])
def test_who_has_no_key_does_not_learn_what_there_is(keyed: Service, path: str, method: str) -> None:
    assert asked(keyed, path, method) == 401
    assert asked(keyed, path, method, "Authorization: Bearer key-everything") != 401


def test_each_route_takes_a_key_with_its_scope_and_none_without(keyed: Service) -> None:
    scoped = 0
    for path, method, handler in handlers(keyed):
        access = handler.opt.get(ACCESS)
        if method == "OPTIONS" or access is None or access.scope is None:
            continue
        scoped += 1
        assert asked(keyed, path, method, f"Authorization: Bearer key-not-{access.scope}") == 403
        assert asked(keyed, path, method, f"X-API-Key: key-{access.scope}") not in (401, 403), (
            f"{method} {path}"
        )
    assert scoped > 15


def test_the_document_asks_for_what_the_routes_ask_for(keyed: Service) -> None:
    told = keyed.client.get("/schema/openapi.json", headers=bearer("key-everything")).json()
    assert set(told["components"]["securitySchemes"]) == {"bearer", "apiKey"}
    by_route = {
        (handler_path, method.lower()): handler.opt.get(ACCESS)
        for handler_path, method, handler in handlers(keyed)
    }
    for each in OPERATIONS:
        path = each.path.format(name="vans", version="v1")
        access = by_route[path, each.method]
        assert access is not None
        assert each.access == access, each.path
        security = told["paths"][each.path][each.method]["security"]
        scopes = [access.scope] if access.scope else []
        assert security == ([] if access.is_open else [{"bearer": scopes}, {"apiKey": scopes}])


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer key-score"},
        {"authorization": "bearer   key-score"},
        {"x-api-key": "key-score"},
        {"X-API-Key": "key-everything"},
    ],
)
def test_how_a_key_is_sent(keyed: Service, headers: dict[str, str]) -> None:
    assert keyed.client.post("/score", json=READING, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ([], "no-key"),
        ([("authorization", "Bearer")], "unusable-key"),
        ([("authorization", "key-score")], "unusable-key"),
        ([("authorization", "Bearer key-scor")], "unusable-key"),
        ([("authorization", "Bearer key-score2")], "unusable-key"),
        ([("authorization", "Bearer KEY-SCORE")], "unusable-key"),
        ([("authorization", "Bearer \xff\xfe")], "unusable-key"),
        ([("authorization", f"Bearer {'x' * 10_000}")], "unusable-key"),
        ([("authorization", "Basic " + base64.b64encode(b"x:key-score").decode())], "unusable-key"),
        ([("authorization", "Digest key-score")], "unusable-key"),
        ([("x-api-key", "")], "unusable-key"),
        ([("x-api-key", an_entry("a", "key-score")["sha256"])], "unusable-key"),
        ([("x-api-key", "key-expired")], "unusable-key"),
        ([("x-api-key", "key-score"), ("x-api-key", "key-score")], "unusable-key"),
        ([("x-api-key", "key-score"), ("authorization", "Bearer key-score")], "unusable-key"),
        ([("cookie", "authorization=Bearer key-score")], "no-key"),
    ],
)
def test_api2_broken_authentication(keyed: Service, headers: list[tuple[str, str]], kind: str) -> None:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    refused = keyed.client.post("/score", json=READING, headers=httpx.Headers(sent))
    told = problem_in(refused)
    assert (told.status, told.type.rpartition(":")[2]) == (401, kind)
    assert refused.headers["www-authenticate"].startswith('Bearer realm="vehicle-anomaly"')
    assert "key-" not in told.detail.replace("key 'expired'", "")


def test_api5_broken_function_level_authorization(keyed: Service) -> None:
    before = keyed.files()
    for method, path, scope in (
        ("POST", "/ingest", "train"),
        ("PUT", "/models/vans/latest", "models:write"),
    ):
        refused = keyed.client.request(
            method, path, json={**BATCH, "model_version": "v9"}, headers=bearer("key-models:read")
        )
        told = problem_in(refused)
        assert (told.status, told.type.rpartition(":")[2]) == (403, "missing-scope")
        assert told.detail.endswith(f"has no scope '{scope}'")
        assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert keyed.files() == before


def naming(name: str) -> list[tuple[str, str, Json]]:
    """Return every call that names a model, by each way of naming it."""
    lines = json.dumps(READING).encode()
    ndjson = {"content-type": "application/x-ndjson"}
    arrow = {"content-type": "application/vnd.apache.arrow.stream"}
    return [
        ("POST", "/ingest", {"json": {**BATCH, "model_name": name}}),
        ("POST", f"/ingest?model_name={name}", {"content": b"x", "headers": arrow}),
        ("POST", "/score", {"json": {**READING, "model_name": name}}),
        ("POST", "/score/batch", {"json": {**BATCH, "model_name": name}}),
        ("POST", "/score/batch", {"json": {"records": [{**READING, "timestamp": "24"}], "model_name": name}}),
        ("POST", f"/score/batch?model_name={name}", {"content": lines, "headers": ndjson}),
        ("POST", f"/score/batch?model_name={name}", {"content": b"x", "headers": arrow}),
        *((method, path.replace("vans", name), {}) for path, method in MODEL_PATHS),
    ]


MODEL_PATHS = [
    ("/models/vans", "GET"),
    ("/models/vans", "HEAD"),
    ("/models/vans/versions/v1", "GET"),
    ("/models/vans/versions/v1", "HEAD"),
    ("/models/vans/versions/v1/report", "GET"),
    ("/models/vans/versions/v1/report", "HEAD"),
    ("/models/vans/versions/v1/compare", "GET"),
    ("/models/vans/versions/v1/compare", "HEAD"),
    ("/models/vans/versions/v1/compare", "POST"),
    ("/models/vans/promotions", "GET"),
    ("/models/vans/promotions", "HEAD"),
    ("/models/vans/latest", "PUT"),
]


def test_every_route_that_names_a_model_is_tried(keyed: Service) -> None:
    named = {
        (path, method)
        for path, method, handler in handlers(keyed)
        if any(f"{{{MODEL_IN_PATH}:str}}" in template for template in handler.paths) and method != "OPTIONS"
    }
    assert named == set(MODEL_PATHS)


@pytest.mark.parametrize("name", ["secret", "nobodys"])
def test_api1_broken_object_level_authorization(keyed: Service, name: str) -> None:
    told = set()
    for method, path, request in naming(name):
        headers = {**request.get("headers", {}), **bearer("key-vans")}
        refused = keyed.client.request(method, path, **{**request, "headers": headers})
        assert refused.status_code in (400, 403), f"{method} {path}"
        if refused.status_code == 403 and method != "HEAD":
            told.add(refused.text)
        # What cannot be read is refused as it is for everybody, and says nothing of the model.
        assert "secret" not in refused.text
    assert len(told) == 1, "whether there is such a model is not told"


def test_a_key_may_name_its_models(keyed: Service) -> None:
    for name in ("vans", "trucks-b"):
        scored = keyed.client.post("/score", json={**READING, "model_name": name}, headers=bearer("key-vans"))
        assert scored.status_code == 200
        assert keyed.client.get(f"/models/{name}", headers=bearer("key-vans")).status_code == 200
    listed = keyed.client.get("/models", headers=bearer("key-vans")).json()
    assert listed == {"models": ["trucks-b", "vans"]}
    everything = keyed.client.get("/models", headers=bearer("key-everything")).json()
    assert set(everything["models"]) >= {"default", "secret", "trucks-b", "vans"}


def test_no_model_named_is_the_default_one_and_not_every_key_may_name_it(keyed: Service) -> None:
    refused = keyed.client.post("/score", json=READING, headers=bearer("key-vans"))
    assert problem_in(refused).type.endswith("foreign-model")


def test_api4_a_key_that_calls_too_often(keyed: Service) -> None:
    assert keyed.client.get("/models", headers=bearer("key-slow")).status_code == 200
    refused = keyed.client.get("/models", headers=bearer("key-slow"))
    told = problem_in(refused)
    assert (told.status, told.type.rpartition(":")[2]) == (429, "too-many-requests")
    assert 1 <= int(refused.headers["retry-after"]) <= 100
    # Nobody else waits for it.
    assert keyed.client.get("/models", headers=bearer("key-everything")).status_code == 200


def test_a_browser_asks_for_the_key_where_there_is_something_to_see(keyed: Service) -> None:
    shown = ["/schema", "/schema/openapi.json", "/schema/assets/start.js", "/models/vans/versions/v1/report"]
    for path in shown:
        asked_for = keyed.client.get(path).headers["www-authenticate"]
        assert 'Basic realm="vehicle-anomaly"' in asked_for
        assert keyed.client.get(path, auth=("anybody", "key-everything")).status_code == 200
        assert keyed.client.get(path, auth=("key-everything", "")).status_code == 401
        assert keyed.client.get(path, headers={"authorization": "Basic !"}).status_code == 401
    for path, method, handler in handlers(keyed):
        access = handler.opt.get(ACCESS)
        if access is not None and access.in_browser:
            assert method in ("GET", "HEAD"), f"{path}: a browser would be made to send it by any page"


def test_a_preflight_needs_no_key_and_the_answer_to_none_can_be_read(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    origin = "https://app.example.org"
    entries = json.dumps(ENTRIES)
    with running(tmp_path_factory.mktemp("store"), api_keys=entries, cors_origins=(origin,)) as service:
        asked_first = {
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,x-api-key",
        }
        preflight = service.client.options("/score", headers=asked_first)
        assert preflight.is_success
        assert "authorization" in preflight.headers["access-control-allow-headers"]
        for path in ("/models", "/nowhere"):
            refused = service.client.get(path, headers={"origin": origin})
            assert refused.status_code == 401
            assert refused.headers["access-control-allow-origin"] == origin


def test_what_is_wrong_with_the_store_is_for_those_with_a_key(tmp_path: Path) -> None:
    with running(tmp_path, api_keys=json.dumps(ENTRIES), model_refresh_seconds=0.0) as service:
        assert service.client.post("/score", json=READING, headers=bearer("key-score")).status_code == 200
        (tmp_path / "default" / "LATEST").write_text("v9")
        assert service.client.post("/score", json=READING, headers=bearer("key-score")).status_code == 200
        stranger = service.client.get("/health/ready").json()
        assert stranger["status"] == "ready"
        assert "who has a key" in stranger["detail"]
        assert "v9" not in json.dumps(stranger)
        known = service.client.get("/health/ready", headers=bearer("key-score")).json()
        assert "v9" in known["degraded"]["default"]
        elsewhere = service.client.get("/health/ready", headers=bearer("key-vans")).json()
        assert "degraded" not in elsewhere


def test_keys_are_rotated_while_the_service_runs(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps([an_entry("old", "key-old", "score")]))
    with running(tmp_path / "store", api_keys=str(keys)) as service:
        assert service.client.post("/score", json=READING, headers=bearer("key-old")).status_code == 200
        keys.write_text(json.dumps([an_entry("new", "key-new", "score")]))
        until = monotonic() + 30
        while service.client.post("/score", json=READING, headers=bearer("key-new")).status_code != 200:
            assert monotonic() < until
        assert service.client.post("/score", json=READING, headers=bearer("key-old")).status_code == 401


def test_no_key_is_written_anywhere(keyed: Service, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    caplog.set_level("DEBUG")
    for path in ("/score", "/ingest", "/models", "/nowhere", "/metrics"):
        keyed.client.post(path, content=b"{", headers=bearer("key-everything"))
        keyed.client.get(path, headers={"x-api-key": "key-wrong"})
    metrics = keyed.client.get("/metrics", headers=bearer("key-everything")).text
    written = "".join([caplog.text, *capfd.readouterr(), metrics])
    assert "key-everything" not in written
    assert "key-wrong" not in written


def test_letting_somebody_in_takes_microseconds() -> None:
    door = Doorkeeper(KeyRing(json.dumps(ENTRIES)).find)
    handler = type("Handler", (), {"opt": {ACCESS: Access(KeyScope.SCORE)}})()
    headers = [(b"x-header-%d" % number, b"value") for number in range(8)]
    scope: Any = {
        "type": "http",
        "headers": [*headers, (b"authorization", b"Bearer key-everything")],
        "route_handler": handler,
        "path_params": {},
    }

    def each() -> float:
        began = process_time()
        for _ in range(5000):
            door.admit(scope)
        return (process_time() - began) / 5000

    # The bar is 3; twice that is left for machines that others use.
    took = min(each() for _ in range(7))
    assert took < 6e-6


def test_a_training_is_on_record_by_the_id_of_its_key_whatever_the_caller_says(keyed: Service) -> None:
    headers = {**bearer("key-everything"), "x-actor": "somebody else"}
    batch = {**BATCH, "model_name": "on-record", "model_version": "v1"}
    assert keyed.client.post("/ingest", json=batch, headers=headers).status_code == 201

    told = keyed.client.get("/models/on-record/promotions", headers=headers).json()

    assert [each["by"] for each in told["promotions"]] == ["everything@127.0.0.1"]
