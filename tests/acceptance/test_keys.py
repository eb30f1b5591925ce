"""Steps of features/keys.feature; only HTTP asks for keys."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from dependency_injector import providers
from pytest_bdd import given, parsers, scenarios, then, when

from tests.acceptance.conftest import STORES, make_store
from tests.acceptance.drivers import Answer, Http, Refused
from tests.acceptance.telemetry import as_json, healthy, record, records
from tests.api_keys import an_entry
from tests.http_service import serving
from vehicle_anomaly.container import Container
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.settings import FilesystemStore, Settings

scenarios("keys.feature")


@dataclass(slots=True)
class Keyed:
    """A service that asks for keys, which are given out before it begins.

    Attributes:
        store: Of its models.
        stack: What ends with the scenario.
        entries: The keys that were given out.
        answers: To what was asked, in order.
        retry_after: What the last answer said of asking again.
    """

    store: ModelRepository
    stack: ExitStack
    entries: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    retry_after: str = ""
    _client: httpx.Client | None = None

    @property
    def client(self) -> httpx.Client:
        """A caller without a key of its own."""
        if self._client is None:
            keys = json.dumps(self.entries)
            settings = Settings(
                model_store=FilesystemStore(), n_estimators=30, model_refresh_seconds=0.0, api_keys=keys
            )
            container = Container(settings=settings)
            container.model_store.override(providers.Object(self.store))
            url = self.stack.enter_context(serving(container.http_app()))
            self._client = self.stack.enter_context(httpx.Client(base_url=url, timeout=60))
        return self._client

    def ask(self, whose: str | None, ask: Callable[[Http], Answer]) -> Answer:
        """Ask with somebody's key."""
        self.client.headers.pop("X-API-Key", None)
        if whose is not None:
            self.client.headers["X-API-Key"] = f"key-of-{whose}"
        self.client.event_hooks["response"] = [self._hear]
        self.answers.append(ask(Http(self.client)))
        return self.answers[-1]

    def _hear(self, response: httpx.Response) -> None:
        self.retry_after = response.headers.get("Retry-After", "")


@pytest.fixture(params=STORES, autouse=True)
def world(request: pytest.FixtureRequest, tmp_path: Path, new_bucket: Callable[[], str]) -> Iterator[Keyed]:
    """Make the store; the service begins when it is first asked."""
    with ExitStack() as stack:
        yield Keyed(make_store(request.param, tmp_path, new_bucket), stack)


@given(parsers.parse('version "{version}" of model "{name}" was trained on healthy vehicles'))
def trained_before(world: Keyed, version: str, name: str) -> None:
    container = Container(settings=Settings(n_estimators=30, auth="off"))
    container.model_store.override(providers.Object(world.store))
    with serving(container.http_app()) as url, httpx.Client(base_url=url, timeout=60) as client:
        body = {"records": records(healthy(60)), "model_name": name, "model_version": version}
        client.post("/ingest", content=as_json(body)).raise_for_status()


@given(parsers.parse('the key "{whose}" may score, with model "{name}"'))
def may_score(world: Keyed, whose: str, name: str) -> None:
    world.entries.append(an_entry(whose, f"key-of-{whose}", "score", models=[name]))


@given(parsers.parse('the key "{whose}" may train, once'))
def may_train(world: Keyed, whose: str) -> None:
    world.entries.append(an_entry(whose, f"key-of-{whose}", "train", requests_per_second=0.001))


@given(parsers.parse('the key "{whose}" may look at models and promote'))
def may_look(world: Keyed, whose: str) -> None:
    world.entries.append(an_entry(whose, f"key-of-{whose}", "models:read", "models:write"))


@when(parsers.parse('somebody without a key scores a reading with model "{name}"'))
def score_without(world: Keyed, name: str) -> None:
    world.ask(None, lambda service: service.score(_reading(name)))


@when(parsers.parse('"{whose}" scores a reading with model "{name}"'))
def score(world: Keyed, whose: str, name: str) -> None:
    world.ask(whose, lambda service: service.score(_reading(name)))


@when(parsers.parse('"{whose}" trains model "{name}"'))
def train(world: Keyed, whose: str, name: str) -> None:
    body = as_json({"records": records(healthy(60, seed=len(world.answers) + 1)), "model_name": name})
    world.ask(whose, lambda service: service.train(body))


@then("it gets a verdict")
def verdict(world: Keyed) -> None:
    answer = world.answers[-1]
    assert isinstance(answer, dict), answer
    assert answer["is_anomaly"] is False


@then(parsers.parse('it is turned away for "{kind}"'))
def turned_away(world: Keyed, kind: str) -> None:
    answer = world.answers[-1]
    assert isinstance(answer, Refused), answer
    assert answer.kind == kind


@then("it is told when to ask again")
def told_when(world: Keyed) -> None:
    assert int(world.retry_after) > 0


@then(parsers.re(r'model "(?P<name>[^"]+)" still has (?P<count>\d+) versions?'))
def still_has(world: Keyed, name: str, count: str) -> None:
    known = world.ask("lead", lambda service: service.versions(name))
    assert isinstance(known, dict), known
    assert len(known["versions"]) == int(count)


def _reading(name: str) -> bytes:
    return as_json(record(healthy(1).tolist()[0], model_name=name))
