"""Steps of features/bad_telemetry.feature."""

from collections.abc import Callable
from typing import Any

from pytest_bdd import parsers, scenarios, then, when

from tests.acceptance.conftest import World
from tests.acceptance.drivers import Refused
from tests.acceptance.telemetry import NAMES, Message, as_json, by_name, healthy, record, records

scenarios("bad_telemetry.feature")

# Stands for a number in a message that is then replaced in its text: JSON libraries refuse to write these.
_STAND_IN = 987654.25


def _with(message: Message, **fields: Any) -> bytes:
    return as_json({**message, **fields})


def _record_17(message: Message, change: Callable[[Message], Message]) -> bytes:
    changed = [change(each) if position == 17 else each for position, each in enumerate(message["records"])]
    return _with(message, records=changed)


def _without(made: Message, field: str) -> Message:
    return {name: value for name, value in made.items() if name != field}


def _vector(made: Message, values: list[Any]) -> Message:
    return {**made, "feature_vector": values}


def _number_as(text: str) -> Callable[[Message], bytes]:
    def message(healthy_message: Message) -> bytes:
        changed = _record_17(healthy_message, lambda made: _vector(made, [1.0, _STAND_IN, 2.0]))
        return changed.replace(str(_STAND_IN).encode(), text.encode())

    return message


def _version_as(version: str) -> Callable[[Message], bytes]:
    return lambda batch: _with(batch, model_version=version)


_BATCH_FAULTS: dict[str, Callable[[Message], bytes]] = {
    "there are no records": lambda batch: _with(batch, records=[]),
    "record 17 has a number too few": lambda batch: _record_17(batch, lambda made: _vector(made, [1.0, 2.0])),
    "record 17 has a number too many": lambda batch: _record_17(batch, lambda made: _vector(made, [1.0] * 4)),
    "records 17 and 18 have different lengths": lambda _: as_json(
        {"records": [record([1.0] * (4 if position == 17 else 3)) for position in range(19)]}
    ),
    **{
        f"a number of record 17 is {text}": _number_as(text)
        for text in ("NaN", "Infinity", "1e400", "1e39", '"1"', "true")
    },
    "record 17 has an unknown field": lambda batch: _record_17(batch, lambda made: {**made, "colour": "red"}),
    "record 17 has no vehicle": lambda batch: _record_17(batch, lambda made: _without(made, "vehicle_id")),
    "record 17 has a vehicle of 65 characters": lambda batch: _record_17(
        batch, lambda made: {**made, "vehicle_id": "v" * 65}
    ),
    "record 17 was taken yesterday": lambda batch: _record_17(
        batch, lambda made: {**made, "timestamp": "yesterday"}
    ),
    "record 17 has neither a vector nor features": lambda batch: _record_17(
        batch, lambda made: _without(made, "feature_vector")
    ),
    "two features have the same name": lambda batch: _with(
        batch, feature_names=[NAMES[0], NAMES[0], NAMES[2]]
    ),
    "there is a name too few": lambda batch: _with(batch, feature_names=NAMES[:2]),
    "there is an unknown field": lambda batch: _with(batch, colour="red"),
    **{
        f"the version is {version}": _version_as(version)
        for version in ("../x", "a/b", "..", "%2e%2e", "LATEST")
    },
    "the model is ../x": lambda batch: _with(batch, model_name="../x"),
    "the message is cut off": lambda batch: as_json(batch)[:-40],
    "the message is nested 100000 deep": lambda _: b'{"records": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "the message is not UTF-8": lambda batch: _record_17(
        batch, lambda made: {**made, "vehicle_id": "stand-in"}
    ).replace(b"stand-in", b"\xff\xfe"),
}

_READING_FAULTS: dict[str, Callable[[Message], bytes]] = {
    "there is a number too few": lambda made: _with(made, feature_vector=[1.0, 2.0]),
    "a number is NaN": lambda made: _with(made, feature_vector=[1.0, _STAND_IN, 2.0]).replace(
        str(_STAND_IN).encode(), b"NaN"
    ),
    'a number is "1"': lambda made: _with(made, feature_vector=[1.0, "1", 2.0]),
    "there is an unknown sensor": lambda made: _with(by_name(made), features={"oil": 1.0}),
    "a sensor sent text": lambda made: _with(by_name(made), features={NAMES[0]: 1.0, NAMES[1]: "fast"}),
    "there is an unknown field": lambda made: _with(made, colour="red"),
    "the version is ../x": lambda made: _with(made, model_version="../x"),
}


def _healthy_batch() -> Message:
    return {"records": records(healthy(30)), "feature_names": NAMES, "model_version": "v2"}


@when(parsers.re(r"I train on a batch where (?P<fault>(?!records 3, 5).*)"))
def train_with_fault(world: World, fault: str) -> None:
    world.answer = world.driver.train(_BATCH_FAULTS[fault](_healthy_batch()))


@when(parsers.parse("I score a reading where {fault}"))
def score_with_fault(world: World, fault: str) -> None:
    world.answer = world.driver.score(_READING_FAULTS[fault](record(healthy(1).tolist()[0])))


@when(parsers.parse("I score a batch where {fault}"))
def score_batch_with_fault(world: World, fault: str) -> None:
    world.answer = world.driver.score_batch(_BATCH_FAULTS[fault]({"records": records(healthy(30))}))


@when("I train on a batch where records 3, 5 and 8 have text for a number")
def train_with_three_faults(world: World) -> None:
    batch = _healthy_batch()
    for position in (3, 5, 8):
        batch["records"][position]["feature_vector"][1] = "text"
    world.answer = world.driver.train(as_json(batch))


@then(parsers.parse('the places "{places}" are told'))
def places_told(world: World, places: str) -> None:
    assert isinstance(world.answer, Refused)
    expected = [
        f"/{place.replace('[', '/').replace(']', '').replace('.', '/')}" for place in places.split(", ")
    ]
    assert list(world.answer.places) == expected
