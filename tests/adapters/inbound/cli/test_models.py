"""`vehicle-anomaly models`."""

from pathlib import Path

import msgspec
import pytest

from tests.adapters.inbound.cli.conftest import CommandLine, a_matrix, csv_text
from tests.fakes import InMemoryModels, a_batch, a_trained_model
from vehicle_anomaly.adapters.inbound.cli.user import user_at_host
from vehicle_anomaly.adapters.inbound.wire.answers import PromoteResponse
from vehicle_anomaly.core.errors import DamagedModel
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.ports import DamagedVersion, ModelVersions


@pytest.fixture
def published(cli: CommandLine) -> CommandLine:
    """Publish two versions of one model and one of another."""
    cli.models.publish(a_trained_model("v1"))
    cli.models.publish(a_trained_model("v2", seed=1))
    cli.models.publish(
        a_trained_model("w1", model_name="vans", batch=a_batch(feature_names=("a", "[b]", "c\x1b")))
    )
    return cli


def test_list_tells_the_latest_version_of_each_model(published: CommandLine) -> None:
    assert published("models", "list").out.splitlines() == [
        "model\tlatest\ttrained at\treadings\tfeatures\tversions\tcandidates\tdamaged",
        "default\tv2\t2026-03-01T12:00:00Z\t40\t3\t2\t0\t0",
        "vans\tw1\t2026-03-01T12:00:00Z\t40\t3\t1\t0\t0",
    ]
    assert published("models", "list", "--json").answer == {"models": ["default", "vans"]}


def test_show_tells_every_version_and_which_is_the_latest(published: CommandLine) -> None:
    assert published("models", "show", "default").out.splitlines() == [
        "version\tstate\ttrained at\treadings\tfeatures",
        "v2\tlatest\t2026-03-01T12:00:00Z\t40\t3",
        "v1\t\t2026-03-01T12:00:00Z\t40\t3",
    ]
    answer = published("models", "show", "default", "--json").answer
    assert (answer["model_name"], answer["latest"]) == ("default", "v2")
    assert [(each["model_version"], each["is_latest"]) for each in answer["versions"]] == [
        ("v2", True),
        ("v1", False),
    ]


def test_show_tells_all_of_one_version_and_no_control_characters(published: CommandLine) -> None:
    told = dict(line.split("\t") for line in published("models", "show", "vans", "w1").out.splitlines())
    assert (told["model_version"], told["is_latest"], told["n_estimators"]) == ("w1", "true", "5")
    assert told["feature_names"] == "a, [b], c\\x1b"
    answer = published("models", "show", "default", "v1", "--json").answer
    assert (answer["model_version"], answer["is_latest"]) == ("v1", False)


def test_promote_rolls_back(published: CommandLine) -> None:
    assert published("models", "promote", "default", "v1").out == "default: the latest version is now v1\n"
    assert published("models", "show", "default", "--json").answer["latest"] == "v1"
    answer = published("models", "promote", "default", "v2", "--json").answer
    assert answer == msgspec.to_builtins(PromoteResponse("default", "v2"))


def test_candidates_are_told(published: CommandLine) -> None:
    published.models.publish(a_trained_model("v3", seed=2), None)

    assert (
        published("models", "list").out.splitlines()[1] == "default\tv2\t2026-03-01T12:00:00Z\t40\t3\t3\t1\t0"
    )
    states = [line.split("\t")[:2] for line in published("models", "show", "default").out.splitlines()]
    assert states[1:] == [["v3", "candidate"], ["v2", "latest"], ["v1", ""]]
    assert published("models", "show", "default", "--json").answer["candidates"] == ["v3"]


def test_who_promoted_what_is_told(published: CommandLine) -> None:
    published("models", "promote", "default", "v1")

    answer = published("models", "promotions", "default", "--json").answer

    assert [(each["kind"], each["from_version"], each["to_version"]) for each in answer["promotions"]] == [
        ("promotion", "v2", "v1"),
        ("publication", "v1", "v2"),
        ("publication", None, "v1"),
    ]
    assert answer["promotions"][0]["by"] == user_at_host()
    told = published("models", "promotions", "default").out.splitlines()
    assert told[0] == "at\tkind\tfrom\tto\tby"
    assert told[1] == f"2026-03-01T12:00:00Z\tpromotion\tv2\tv1\t{user_at_host()}"
    published("models", "promotions", "other").assert_failed("'other' is not available")


def test_a_trainer_is_on_record_by_name(published: CommandLine) -> None:
    Path("a.csv").write_text(csv_text(a_matrix()))
    assert published("train", "a.csv").status == 0

    answer = published("models", "promotions", "default", "--json").answer

    assert (answer["promotions"][0]["kind"], answer["promotions"][0]["by"]) == ("publication", user_at_host())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "other"), "'other' is not available"),
        (("show", "default", "v9"), "'v9' of model 'default' is not available"),
        (("promote", "default", "v9"), "'v9' of model 'default' is not available"),
        (("show", "../x"), "is not a model name"),
        (("promote", "default", "LATEST"), "is not a model version"),
    ],
)
def test_what_is_not_there_is_a_failure(
    published: CommandLine, arguments: tuple[str, ...], told: str
) -> None:
    # What can be no name is wrong use.
    published("models", *arguments).assert_failed(told, status=2 if "is not a model" in told else 1)
    assert published("models", "show", "default", "--json").answer["latest"] == "v2"


@pytest.mark.parametrize("arguments", [("show",), ("promote", "default"), ("drop",), ("list", "--yaml")])
def test_wrong_use(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    cli("models", *arguments).assert_failed("--help'", status=2)


class _Damaged(InMemoryModels):
    def versions(self, name: ModelName) -> ModelVersions:
        found = super().versions(name)
        return ModelVersions(None, found.versions, (DamagedVersion("v0", "forest.npz: SHA-256 differs"),))

    def latest(self, name: ModelName) -> ModelVersion:
        raise DamagedModel(name.value, "LATEST", "names no version")


def test_damaged_versions_are_shown_with_the_reason(cli: CommandLine) -> None:
    cli.models = _Damaged()
    cli.models.publish(a_trained_model("v1"))
    shown = cli("models", "show", "default")
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.splitlines()[2].startswith("v0\tdamaged: forest.npz: SHA-256 differs\t")
    answer = cli("models", "show", "default", "--json").answer
    assert answer["damaged"] == [{"model_version": "v0", "detail": "forest.npz: SHA-256 differs"}]
    assert cli("models", "list").out.splitlines()[1] == "default\t\t\t\t\t1\t0\t1"
    assert cli("models", "show", "default", "v1", "--json").answer["is_latest"] is False


def test_scoring_with_a_damaged_latest_version_is_a_failure(cli: CommandLine) -> None:
    cli.models = _Damaged()
    Path("trip.csv").write_text("timestamp,vehicle_id,speed\n")
    cli("score", "trip.csv").assert_failed("is damaged: names no version")
