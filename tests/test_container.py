"""The container makes every part, under every kind of settings."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from dependency_injector import providers
from dependency_injector.errors import Error
from litestar import Litestar

from tests.api_keys import an_entry
from tests.fakes import FixedClock, InMemoryModels, a_batch
from vehicle_anomaly.adapters.inbound.http.server import HttpServer
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.container import Container, open_keys
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.core.train_model import TrainModelCommand
from vehicle_anomaly.settings import FilesystemStore, ModelStore, S3Store, Settings, SettingsError

STORES: dict[type[ModelStore], Callable[[Path], ModelStore]] = {
    FilesystemStore: FilesystemStore,
    S3Store: lambda _: S3Store("models"),
}
ADAPTERS: dict[type[ModelStore], type[ModelRepository]] = {
    FilesystemStore: FilesystemModels,
    S3Store: S3Models,
}


def test_every_kind_of_store_is_tested() -> None:
    # The members of a union; the type itself while there is only one.
    assert set(STORES) == set(ADAPTERS) == set(get_args(ModelStore) or (ModelStore,))


@pytest.mark.parametrize("name", Container.providers)
@pytest.mark.parametrize("kind", STORES)
def test_every_provider_resolves(
    kind: type[ModelStore], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    queues = {name: f"http://127.0.0.1:9/123456789012/{name}" for name in ("request", "result")}
    settings = Settings(
        model_store=STORES[kind](tmp_path),
        api_keys=json.dumps([an_entry("somebody", "key", "score")]),
        request_queue_url=queues["request"],
        result_queue_url=queues["result"],
    )
    assert Container(settings=settings).providers[name]() is not None


@pytest.mark.parametrize("variable", ["REQUEST_QUEUE_URL", "RESULT_QUEUE_URL"])
def test_a_worker_needs_both_queues(variable: str) -> None:
    queue = "http://127.0.0.1:9/123456789012/queue"
    given: dict[str, Any] = {"request_queue_url": queue, "result_queue_url": queue, variable.lower(): None}
    with pytest.raises(SettingsError, match=f"{variable}: expected the URL of a queue"):
        Container(settings=Settings(**given)).worker()


@pytest.mark.parametrize("kind", STORES)
def test_the_store_is_the_one_that_the_settings_name(kind: type[ModelStore], tmp_path: Path) -> None:
    container = Container(settings=Settings(model_store=STORES[kind](tmp_path)))
    assert isinstance(container.model_store(), ADAPTERS[kind])


def test_settings_must_be_given_and_be_settings() -> None:
    with pytest.raises(Error, match="settings"):
        Container().http_server()
    with pytest.raises(Error, match="Settings"):
        Container(settings={"port": 1}).http_server()


def test_what_is_shared_is_one(tmp_path: Path) -> None:
    container = Container(settings=Settings(model_store=FilesystemStore(tmp_path)))
    assert container.train_model().models is container.score_telemetry().models is container.models()
    assert container.http_app() is container.http_app()
    assert Container(settings=container.settings()).models() is not container.models()


def test_the_settings_reach_the_parts(tmp_path: Path) -> None:
    settings = Settings(
        model_store=FilesystemStore(tmp_path),
        host="::1",
        port=1,
        max_body_bytes=7,
        max_bodies_bytes=9,
        drain_seconds=3,
        shutdown_delay_seconds=2,
        n_estimators=3,
        auto_promote=False,
    )
    container = Container(settings=settings)
    server, app = container.http_server(), container.http_app()
    assert isinstance(server, HttpServer)
    assert isinstance(app, Litestar)
    assert (server.config.host, server.config.port) == ("::1", 1)
    assert (container.bodies().max_bytes, container.bodies().max_bytes_at_once) == (7, 9)
    assert (container.stopping().delay_seconds, container.stopping().drain_seconds) == (2, 3)
    assert container.train_model().parameters.n_estimators == 3
    assert not container.train_model().auto_promote


def test_an_overridden_part_is_used_by_the_others(tmp_path: Path) -> None:
    container = Container(settings=Settings(model_store=FilesystemStore(tmp_path), n_estimators=3))
    models, clock = InMemoryModels(), FixedClock()
    container.model_store.override(providers.Object(models))
    container.clock.override(providers.Object(clock))
    published = container.train_model()(TrainModelCommand(a_batch()))
    assert published.trained_at == clock.moment
    assert models.latest(published.model_name) == published.model_version
    assert list(tmp_path.iterdir()) == []


def test_results_must_not_go_where_requests_come_from() -> None:
    queue = "http://127.0.0.1:9/123456789012/queue"
    with pytest.raises(
        SettingsError, match="RESULT_QUEUE_URL: expected another queue than REQUEST_QUEUE_URL"
    ):
        Container(settings=Settings(request_queue_url=queue, result_queue_url=queue)).worker()


KEYS = json.dumps([an_entry("somebody", "key", "score")])


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"auth": "off"},
        {"auth": "off", "environment": "production"},
        {"auth": "off", "api_keys": KEYS, "environment": "production"},
    ],
)
def test_anybody_may_call(given: dict[str, Any]) -> None:
    assert open_keys(Settings(**given)) is None


@pytest.mark.parametrize(
    "given", [{"api_keys": KEYS}, {"api_keys": KEYS, "auth": "on"}, {"api_keys": KEYS, "environment": "test"}]
)
def test_who_has_a_key_may_call(given: dict[str, Any]) -> None:
    keys = open_keys(Settings(**given))
    assert keys is not None
    assert keys.find(b"key") is not None


@pytest.mark.parametrize(
    "given", [{"auth": "on"}, {"environment": "production"}, {"environment": "Development"}]
)
def test_nobody_is_let_in_for_lack_of_keys(given: dict[str, Any]) -> None:
    with pytest.raises(
        SettingsError, match="API_KEYS: expected a JSON list of keys or the path of one, got none"
    ):
        open_keys(Settings(**given))


def test_a_signing_key_that_is_none_stops_the_start_and_is_not_told() -> None:
    with pytest.raises(SettingsError, match="MODEL_SIGNING_KEY: expected keys of 32") as raised:
        Container(settings=Settings(model_signing_key="secret")).model_store()
    assert "secret" not in str(raised.value)
