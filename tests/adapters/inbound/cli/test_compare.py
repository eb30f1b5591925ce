"""`vehicle-anomaly models compare`."""

from pathlib import Path

import pytest

from tests.adapters.inbound.cli.conftest import CommandLine, a_matrix, csv_text
from tests.fakes import ADA, a_trained_model
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelVersion


@pytest.fixture
def trained(cli: CommandLine) -> CommandLine:
    """Train two versions, of which the first answers."""
    for version, matrix in (("v1", a_matrix()), ("v2", a_matrix(seed=1) + 8)):
        Path(f"{version}.csv").write_text(csv_text(matrix))
        assert cli("train", "--model-version", version, f"{version}.csv").status == 0
    cli.models.promote(DEFAULT_MODEL_NAME, ModelVersion("v1"), ADA)
    return cli


def test_a_table_tells_what_would_differ(trained: CommandLine) -> None:
    told = trained("models", "compare", "default", "v2")
    assert (told.status, told.err) == (0, "")
    rows = [line.split("\t") for line in told.out.splitlines()]
    assert rows[0] == ["what", "value", "told"]
    assert rows[1] == ["readings", "60", "of its training"]
    counts = {what: value for what, value, _ in rows}
    answer = trained("models", "compare", "default", "v2", "--json").answer
    assert int(counts["differing"]) == answer["differing"] > 0
    assert counts["no longer anomalous"].startswith("record ") or answer["no_longer_anomalous"] == 0


def test_files_are_compared_on(trained: CommandLine) -> None:
    answer = trained("models", "compare", "default", "v2", "--with", "v1", "v1.csv", "--json").answer
    assert (answer["source"], answer["readings"], answer["other_version"]) == ("posted", 60, "v1")
    piped = trained(
        "models",
        "compare",
        "default",
        "v2",
        "-",
        "--input-format",
        "csv",
        "--json",
        stdin=Path("v1.csv").read_bytes(),
    )
    assert piped.answer == answer


def test_a_version_beside_itself_is_said_to_tell_nothing(trained: CommandLine) -> None:
    same = trained("models", "compare", "default", "v1", "--with", "v1", "v1.csv")
    other = trained("models", "compare", "default", "v2", "--with", "v1", "v1.csv")
    assert "v1 is compared with itself, so nothing can differ: name another version with `--with`" in same.out
    assert "itself" not in other.out


def test_columns_are_positions_where_features_have_no_names(cli: CommandLine) -> None:
    cli.models.publish(a_trained_model("v1"))
    Path("a.csv").write_text(csv_text(a_matrix(10)))

    assert cli("models", "compare", "default", "v1", "a.csv", "--json").answer["differing"] == 0
    cli("models", "compare", "default", "v1").assert_failed(
        "kept no reading of its training", "send readings"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("default", "v9"), "'v9' of model 'default' is not available"),
        (("default", "v2", "--with", "v9"), "'v9' of model 'default' is not available"),
        (("default", "v2", "odd.csv"), "features.colour: unknown name"),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_line(
    trained: CommandLine, arguments: tuple[str, ...], told: str
) -> None:
    Path("odd.csv").write_text(csv_text(a_matrix(5), ("speed", "load", "colour")))
    trained("models", "compare", *arguments).assert_failed(told)
