"""Steps of features/training.feature."""

import numpy as np
from pytest_bdd import given, parsers, scenarios, then, when

from tests.acceptance.conftest import World
from tests.acceptance.telemetry import NAMES, as_json, by_name, healthy, records

scenarios("training.feature")


def _train(world: World, n_readings: int, **fields: object) -> None:
    world.sent = {"records": records(healthy(n_readings)), "feature_names": NAMES, **fields}
    world.answer = world.driver.train(as_json(world.sent))


@when(parsers.parse("I train on {n_readings:d} readings of healthy vehicles"))
def train(world: World, n_readings: int) -> None:
    _train(world, n_readings)


@given(
    parsers.parse(
        'I trained version "{version}" of model "{name}" on {n_readings:d} readings of healthy vehicles'
    )
)
def trained(world: World, version: str, name: str, n_readings: int) -> None:
    _train(world, n_readings, model_name=name, model_version=version)
    world.first_answer = world.told


@when(
    parsers.parse(
        'I train version "{version}" of model "{name}" on {n_readings:d} readings of healthy vehicles'
    )
)
def train_version(world: World, version: str, name: str, n_readings: int) -> None:
    _train(world, n_readings, model_name=name, model_version=version)


@when(parsers.parse('I train version "{version}" of model "{name}" on the same readings again'))
def train_again(world: World, version: str, name: str) -> None:
    assert (world.sent["model_version"], world.sent["model_name"]) == (version, name)
    world.answer = world.driver.train(as_json(world.sent))


@when(
    parsers.parse(
        'I train on {n_readings:d} readings of healthy vehicles, {n_missing:d} of them without "{sensor}"'
    )
)
def train_with_missing(world: World, n_readings: int, n_missing: int, sensor: str) -> None:
    X = healthy(n_readings)
    X[:n_missing, NAMES.index(sensor)] = np.nan
    world.answer = world.driver.train(as_json({"records": records(X), "feature_names": NAMES}))


@when("I train on readings by name")
def train_by_name(world: World) -> None:
    world.answer = world.driver.train(as_json({"records": [by_name(each) for each in records(healthy(30))]}))


@then(parsers.parse('a new version of model "{name}" is published'))
def new_version_published(world: World, name: str) -> None:
    answer = world.driver.version(name, world.told["model_version"])
    assert isinstance(answer, dict)
    assert answer["model_name"] == world.told["model_name"] == name


@then(parsers.parse('version "{version}" of model "{name}" is published'))
def version_published(world: World, version: str, name: str) -> None:
    assert (world.told["model_version"], world.told["model_name"]) == (version, name)
    assert isinstance(world.driver.version(name, version), dict)


@then(parsers.parse('that version is the latest of model "{name}"'))
def is_latest(world: World, name: str) -> None:
    answer = world.driver.versions(name)
    assert isinstance(answer, dict)
    assert answer["latest"] == world.told["model_version"]


@then(parsers.parse('the models are "{names}"'))
def models_are(world: World, names: str) -> None:
    assert world.driver.models() == names.split(", ")


@then("there is no model")
def no_model(world: World) -> None:
    assert world.driver.models() == []


@then(parsers.parse("it says that {n_missing:d} readings had a missing value"))
def says_missing(world: World, n_missing: int) -> None:
    assert world.told["metadata"]["records_with_missing"] == n_missing


@then(parsers.parse('it says its features are "{names}"'))
def says_features(world: World, names: str) -> None:
    assert world.told["metadata"]["feature_names"] == names.split(", ")


@then("it was trained when it was first sent")
def trained_when_first_sent(world: World) -> None:
    assert world.told == world.first_answer


@then(
    parsers.parse(
        'version "{version}" of model "{name}" still says it was trained on {n_readings:d} readings'
    )
)
def still_says(world: World, version: str, name: str, n_readings: int) -> None:
    answer = world.driver.version(name, version)
    assert isinstance(answer, dict)
    assert answer["record_count"] == n_readings
