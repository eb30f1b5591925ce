"""Steps of features/scoring.feature."""

import numpy as np
from pytest_bdd import parsers, scenarios, then, when
from sklearn.ensemble import IsolationForest

from tests.acceptance.conftest import World
from tests.acceptance.telemetry import NAMES, as_json, healthy, of_all_kinds, record, records

scenarios("scoring.feature")


@when(parsers.parse('I score a reading of a healthy vehicle taken at "{timestamp}"'))
def score_taken_at(world: World, timestamp: str) -> None:
    world.answer = world.driver.score(as_json(record(healthy(1).tolist()[0], timestamp=timestamp)))


@when(parsers.parse('I score a reading of a healthy vehicle without "{sensor}"'))
def score_without(world: World, sensor: str) -> None:
    X = healthy(1)
    X[0, NAMES.index(sensor)] = np.nan
    world.answer = world.driver.score(as_json(records(X)[0]))


@when(parsers.parse('I score a reading of a healthy vehicle by version "{version}"'))
def score_by_version(world: World, version: str) -> None:
    world.answer = world.driver.score(as_json(record(healthy(1).tolist()[0], model_version=version)))


@when(parsers.parse('I score a reading of a healthy vehicle by model "{name}"'))
def score_by_model(world: World, name: str) -> None:
    world.answer = world.driver.score(as_json(record(healthy(1).tolist()[0], model_name=name)))


@when(parsers.parse("I score {n_readings:d} readings of all kinds at once"))
def score_many(world: World, n_readings: int) -> None:
    world.sent = {"records": records(of_all_kinds(n_readings))}
    world.answer = world.driver.score_batch(as_json(world.sent))


@then("nothing is wrong")
def nothing_wrong(world: World) -> None:
    assert world.told["is_anomaly"] is False
    assert world.told["anomaly_score"] >= 0


@then("something is wrong")
def something_wrong(world: World) -> None:
    assert world.told["is_anomaly"] is True
    assert world.told["anomaly_score"] < 0


@then("the scores and labels are those that scikit-learn gives")
def scores_are_scikit_learns(world: World) -> None:
    # The training readings of the version that the background trained.
    learnt = healthy(100, seed=sum(b"v1"))
    peer = IsolationForest(n_estimators=30, contamination=0.05, random_state=42).fit(learnt)
    X = of_all_kinds(len(world.told["results"]))
    scores = np.array([verdict["anomaly_score"] for verdict in world.told["results"]])
    np.testing.assert_allclose(scores, peer.decision_function(X), rtol=0, atol=1e-12)
    labels = [verdict["is_anomaly"] for verdict in world.told["results"]]
    assert labels == (peer.predict(X) == -1).tolist()
    assert 0 < sum(labels) < len(labels)


@then("there is one verdict per reading, in order")
def verdicts_in_order(world: World) -> None:
    sent = [(each["vehicle_id"], each["timestamp"]) for each in world.sent["records"]]
    assert [(verdict["vehicle_id"], verdict["timestamp"]) for verdict in world.told["results"]] == sent
    alone = [world.driver.score(as_json(each)) for each in world.sent["records"][:5]]
    assert alone == world.told["results"][:5]


@then(parsers.parse('the verdict says that "{sensor}" is missing'))
def says_missing(world: World, sensor: str) -> None:
    assert world.told["missing"] == [sensor]


@then(parsers.parse('the verdict is for "{timestamp}"'))
def verdict_for(world: World, timestamp: str) -> None:
    assert world.told["timestamp"] == timestamp
