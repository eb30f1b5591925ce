"""Steps of features/promotion.feature."""

from pytest_bdd import given, parsers, scenarios, then, when

from tests.acceptance.conftest import World
from tests.acceptance.drivers import Refused
from tests.acceptance.telemetry import NAMES, as_json, healthy, record, records

scenarios("promotion.feature")


@given("new versions wait to be promoted")
def candidates_wait(world: World) -> None:
    # By the scenario's tag: the service is made before its first step.
    assert not world.train_model.auto_promote


@when(parsers.parse('I train version "{version}" of model "{name}" on healthy vehicles'))
def train(world: World, version: str, name: str) -> None:
    message = {"records": records(healthy(60)), "feature_names": NAMES}
    world.answer = world.driver.train(as_json({**message, "model_name": name, "model_version": version}))


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
