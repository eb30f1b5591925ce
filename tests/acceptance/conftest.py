"""The world of the feature files: a service, the way into it and the store behind it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import pytest
from dependency_injector import providers
from pytest_bdd import given, parsers, then, when

from tests.acceptance.drivers import Answer, Driver, Http, InProcess, Refused
from tests.acceptance.queue_driver import Queue, answering, on_queues, shared_clients
from tests.acceptance.telemetry import NAMES, Message, as_json, by_name, healthy, record, records
from tests.fakes import ADA, InMemoryModels
from tests.http_service import serving
from tests.queues import make_queues
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.container import Container, open_model_store
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand
from vehicle_anomaly.settings import FilesystemStore, S3Store, Settings

STORES = ("in-memory", "filesystem", "s3")
DRIVERS = ("in-process", "http", "queue")
"""Add a store or a driver here and every scenario runs through it."""


@dataclass(slots=True)
class World:
    """What a scenario works with.

    Attributes:
        driver: The way into the service.
        store: What is behind the service, for what happened before or beside the scenario.
        train_model: Publishes straight to the store, as another trainer would.
        answer: To the last thing that was asked.
        sent: The last batch that was sent, or the readings that were scored.
    """

    driver: Driver
    store: ModelRepository
    train_model: TrainModel
    answer: Answer = field(default_factory=dict)
    first_answer: Answer = field(default_factory=dict)
    sent: Message = field(default_factory=dict)

    def trained_before(self, name: str, version: str, n_readings: int = 100) -> None:
        """Train on healthy vehicles, past the driver; each version on other readings."""
        X = healthy(n_readings, seed=sum(version.encode()))
        made = records(X)
        batch = TelemetryBatch(
            X,
            [each["vehicle_id"] for each in made],
            np.array([each["timestamp"].removesuffix("Z") for each in made], dtype="datetime64[us]"),
            NAMES,
        )
        self.train_model(TrainModelCommand(batch, ModelName(name), ModelVersion(version)))

    @property
    def told(self) -> Message:
        """The last answer, which must not be a refusal."""
        assert isinstance(self.answer, dict), self.answer
        return self.answer


def make_store(kind: str, folder: Path, new_bucket: Callable[[], str]) -> ModelRepository:
    """Make an empty store."""
    stores: dict[str, Callable[[], ModelRepository]] = {
        "in-memory": InMemoryModels,
        "filesystem": lambda: FilesystemModels(folder),
        "s3": lambda: open_model_store(S3Store(new_bucket(), "fleet")),
    }
    return stores[kind]()


@pytest.fixture(
    params=[(driver, store) for driver in DRIVERS for store in STORES], ids="-".join, autouse=True
)
def world(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    new_bucket: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """Make the service, its store, and the way into it."""
    driver, store = request.param
    # The latest version is asked for anew each time: another trainer's is seen at once.
    settings = Settings(
        model_store=FilesystemStore(tmp_path),
        n_estimators=30,
        model_refresh_seconds=0.0,
        guards="off" if request.node.get_closest_marker("guards_off") else "on",
        auto_promote=request.node.get_closest_marker("candidates") is None,
    )
    queues = make_queues(max_receive_count=1) if driver == "queue" else None
    if queues is not None:
        settings = on_queues(settings, queues)
    container = Container(settings=settings)
    container.model_store.override(providers.Object(make_store(store, tmp_path, new_bucket)))
    beside = TrainModel(
        container.model_store(),
        container.clock(),
        settings.forest_parameters,
        auto_promote=settings.auto_promote,
    )
    with ExitStack() as stack:
        way_in: Driver
        if driver == "http":
            url = stack.enter_context(serving(container.http_app()))
            way_in = Http(stack.enter_context(httpx.Client(base_url=url, timeout=60)))
        elif queues is not None:
            # Making clients takes longer than most scenarios.
            monkeypatch.setattr("vehicle_anomaly.container.connect", shared_clients)
            queue = Queue(container, queues, shared_clients().s3, new_bucket())
            queue.log = stack.enter_context(answering(container.worker(), queues))
            way_in = queue
        else:
            way_in = InProcess(container.train_model(), container.score_telemetry(), container.models())
        yield World(way_in, container.model_store(), beside)


@given(parsers.parse('version "{version}" of model "{name}" was trained on healthy vehicles'))
def trained_before(world: World, version: str, name: str) -> None:
    world.trained_before(name, version)


@given(parsers.parse('version "{version}" was made the latest of model "{name}"'))
def promoted_before(world: World, version: str, name: str) -> None:
    world.store.promote(ModelName(name), ModelVersion(version), ADA)


@when("I score a reading of a healthy vehicle")
def score_healthy(world: World) -> None:
    world.answer = world.driver.score(as_json(record(healthy(1).tolist()[0])))


@when(
    parsers.parse(
        'I score a reading with "engine_speed_rpm" {engine:g}, "vehicle_speed_kmh" {speed:g} '
        'and "coolant_temperature_celsius" {coolant:g}'
    )
)
def score_reading(world: World, engine: float, speed: float, coolant: float) -> None:
    world.answer = world.driver.score(as_json(by_name(record([engine, speed, coolant]))))


@when(parsers.parse('I score a reading by name without "{sensor}"'))
def score_by_name_without(world: World, sensor: str) -> None:
    named = by_name(record(healthy(1).tolist()[0]))
    del named["features"][sensor]
    world.answer = world.driver.score(as_json(named))


@then(parsers.parse('it is refused as "{kind}", naming "{place}"'))
def refused(world: World, kind: str, place: str) -> None:
    assert isinstance(world.answer, Refused), world.answer
    assert world.answer.kind == kind
    assert place in world.answer.detail


@then(parsers.parse('version "{version}" is still the latest of model "{name}"'))
def still_latest(world: World, version: str, name: str) -> None:
    answer = world.driver.versions(name)
    assert isinstance(answer, dict)
    assert answer["latest"] == version


@then(parsers.re(r'model "(?P<name>[^"]+)" has (?P<count>\d+) versions?'))
def has_versions(world: World, name: str, count: str) -> None:
    answer = world.driver.versions(name)
    assert isinstance(answer, dict)
    assert len(answer["versions"]) == int(count)


@then(parsers.parse("it says it was trained on {n_readings:d} readings of {n_features:d} features"))
def trained_on(world: World, n_readings: int, n_features: int) -> None:
    metadata = world.told.get("metadata", world.told)
    assert (metadata["record_count"], metadata["n_features"]) == (n_readings, n_features)


@then(parsers.parse('the verdict is by version "{version}" of model "{name}"'))
def verdict_by(world: World, version: str, name: str) -> None:
    assert (world.told["model_version"], world.told["model_name"]) == (version, name)
