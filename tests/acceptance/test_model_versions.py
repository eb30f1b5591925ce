"""Steps of features/model_versions.feature."""

from pytest_bdd import parsers, scenarios, then, when

from tests.acceptance.conftest import World

scenarios("model_versions.feature")


@when(parsers.parse('I list the versions of model "{name}"'))
def list_versions(world: World, name: str) -> None:
    world.answer = world.driver.versions(name)


@when(parsers.parse('I make version "{version}" the latest of model "{name}"'))
def promote(world: World, version: str, name: str) -> None:
    world.answer = world.driver.promote(name, version)


@when(parsers.parse('version "{version}" of model "{name}" is sent again'))
@when(parsers.parse('another trainer publishes version "{version}" of model "{name}"'))
def publish(world: World, version: str, name: str) -> None:
    world.trained_before(name, version)


@when(parsers.parse('I ask for version "{version}" of model "{name}"'))
def ask(world: World, version: str, name: str) -> None:
    world.answer = world.driver.version(name, version)


@then(parsers.parse('they are "{versions}"'))
def they_are(world: World, versions: str) -> None:
    assert [version["model_version"] for version in world.told["versions"]] == versions.split(", ")


@then(parsers.parse('"{version}" is marked as the latest'))
def marked_as_latest(world: World, version: str) -> None:
    assert world.told["latest"] == version
    assert [each["model_version"] for each in world.told["versions"] if each["is_latest"]] == [version]
