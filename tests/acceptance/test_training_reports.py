"""Steps of features/training_reports.feature."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_bdd import given, parsers, scenarios, then, when

from tests.acceptance.conftest import World
from tests.acceptance.telemetry import NAMES, Message, as_json, healthy, records
from tests.fakes import a_batch, a_trained_model
from vehicle_anomaly.core.model import ModelName, ModelVersion

scenarios("training_reports.feature")

COOLANT = NAMES.index("coolant_temperature_celsius")


@given(parsers.parse('version "{version}" of model "{name}" was trained before there were reports'))
def trained_without_report(world: World, version: str, name: str) -> None:
    batch = a_batch(n_features=len(NAMES), feature_names=NAMES)
    world.store.publish(replace(a_trained_model(version, model_name=name, batch=batch), report=None))


def _train(world: World, version: str, name: str, made: list[Message]) -> None:
    message = {"records": made, "feature_names": NAMES, "model_name": name, "model_version": version}
    answer = world.driver.train(as_json(message))
    assert isinstance(answer, dict), answer
    world.answer = world.driver.version(name, version)


def _readings(version: str, n_readings: int = 700) -> NDArray[np.float64]:
    return healthy(n_readings, seed=sum(version.encode()))


@when(parsers.parse('I train version "{version}" of model "{name}" on healthy vehicles'))
def train(world: World, version: str, name: str) -> None:
    _train(world, version, name, records(_readings(version)))


@when(
    parsers.parse('I train version "{version}" of model "{name}" on {count:d} readings of healthy vehicles')
)
def train_on_few(world: World, version: str, name: str, count: int) -> None:
    _train(world, version, name, records(_readings(version, count)))


@when(
    parsers.parse(
        'I train version "{version}" of model "{name}" on {count:d} readings of healthy vehicles for a '
        "false-alarm rate of {rate:g}"
    )
)
def train_on_few_for_rate(world: World, version: str, name: str, count: int, rate: float) -> None:
    message = {"records": records(_readings(version, count)), "feature_names": NAMES, "model_name": name}
    answer = world.driver.train(as_json({**message, "model_version": version, "false_alarm_rate": rate}))
    assert isinstance(answer, dict), answer
    world.first_answer, world.answer = answer, world.driver.version(name, version)


@then(parsers.parse('the answer to the training says so, and that it is about "{told}"'))
def answer_warns(world: World, told: str) -> None:
    assert isinstance(world.first_answer, dict)
    assert world.first_answer["warnings"] == world.told["report"]["warnings"]
    assert told in " ".join(each["message"] for each in world.first_answer["warnings"])


@then("the report tells below which score the forest is a reason, and how many readings lie there")
def tells_limit(world: World) -> None:
    scores = world.told["report"]["scores"]
    model = world.store.load(ModelName("default"), ModelVersion("v1"))
    assert model.guards is not None
    assert scores["isolation_limit"] == model.guards.isolation_limit != 0
    assert 0 <= scores["share_below_limit"] < scores["share_anomalous"]


@when(
    parsers.parse(
        'I train version "{version}" of model "{name}" on vehicles whose coolant temperature is always '
        "{value:d}"
    )
)
def train_on_constant(world: World, version: str, name: str, value: int) -> None:
    X = _readings(version)
    X[:, COOLANT] = value
    _train(world, version, name, records(X))


@when(
    parsers.parse(
        'I train version "{version}" of model "{name}" on vehicles of which "{vehicle}" always tells a '
        "coolant temperature of {value:d}"
    )
)
def train_on_stuck(world: World, version: str, name: str, vehicle: str, value: int) -> None:
    made = records(_readings(version))
    for each in made:
        if each["vehicle_id"] == vehicle:
            each["feature_vector"][COOLANT] = value
    _train(world, version, name, made)


@when(
    parsers.parse(
        'I train version "{version}" of model "{name}" on vehicles that hardly ever send the coolant '
        "temperature"
    )
)
def train_on_missing(world: World, version: str, name: str) -> None:
    X = _readings(version)
    X[np.arange(len(X)) % 50 != 0, COOLANT] = np.nan
    _train(world, version, name, records(X))


@when(
    parsers.parse('I train version "{version}" of model "{name}" on readings some of which stand there twice')
)
def train_on_duplicates(world: World, version: str, name: str) -> None:
    made = records(_readings(version))
    _train(world, version, name, [*made, *made[-7:]])


@when(
    parsers.parse(
        'I train version "{version}" of model "{name}" on vehicles that run {degrees:d} degrees cooler'
    )
)
def train_on_cooler(world: World, version: str, name: str, degrees: int) -> None:
    X = _readings(version)
    X[:, COOLANT] -= degrees
    _train(world, version, name, records(X))


@when(parsers.parse('I ask for version "{version}" of model "{name}"'))
def ask(world: World, version: str, name: str) -> None:
    world.answer = world.driver.version(name, version)


def _report(world: World) -> Any:
    return world.told["report"]


@then("the report tells range, median and quantiles of each signal")
def tells_signals(world: World) -> None:
    report = _report(world)
    assert [each["feature"] for each in report["features"]] == list(NAMES)
    for each in report["features"]:
        assert (
            each["minimum"] < each["quantiles"][0] < each["median"] < each["quantiles"][-1] < each["maximum"]
        )
        assert each["missing"] == 0


@then(parsers.parse("the report tells that about {share:d} % of the readings score below the threshold"))
def tells_scores(world: World, share: int) -> None:
    assert _report(world)["scores"]["share_anomalous"] == pytest.approx(share / 100, abs=0.01)


@then("the report warns of nothing")
def warns_of_nothing(world: World) -> None:
    assert _report(world)["warnings"] == []


@then(parsers.parse('the report warns that "{feature}" is "{code}"'))
def warns_of_feature(world: World, feature: str, code: str) -> None:
    assert [(each["feature"], each["code"]) for each in _report(world)["warnings"]] == [(feature, code)]


@then(parsers.parse('the report warns of "{code}"'))
def warns(world: World, code: str) -> None:
    assert (None, code) in [(each["feature"], each["code"]) for each in _report(world)["warnings"]]


@then("the warning says what to do")
def says_what_to_do(world: World) -> None:
    assert "leave it out, or check the sensor" in _report(world)["warnings"][0]["message"]


@then(parsers.parse('the warning names "{text}"'))
def warning_names(world: World, text: str) -> None:
    assert text in _report(world)["warnings"][0]["message"]


@then(parsers.parse('the report compares it with version "{version}"'))
def compares(world: World, version: str) -> None:
    assert _report(world)["change"]["since_version"] == version


@then("the report compares it with nothing")
def compares_with_nothing(world: World) -> None:
    assert _report(world)["change"] is None


@then("no signal changed")
def nothing_changed(world: World) -> None:
    assert {each["reading"] for each in _report(world)["change"]["features"]} == {"stable"}


@then(parsers.parse('"{feature}" changed and no other signal did'))
def changed(world: World, feature: str) -> None:
    readings = {each["feature"]: each["reading"] for each in _report(world)["change"]["features"]}
    assert readings.pop(feature) == "changed"
    assert set(readings.values()) == {"stable"}


@then("it has no report")
def no_report(world: World) -> None:
    assert _report(world) is None
