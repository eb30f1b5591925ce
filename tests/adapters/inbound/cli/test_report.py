"""`vehicle-anomaly models report`."""

import webbrowser
from dataclasses import replace
from pathlib import Path

import pytest

from tests import simulated_trucks
from tests.adapters.inbound.cli.conftest import CommandLine
from tests.fakes import FixedClock, a_batch, a_trained_model
from vehicle_anomaly.adapters.inbound.pages.numbers import number
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand
from vehicle_anomaly.core.training_report import EarlierVersion


@pytest.fixture
def published(cli: CommandLine) -> CommandLine:
    """Publish two versions of one model."""
    first = a_trained_model("v1", batch=a_batch(n_readings=300, feature_names=("a", "b", "c\x1b")))
    assert first.report is not None
    moved = a_batch(n_readings=300, seed=1, feature_names=("a", "b", "d"))
    moved.values[:, 1] += 3
    cli.models.publish(first)
    cli.models.publish(a_trained_model("v2", batch=moved, before=EarlierVersion("v1", first.report)))
    return cli


def test_what_there_is_to_act_on_is_printed(published: CommandLine) -> None:
    lines = [line.split("\t") for line in published("models", "report", "default").out.splitlines()]

    assert lines[0] == ["what", "feature", "kind", "told"]
    assert lines[1][:3] == ["guards", "", "none"]
    assert lines[2][3] == "false alarms asked for: none"
    assert lines[3][:3] == ["warning", "", "few_vehicles"]
    assert "score below 0, the forest's limit" in next(line[3] for line in lines if line[0] == "scores")
    assert ["change", "b", "changed"] in [line[:3] for line in lines]
    assert ["change", "d", "added", ""] in lines
    assert ["change", "c\\x1b", "removed", ""] in lines


def test_what_decides_is_told(cli: CommandLine) -> None:
    batch = simulated_trucks.batch(simulated_trucks.trips(3, seed=1))
    train = TrainModel(cli.models, FixedClock(), ForestParameters(20), GuardParameters(0.02))
    known = train(TrainModelCommand(batch))
    guards = cli.models.load(known.model_name, known.model_version).guards
    assert guards is not None

    told = cli("models", "report", "default").out

    assert "every sensor against the others" in told
    assert "false alarms asked for: 2.0 %" in told
    assert f"score below {number(guards.isolation_limit)}, the forest's limit" in told


def test_the_first_version_is_compared_with_nothing(published: CommandLine) -> None:
    # There may have been one, from before there were reports.
    assert "no version before with a report" in published("models", "report", "default", "v1").out


def test_as_json_it_is_what_the_api_answers(published: CommandLine) -> None:
    report = published("models", "report", "default", "--json").answer

    assert report["change"]["since_version"] == "v1"
    assert published("models", "show", "default", "v2", "--json").answer["report"] == report


def test_the_page_is_written_into_a_file(published: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "report.html"

    assert published("models", "report", "default", "--output", str(file)).out == f"{file}\n"

    assert file.read_text().startswith("<!DOCTYPE html>")
    assert published("models", "report", "default", "--output", "-").out.startswith("<!DOCTYPE html>")


def test_the_page_is_shown_in_a_browser(
    published: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def show(url: str) -> bool:
        shown.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", show)

    published("models", "report", "default", "v1", "--open")

    (file,) = tmp_path.iterdir()
    assert shown == [file.as_uri()]
    assert "default, version v1" in file.read_text()


def test_where_there_is_no_browser_the_file_is_named(
    published: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    file = tmp_path / "report.html"

    published("models", "report", "default", "--open", "--output", str(file)).assert_failed(
        f"there is no browser to open {file} in"
    )


def test_a_version_without_a_report_is_a_failure_and_has_a_page(cli: CommandLine) -> None:
    cli.models.publish(replace(a_trained_model("v1"), report=None))

    cli("models", "report", "default").assert_failed("published without a report")
    assert "published without a report" in cli("models", "report", "default", "--output", "-").out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("other",), "'other' is not available"),
        (("default", "v9"), "'v9' of model 'default' is not available"),
        (("../x",), "is not a model name"),
        (("default", "--output", "/nowhere/report.html"), "/nowhere/report.html: No such file or directory"),
        (("default", "--output", "/dev/full"), "/dev/full: No space left on device: make room"),
    ],
)
def test_what_cannot_be_is_a_failure(published: CommandLine, arguments: tuple[str, ...], told: str) -> None:
    published("models", "report", *arguments).assert_failed(
        told, status=2 if "is not a model name" in told else 1
    )


@pytest.mark.parametrize(
    "arguments", [(), ("default", "--json", "--open"), ("default", "--open", "--output", "-")]
)
def test_wrong_use(published: CommandLine, arguments: tuple[str, ...]) -> None:
    published("models", "report", *arguments).assert_failed("--help'", status=2)
