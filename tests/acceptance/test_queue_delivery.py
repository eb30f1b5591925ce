"""Steps of features/queue_delivery.feature: what only a queue does, on every store."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import providers
from pytest_bdd import given, parsers, scenarios, then, when

from tests.acceptance.conftest import STORES, World, make_store
from tests.acceptance.drivers import InProcess, refused
from tests.acceptance.queue_driver import answering, on_queues, shared_clients, stop
from tests.acceptance.telemetry import NAMES, as_json, healthy, record, records
from tests.queues import Queues, Received, make_queues
from vehicle_anomaly.adapters.inbound.sqs.worker import Worker
from vehicle_anomaly.container import Container
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.train_model import TrainModel
from vehicle_anomaly.settings import FilesystemStore, Settings

scenarios("queue_delivery.feature")

WHAT = {
    "a text that is no JSON": "hello?",
    "a request of a kind unknown to us": '{"type": "explain"}',
    "a reading with NaN": as_json({"type": "score", **record([float("nan"), 1.0, 2.0])}).decode(),
    "a batch without its end": '{"type": "score_batch", "records": [',
}


@dataclass(slots=True)
class QueueWorld(World):
    """A world whose service is a worker.

    Attributes:
        kind: How the queues are made.
        stack: What ends with the scenario.
        made: The queues, once there are any.
        sent_ids: Message ids, in order.
    """

    kind: dict[str, Any] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)
    made: list[Queues] = field(default_factory=list)
    sent_ids: list[str] = field(default_factory=list)

    @property
    def queues(self) -> Queues:
        """The queues, with a worker on them."""
        if not self.made:
            self.made.append(make_queues(**self.kind))
            self.stack.enter_context(answering(self.worker(), self.made[0]))
        return self.made[0]

    def worker(self) -> Worker:
        """Make another worker on the same queues and the same store."""
        settings = Settings(model_store=FilesystemStore(), n_estimators=30, model_refresh_seconds=0.0)
        container = Container(settings=on_queues(settings, self.made[0]))
        container.model_store.override(providers.Object(self.store))
        return container.worker()

    def send(self, body: str, group: str | None = None) -> None:
        """Send a request."""
        self.sent_ids.append(self.queues.send(body, group=group))


@pytest.fixture(params=STORES, autouse=True)
def world(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    new_bucket: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """Make the store; the queues and the worker follow when something is sent."""
    monkeypatch.setattr("vehicle_anomaly.container.connect", shared_clients)
    container = Container(settings=Settings(n_estimators=30))
    store = make_store(request.param, tmp_path, new_bucket)
    train_model = TrainModel(store, container.clock(), container.settings().forest_parameters)
    driver = InProcess(train_model, ScoreTelemetry(store), store)
    with ExitStack() as stack:
        yield QueueWorld(driver, store, train_model, stack=stack)


def _reading(position: int = 0, **fields: Any) -> str:
    values = healthy(position + 1).tolist()[position]
    return as_json({"type": "score", **record(values, position, **fields)}).decode()


@given("a queue that delivers some requests twice")
def delivers_twice(world: QueueWorld) -> None:
    world.kind = {"twice": True}


@given("a queue that keeps the order of each vehicle")
def keeps_order(world: QueueWorld) -> None:
    world.kind = {"fifo": True}


@when(parsers.parse("I send {count:d} batches to learn from"))
def send_batches(world: QueueWorld, count: int) -> None:
    for seed in range(count):
        batch = {"type": "ingest", "records": records(healthy(30, seed)), "feature_names": NAMES}
        world.send(as_json(batch).decode())


@then("one of them is answered twice, in the same words")
def answered_twice(world: QueueWorld) -> None:
    results = world.queues.take_results(len(world.sent_ids) + 1)
    counts = Counter(one.told["request_id"] for one in results)
    assert sorted(counts) == sorted(world.sent_ids)
    assert sorted(counts.values()) == [1] * (len(world.sent_ids) - 1) + [2]
    assert len({one.body for one in results}) == len(world.sent_ids)
    assert {one.told["type"] for one in results} == {"ingested"}


@when(parsers.parse('I send a reading to score with model "{name}"'))
def send_to_model(world: QueueWorld, name: str) -> None:
    world.send(_reading(model_name=name))
    [answer] = world.queues.take_results(1)
    world.answer = refused(answer.told["problem"])


@then("no request is left")
def none_left(world: QueueWorld) -> None:
    world.queues.wait_until_all_deleted()


@then("there is no dead letter")
def no_dead_letter(world: QueueWorld) -> None:
    assert world.queues.count(world.queues.dead_letters) == 0


@when("I send a reading of a healthy vehicle")
def send_reading(world: QueueWorld) -> None:
    world.send(_reading())


@when(parsers.re(f"I send (?P<what>{'|'.join(WHAT)})"))
def send_what(world: QueueWorld, what: str) -> None:
    world.send(WHAT[what])


@then("that reading is scored")
def reading_scored(world: QueueWorld) -> None:
    [answer] = world.queues.take_results(1)
    assert (answer.told["type"], answer.told["request_id"]) == ("scored", world.sent_ids[-1])


@then(parsers.parse("the dead-letter queue holds {what}, untouched"))
def dead_letter(world: QueueWorld, what: str) -> None:
    [letter] = world.queues.take_dead_letters(1)
    assert (letter.message_id, letter.body) == (world.sent_ids[0], WHAT[what])
    assert world.queues.take(world.queues.results, wait_seconds=0) == []


@when(parsers.parse("I send {count:d} readings of each of {n_vehicles:d} vehicles, by turns"))
def send_by_turns(world: QueueWorld, count: int, n_vehicles: int) -> None:
    for position in range(count):
        for vehicle in range(n_vehicles):
            name = f"veh-{vehicle}"
            world.send(_reading(position, vehicle_id=name), group=name)


@then("the results of each vehicle come in the order of its readings")
def in_order(world: QueueWorld) -> None:
    results = world.queues.take_results(len(world.sent_ids))
    assert len(results) == len(world.sent_ids)
    order: dict[str, list[str]] = {}
    for one in results:
        assert one.group_id == one.told["vehicle_id"]
        order.setdefault(one.told["vehicle_id"], []).append(one.told["timestamp"])
    assert len(order) == 3
    assert all(timestamps == sorted(timestamps) for timestamps in order.values())


@when(parsers.parse("I send {count:d} readings of healthy vehicles"))
def send_readings(world: QueueWorld, count: int) -> None:
    # Before there is a worker: it is to be told to stop in the midst of them.
    world.made.append(make_queues())
    for position in range(count):
        world.send(_reading(position))


@when("the worker is told to stop when the first of them is answered")
def stop_in_the_midst(world: QueueWorld) -> None:
    worker = world.worker()
    thread = threading.Thread(target=worker.run, name="worker")
    thread.start()
    world.sent = {"results": world.queues.take_until(world.queues.results, bool)}
    stop(worker, world.queues, thread)


@then("the worker ends by itself")
def ended(world: QueueWorld) -> None:
    assert not any(thread.name == "worker" for thread in threading.enumerate())


@then("what it has not answered is answered by the next one")
def answered_by_the_next(world: QueueWorld) -> None:
    results: list[Received] = world.sent["results"]
    wanted = set(world.sent_ids)

    def answered(taken: list[Received]) -> bool:
        return wanted <= {one.told["request_id"] for one in (*results, *taken)}

    with answering(world.worker(), world.queues):
        results += world.queues.take_until(world.queues.results, answered)
        world.queues.wait_until_all_deleted()
    assert {one.told["type"] for one in results} == {"scored"}
    assert world.queues.count(world.queues.dead_letters) == 0
