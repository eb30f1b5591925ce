"""Steps of features/streams.feature; only HTTP has streams."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from dependency_injector import providers
from pytest_bdd import given, parsers, scenarios, then, when

from tests.acceptance.conftest import STORES, make_store
from tests.acceptance.telemetry import Message, as_json, healthy, of_all_kinds, record, records
from tests.http_service import serving
from tests.line_streams import streaming
from vehicle_anomaly.container import Container
from vehicle_anomaly.settings import FilesystemStore, Settings

scenarios("streams.feature")

_PATH = "/score/batch"


@dataclass(slots=True)
class Streams:
    """A service that answers streams, and what was sent and told."""

    url: str
    client: httpx.Client
    sent: list[Message] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)

    def train(self, version: str, seed: int) -> None:
        """Train on healthy vehicles."""
        body = {"records": records(healthy(100, seed)), "model_version": version}
        self.client.post("/ingest", content=as_json(body)).raise_for_status()


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest, tmp_path: Path, new_bucket: Callable[[], str]) -> Iterator[Streams]:
    """Make the service and its store."""
    settings = Settings(model_store=FilesystemStore(tmp_path), n_estimators=30, model_refresh_seconds=0.0)
    container = Container(settings=settings)
    container.model_store.override(providers.Object(make_store(request.param, tmp_path, new_bucket)))
    with serving(container.http_app()) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield Streams(url, client)


@given(parsers.parse('version "{version}" of model "default" was trained on healthy vehicles'))
def trained(world: Streams, version: str) -> None:
    world.train(version, 1)


@when(parsers.parse("I stream {n_readings:d} readings of all kinds"))
def stream_many(world: Streams, n_readings: int) -> None:
    world.sent = records(of_all_kinds(n_readings))
    body = b"\n".join(map(as_json, world.sent))
    answer = world.client.post(_PATH, content=body, headers={"content-type": "application/x-ndjson"})
    world.told = [json.loads(line) for line in answer.content.splitlines()]


@when(parsers.parse('I stream {n_readings:d} readings of all kinds, explaining "{which}"'))
def stream_explaining(world: Streams, n_readings: int, which: str) -> None:
    body = b"\n".join(map(as_json, records(of_all_kinds(n_readings))))
    headers = {"content-type": "application/x-ndjson"}
    answer = world.client.post(_PATH, params={"explain": which}, content=body, headers=headers)
    world.told = [json.loads(line) for line in answer.content.splitlines()]


@then(parsers.parse("{which} are explained"))
def explained(world: Streams, which: str) -> None:
    anomalous = [told["is_anomaly"] for told in world.told]
    assert 0 < sum(anomalous) < len(anomalous)
    expected = {
        "all": [True] * len(anomalous),
        "the anomalies": anomalous,
        "none": [False] * len(anomalous),
    }[which]
    assert [told["explanation"] is not None for told in world.told] == expected


@then(parsers.parse('the stream is refused, naming "{place}"'))
def stream_refused(world: Streams, place: str) -> None:
    (problem,) = world.told
    assert place in problem["detail"]


@then("there is one line per reading, in order")
def in_order(world: Streams) -> None:
    assert [each["vehicle_id"] for each in world.told] == [each["vehicle_id"] for each in world.sent]


@then("the lines are what each reading would have got alone")
def as_alone(world: Streams) -> None:
    for sent, told in list(zip(world.sent, world.told, strict=True))[::250]:
        assert world.client.post("/score", content=as_json(sent)).json() == told


@when("I stream a reading of a healthy vehicle and wait")
def stream_one(world: Streams) -> None:
    with streaming(world.url) as stream:
        lines = stream.lines()
        for values in healthy(2).tolist():
            stream.send(as_json(record(values)) + b"\n")
            world.told.append(next(lines))
        stream.end()
        assert list(lines) == []


@then("its verdict is there before I send the next one")
def one_by_one(world: Streams) -> None:
    assert [each["model_version"] for each in world.told] == ["v1", "v1"]


@when("I stream a good line, a line that is cut off, and another good line")
def stream_bad(world: Streams) -> None:
    good = as_json(record(healthy(1).tolist()[0]))
    body = b"\n".join([good, good[:20], good])
    answer = world.client.post(_PATH, content=body, headers={"content-type": "application/x-ndjson"})
    world.told = [json.loads(line) for line in answer.content.splitlines()]


@then("the second line is told to be wrong by its number")
def second_is_wrong(world: Streams) -> None:
    assert world.told[1]["line"] == 2
    assert world.told[1]["type"].endswith(":malformed-message")


@then("the other two have verdicts")
def others_are_right(world: Streams) -> None:
    assert ["anomaly_score" in each for each in world.told] == [True, False, True]


@when(parsers.parse('I stream a reading, train version "{version}", and stream another reading'))
def stream_while_training(world: Streams, version: str) -> None:
    line = as_json(record(healthy(1).tolist()[0])) + b"\n"
    with streaming(world.url) as stream:
        lines = stream.lines()
        stream.send(line)
        world.told.append(next(lines))
        world.train(version, 2)
        stream.send(line)
        stream.end()
        world.told += lines


@then(parsers.parse('both verdicts are by version "{version}" of model "default"'))
def both_by(world: Streams, version: str) -> None:
    assert [each["model_version"] for each in world.told] == [version] * 2
