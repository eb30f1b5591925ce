"""Steps of features/promotion.feature."""

from pytest_bdd import given, parsers, scenarios, then, when

from tests.acceptance.conftest import World
from tests.acceptance.drivers import Refused
from tests.acceptance.queue_driver import Queue
from tests.acceptance.telemetry import NAMES, as_json, healthy, record, records
from tests.fakes import a_trained_model

scenarios("promotion.feature")


@given("new versions wait to be promoted")
def candidates_wait(world: World) -> None:
    # By the scenario's tag: the service is made before its first step.
    assert not world.train_model.auto_promote


@when(parsers.parse('I train version "{version}" of model "{name}" on healthy vehicles'))
def train(world: World, version: str, name: str) -> None:
    message = {"records": records(healthy(60)), "feature_names": NAMES}
    world.answer = world.driver.train(as_json({**message, "model_name": name, "model_version": version}))


@then("the answer says that it waits")
def says_it_waits(world: World) -> None:
    assert world.told["waits"] is True


@then("the answer says that it answers, or on the queue what it said before")
def says_it_answers(world: World) -> None:
    # A message that is delivered again cannot be told from one that is sent again.
    assert world.told["waits"] is isinstance(world.driver, Queue)


@when(parsers.parse('I score a reading of a healthy vehicle with version "{version}"'))
def score_with(world: World, version: str) -> None:
    message = {**record(healthy(1).tolist()[0]), "model_version": version}
    world.answer = world.driver.score(as_json(message))


@when(parsers.parse('I make version "{version}" the latest of model "{name}"'))
def promote(world: World, version: str, name: str) -> None:
    world.answer = world.driver.promote(name, version)


@when(parsers.parse('"{by}" makes version "{version}" the latest of model "{name}"'))
def promote_as(world: World, by: str, version: str, name: str) -> None:
    world.answer = world.driver.promote(name, version, by)


@when(parsers.parse('I ask who promoted versions of model "{name}"'))
def ask_promotions(world: World, name: str) -> None:
    world.answer = world.driver.promotions(name)


@given(parsers.parse('version "{version}" of model "{name}" was trained before readings were kept'))
def trained_without_sample(world: World, version: str, name: str) -> None:
    world.store.publish(a_trained_model(version, model_name=name))


@when(
    parsers.parse(
        'I train version "{version}" of model "{name}" on vehicles that run {degrees:d} degrees cooler'
    )
)
def train_cooler(world: World, version: str, name: str, degrees: int) -> None:
    message = {"records": records(healthy(100, seed=3) - [0, 0, degrees]), "feature_names": NAMES}
    answer = world.driver.train(as_json({**message, "model_name": name, "model_version": version}))
    assert not isinstance(answer, Refused), answer


@when(parsers.parse('version "{version}" of model "{name}" is compared with "{other}"'))
def compare(world: World, version: str, name: str, other: str) -> None:
    world.answer = world.driver.compare(name, version, other)


@when(
    parsers.parse(
        'version "{version}" of model "{name}" is compared with "{other}" on {n_readings:d} readings of '
        "healthy vehicles"
    )
)
def compare_on(world: World, version: str, name: str, other: str, n_readings: int) -> None:
    message = as_json({"records": records(healthy(n_readings, seed=4))})
    world.answer = world.driver.compare(name, version, other, message)


@then(parsers.parse("the comparison is on {n_readings:d} readings of its own training"))
def on_own_training(world: World, n_readings: int) -> None:
    assert (world.told["source"], world.told["readings"]) == ("training_sample", n_readings)


@then("it says how many verdicts would differ, with examples")
def says_what_differs(world: World) -> None:
    told = world.told
    assert told["differing"] == told["newly_anomalous"] + told["no_longer_anomalous"] > 0
    parts = ("newly_anomalous", "no_longer_anomalous", "both_anomalous", "both_normal")
    assert sum(told[part] for part in parts) == told["readings"]
    assert told["examples"]
    assert all(each["reasons"] for each in told["examples"])


@then("the examples name no vehicle")
def no_vehicles(world: World) -> None:
    assert {each["vehicle_id"] for each in world.told["examples"]} == {None}


@then("the examples name their vehicles")
def vehicles(world: World) -> None:
    assert all(each["vehicle_id"].startswith("veh-") for each in world.told["examples"])


@then(parsers.parse('the candidates of model "{name}" are "{versions}"'))
def candidates_are(world: World, name: str, versions: str) -> None:
    answer = world.driver.versions(name)
    assert not isinstance(answer, Refused)
    assert answer["candidates"] == versions.split(", ")


@then(parsers.parse('model "{name}" has no candidates'))
def no_candidates(world: World, name: str) -> None:
    answer = world.driver.versions(name)
    assert not isinstance(answer, Refused)
    assert answer["candidates"] == []


@then("it is said how to promote one")
def says_how(world: World) -> None:
    assert isinstance(world.answer, Refused)
    assert "not available" in world.answer.detail
    assert "vehicle-anomaly models promote default v1" in world.answer.detail


@then("these changes are on record, the newest first")
def on_record(world: World, datatable: list[list[str]]) -> None:
    told = world.told["promotions"]
    # Over HTTP, where the call came from stands behind who the caller says it is.
    found = [
        [each["kind"], each["from_version"] or "", each["to_version"], each["by"].partition("@")[0]]
        for each in told
    ]
    assert found == datatable[1:]
    assert [each["number"] for each in told] == list(range(len(told), 0, -1))
