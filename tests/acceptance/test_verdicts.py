"""Steps of features/verdicts.feature."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytest_bdd import given, parsers, scenarios, then, when

from tests.acceptance.conftest import World
from tests.acceptance.guarded_versions import (
    from_before,
    on_failing_sensors,
    on_healthy_vehicles,
    on_unrelated_sensors,
    unrelated,
)
from tests.acceptance.telemetry import NAMES, as_json, healthy, of_all_kinds, record, records
from vehicle_anomaly.core.attribution import PathAttribution
from vehicle_anomaly.core.forest import average_path_length
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelVersion, TrainedModel

scenarios("verdicts.feature")


@given(parsers.parse('version "{version}" of model "default" was trained with guards on healthy vehicles'))
def trained_with_guards(world: World, version: str) -> None:
    world.store.publish(on_healthy_vehicles(version))


@given(parsers.parse('version "{version}" was trained with guards on healthy vehicles, as a larger forest'))
def trained_larger(world: World, version: str) -> None:
    world.store.publish(on_healthy_vehicles(version, n_estimators=150))


@given(parsers.parse('version "{version}" of model "default" was trained with guards on unrelated sensors'))
def trained_on_unrelated(world: World, version: str) -> None:
    world.store.publish(on_unrelated_sensors(version))


@given(
    parsers.parse(
        'version "{version}" of model "default" was trained with guards on vehicles whose sensors fail now '
        "and then"
    )
)
def trained_on_failing(world: World, version: str) -> None:
    world.store.publish(on_failing_sensors(version))


@given(parsers.parse('version "{version}" of model "default" was stored before there were guards'))
def stored_before(world: World, version: str) -> None:
    world.store.publish(from_before(version))


@when(parsers.parse('I score a reading of a healthy vehicle, explaining "{which}"'))
def score_explaining(world: World, which: str) -> None:
    world.answer = world.driver.score(as_json(record(healthy(1).tolist()[0], explain=which)))


@when(parsers.parse('I score {n_readings:d} readings of all kinds at once, explaining "{which}"'))
def score_many_explaining(world: World, n_readings: int, which: str) -> None:
    world.sent = {"records": records(of_all_kinds(n_readings)), "explain": which}
    world.answer = world.driver.score_batch(as_json(world.sent))


@when(parsers.parse('I score {n_readings:d} readings of all kinds at once by version "{version}"'))
def score_many_by_version(world: World, n_readings: int, version: str) -> None:
    world.sent = {"records": records(of_all_kinds(n_readings)), "model_version": version}
    world.answer = world.driver.score_batch(as_json(world.sent))


@when(parsers.parse("I score {n_readings:d} new readings of such sensors at once"))
def score_unrelated(world: World, n_readings: int) -> None:
    world.answer = world.driver.score_batch(as_json({"records": records(unrelated(n_readings, seed=2))}))


@when(parsers.parse('I score {n_readings:d} readings of healthy vehicles by "{first}" and by "{second}"'))
def score_by_both(world: World, n_readings: int, first: str, second: str) -> None:
    made = records(healthy(n_readings, seed=11))
    answers = [
        world.driver.score_batch(as_json({"records": made, "model_version": version}))
        for version in (first, second)
    ]
    assert isinstance(answers[0], dict)
    assert isinstance(answers[1], dict)
    world.first_answer, world.answer = answers


@when(
    parsers.parse(
        'I train version "{version}" on {n_readings:d} readings of healthy vehicles '
        "for a false-alarm rate of {rate:g}"
    )
)
def train_for_rate(world: World, version: str, n_readings: int, rate: float) -> None:
    message = {
        "records": records(healthy(n_readings)),
        "feature_names": NAMES,
        "model_version": version,
        "false_alarm_rate": rate,
    }
    world.answer = world.driver.train(as_json(message))


@then("there is no reason to call it an anomaly")
def no_reason(world: World) -> None:
    assert (world.told["is_anomaly"], world.told["reasons"]) == (False, [])


@then(parsers.parse("more than {percent:d} % of healthy readings score lower"))
def more_score_lower(world: World, percent: int) -> None:
    assert percent / 100 < world.told["percentile"] <= 1


@then(parsers.parse("fewer than {percent:d} % of healthy readings score lower"))
def fewer_score_lower(world: World, percent: int) -> None:
    assert 0 <= world.told["percentile"] < percent / 100


@then("it is not explained")
def not_explained(world: World) -> None:
    assert world.told["explanation"] is None


@when("I score a reading in which no sensor has a value")
def score_without_anything(world: World) -> None:
    world.answer = world.driver.score(as_json(record([None] * len(NAMES))))


@then("it is an anomaly, because no sensor has a value")
def anomaly_because_of_silence(world: World) -> None:
    assert world.told["is_anomaly"] is True
    (reason,) = world.told["reasons"]
    assert (reason["code"], reason["feature"], reason["observed"]) == ("missing", None, None)
    assert reason["message"].startswith("No sensor has a value")


@then(parsers.parse('it is an anomaly, because "{sensor}" is "{code}"'))
def anomaly_because(world: World, sensor: str, code: str) -> None:
    assert world.told["is_anomaly"] is True
    assert (world.told["reasons"][0]["feature"], world.told["reasons"][0]["code"]) == (sensor, code)
    assert sensor in world.told["reasons"][0]["message"]


@then(parsers.parse('it is an anomaly, because "{first}" and "{second}" contradict each other'))
def anomaly_because_either(world: World, first: str, second: str) -> None:
    # Of two that depend on each other alone, nobody can tell which is at fault.
    assert world.told["reasons"][0]["feature"] in {first, second}
    anomaly_because(world, world.told["reasons"][0]["feature"], "inconsistent")


@then("the reason says what was read and what was to be expected")
def says_expected(world: World) -> None:
    reason = world.told["reasons"][0]
    medians = dict(zip(NAMES, on_healthy_vehicles("v1").medians.tolist(), strict=True))
    assert f"{reason['observed']:.4g}" in reason["message"]
    assert f"{reason['expected']:.4g}" in reason["message"]
    if reason["feature"] == "coolant_temperature_celsius":
        # It depends on nothing: what is expected is what is usual.
        assert abs(reason["expected"] - medians[reason["feature"]]) < 3
    else:
        # 65 km/h go with 2,230 revolutions, and 1,100 of these with 14 km/h.
        suggested = {"engine_speed_rpm": 2230, "vehicle_speed_kmh": 13.6}[reason["feature"]]
        assert abs(reason["expected"] - suggested) < 0.2 * suggested


@then("it says how many times the usual difference that is")
def says_deviation(world: World) -> None:
    reason = world.told["reasons"][0]
    assert abs(reason["deviation"]) > 2
    assert (reason["deviation"] > 0) == (reason["observed"] > reason["expected"])


@then(
    parsers.parse('the explanation has nothing observed of "{sensor}", and expects what is usual'),
)
def explained_as_usual(world: World, sensor: str) -> None:
    (told,) = [each for each in world.told["explanation"] if each["feature"] == sensor]
    usual = on_healthy_vehicles("v1").medians[NAMES.index(sensor)]
    assert told["observed"] is None
    assert abs(told["expected"] - usual) < 3


@then("it is an anomaly for the forest, too")
def anomaly_for_forest(world: World) -> None:
    assert world.told["is_anomaly"] is True
    assert world.told["reasons"][-1]["code"] == "isolation"
    assert world.told["anomaly_score"] < 0


@then("the explanation says what each sensor contributed, the largest first")
def explanation_in_order(world: World) -> None:
    told = world.told["explanation"]
    assert sorted(each["feature"] for each in told) == sorted(NAMES)
    sizes = [abs(each["contribution"]) for each in told]
    assert sizes == sorted(sizes, reverse=True)


@then("the contributions add up to the score")
def adds_up(world: World) -> None:
    assert_adds_up(on_healthy_vehicles("v1"), world.told)


def assert_adds_up(model: TrainedModel, told: dict[str, Any]) -> None:
    """Compare contributions with the path length that the score stands for."""
    power = -(told["anomaly_score"] + model.forest.offset)
    path_length = -np.log2(power) * average_path_length(model.forest.max_samples)
    gained = sum(each["contribution"] for each in told["explanation"])
    assert abs(gained - (path_length - PathAttribution.of(model.forest).mean_path_length)) < 1e-9


@then("the explanation says what was to be expected of each sensor, and how far it is from that")
def explains_what_was_expected(world: World) -> None:
    told = {each["feature"]: each for each in world.told["explanation"]}
    # 65 km/h go with 2,230 revolutions, and 1,100 of these with 14 km/h.
    # Who is not believed suggests nothing.
    medians = on_healthy_vehicles("v1").medians
    usual = [2230.0, 13.6, float(medians[2])]
    blamed = {reason["feature"] for reason in world.told["reasons"]}
    if "engine_speed_rpm" in blamed:
        usual[1] = float(medians[1])
    else:
        usual[0] = float(medians[0])
    for name, expected in zip(NAMES, usual, strict=True):
        one = told[name]
        if name in blamed or name == "coolant_temperature_celsius":
            assert abs(one["expected"] - expected) < 0.2 * expected
        assert (one["deviation"] > 0) == (one["observed"] > one["expected"])


@then("of a sensor that is a reason, it says what the reason says")
def explains_as_reasons_do(world: World) -> None:
    told = {each["feature"]: each for each in world.told["explanation"]}
    reasons = [reason for reason in world.told["reasons"] if reason["feature"] is not None]
    assert reasons
    for reason in reasons:
        for field in ("observed", "expected", "deviation"):
            assert told[reason["feature"]][field] == reason[field]


@then(parsers.parse("{which} are explained"))
def explained(world: World, which: str) -> None:
    verdicts = world.told["results"]
    anomalous = [verdict["is_anomaly"] for verdict in verdicts]
    assert 0 < sum(anomalous) < len(anomalous)
    expected = {
        "all": [True] * len(verdicts),
        "the anomalies": anomalous,
        "anomalies": anomalous,
        "none": [False] * len(verdicts),
    }[which]
    assert [verdict["explanation"] is not None for verdict in verdicts] == expected


@then(parsers.parse('one of them scored alone, explaining "{which}", gets the same verdict'))
def alone_the_same(world: World, which: str) -> None:
    anomalous = [verdict["is_anomaly"] for verdict in world.told["results"]]
    for place in (anomalous.index(True), anomalous.index(False)):
        alone = world.driver.score(as_json({**world.sent["records"][place], "explain": which}))
        assert alone == world.told["results"][place]


def of_both(world: World, field: str) -> list[NDArray[np.float64]]:
    """Return what two versions say of the same readings."""
    assert isinstance(world.first_answer, dict)
    answers = (world.first_answer, world.told)
    return [np.array([verdict[field] for verdict in answer["results"]]) for answer in answers]


@then("their scores differ")
def scores_differ(world: World) -> None:
    told = of_both(world, "anomaly_score")
    assert np.abs(told[0] - told[1]).min() > 0


@then("the shares of healthy readings that score lower are about the same")
def percentiles_alike(world: World) -> None:
    told = of_both(world, "percentile")
    assert np.median(np.abs(told[0] - told[1])) < 0.08
    assert np.corrcoef(told[0], told[1])[0, 1] > 0.9


@then(parsers.parse("no more than {percent:d} % of them are anomalies"))
def few_anomalies(world: World, percent: int) -> None:
    anomalous = [verdict["is_anomaly"] for verdict in world.told["results"]]
    assert sum(anomalous) <= percent / 100 * len(anomalous)


@then("the forest alone has judged")
def forest_alone(world: World) -> None:
    verdicts = world.told["results"]
    anomalous = [verdict["anomaly_score"] < 0 for verdict in verdicts]
    assert 0 < sum(anomalous) < len(anomalous)
    assert [verdict["is_anomaly"] for verdict in verdicts] == anomalous
    codes = [[reason["code"] for reason in verdict["reasons"]] for verdict in verdicts]
    assert codes == [["isolation"] if each else [] for each in anomalous]


@then("no share of healthy readings is told")
def no_percentiles(world: World) -> None:
    assert {verdict["percentile"] for verdict in world.told["results"]} == {None}


@then(parsers.parse('version "{version}" of model "default" says that it has neither guards nor percentiles'))
def says_none(world: World, version: str) -> None:
    answer = world.driver.version(DEFAULT_MODEL_NAME.value, version)
    assert isinstance(answer, dict)
    told = (answer["guards"], answer["false_alarm_rate"], answer["percentile_readings"])
    assert told == ("none", None, None)


@then(parsers.parse('version "{version}" of model "default" says that its false-alarm rate is {rate:g}'))
def says_rate(world: World, version: str, rate: float) -> None:
    assert world.told["metadata"]["false_alarm_rate"] == rate
    answer = world.driver.version(DEFAULT_MODEL_NAME.value, version)
    assert isinstance(answer, dict)
    assert answer["false_alarm_rate"] == rate
    assert world.store.load(DEFAULT_MODEL_NAME, ModelVersion(version)).metadata.false_alarm_rate == rate


@then("it says that it knows how healthy readings score")
def says_percentiles(world: World) -> None:
    assert 500 < world.told["metadata"]["percentile_readings"] <= 600
