"""`vehicle-anomaly train`."""

from pathlib import Path

import numpy as np
import pytest

from tests.adapters.inbound.cli.conftest import NAMES, CommandLine, a_matrix, csv_text, ndjson_text
from vehicle_anomaly.core.guard_fitting import GuardParameters


def test_it_prints_what_ingest_answers(cli: CommandLine) -> None:
    Path("a.csv").write_text(csv_text(a_matrix(40)))
    Path("b.csv").write_text(csv_text(a_matrix(20, seed=1)))
    answer = cli("train", "a.csv", "b.csv", "--model-name", "vans", "--model-version", "v1").answer
    assert (answer["model_name"], answer["model_version"], answer["record_count"]) == ("vans", "v1", 60)
    assert answer["metadata"]["feature_names"] == list(NAMES)
    assert answer["metadata"]["n_estimators"] == 10


def test_csv_and_ndjson_by_name_give_the_same_forest(cli: CommandLine) -> None:
    X = a_matrix()
    Path("trip.csv").write_text(csv_text(X))
    Path("trip.ndjson").write_text(ndjson_text(X, NAMES))
    cli("train", "trip.csv", "--model-version", "same")
    # Publishing other content under a version that exists is refused.
    assert cli("train", "trip.ndjson", "--model-version", "same").status == 0


def test_a_false_alarm_rate_of_its_own(cli: CommandLine) -> None:
    cli.guards = GuardParameters(0.01)
    Path("trip.csv").write_text(csv_text(a_matrix(120)))
    own, services = (
        cli("train", "trip.csv", *options).answer["metadata"]["false_alarm_rate"]
        for options in (("--false-alarm-rate", "0.05"), ())
    )
    assert (own, services) == (0.05, 0.01)


@pytest.mark.parametrize("rate", ["0", "0.6", "-0.1", "nan", "inf"])
def test_rates_that_no_model_can_be_trained_for_are_refused(cli: CommandLine, rate: str) -> None:
    cli.guards = GuardParameters(0.01)
    Path("trip.csv").write_text(csv_text(a_matrix(120)))
    ended = cli("train", "trip.csv", "--false-alarm-rate", rate)
    ended.assert_failed("is not a false-alarm rate: expected 0.0001 to 0.5", status=2)
    assert cli.models.names() == []


def test_a_rate_is_refused_where_guards_are_off(cli: CommandLine) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix(120)))
    cli("train", "trip.csv", "--false-alarm-rate", "0.05").assert_failed("GUARDS=off", status=2)


def test_a_rate_that_is_no_number_is_wrong_use(cli: CommandLine) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix(40)))
    cli("train", "trip.csv", "--false-alarm-rate", "few").assert_failed("few", status=2)


def test_it_reads_standard_input(cli: CommandLine) -> None:
    ended = cli("train", "--input-format", "csv", "-", stdin=csv_text(a_matrix(40)).encode())
    assert ended.answer["record_count"] == 40


def test_the_suffix_tells_the_format_in_any_case_and_the_option_overrides_it(cli: CommandLine) -> None:
    Path("TRIP.CSV").write_text(csv_text(a_matrix()))
    Path("trip.txt").write_text(csv_text(a_matrix()))
    assert cli("train", "TRIP.CSV").status == 0
    assert cli("train", "trip.txt", "--input-format", "csv").status == 0


def test_missing_values_are_counted(cli: CommandLine) -> None:
    X = a_matrix()
    X[3:5, 1] = np.nan
    Path("trip.csv").write_text(csv_text(X))
    metadata = cli("train", "trip.csv").answer["metadata"]
    assert metadata["records_with_missing"] == 2
    assert metadata["missing_per_feature"] == [0, 2, 0]


def test_features_without_any_value_are_refused_by_name(cli: CommandLine) -> None:
    X = a_matrix()
    X[:, 1:] = np.nan
    Path("trip.csv").write_text(csv_text(X))
    cli("train", "trip.csv").assert_failed("features.load: no record has a value", "features.coolant: ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Missing argument 'FILE...'"),
        (("nowhere.csv",), "'nowhere.csv' does not exist"),
        ((".",), "'.' is a directory"),
        (("trip.txt",), "Cannot tell the format of 'trip.txt': pass --input-format"),
        (("-",), "Cannot tell the format of standard input"),
        (("-", "-", "--input-format", "csv"), "read only once"),
        (("trip.csv", "--input-format", "xml"), "'xml' is not one of 'csv', 'ndjson'"),
        (("trip.csv", "--colour"), "No such option '--colour'"),
        (("trip.csv", "trip.ndjson"), "trip.csv is csv, trip.ndjson is ndjson"),
    ],
)
def test_wrong_use(cli: CommandLine, arguments: tuple[str, ...], told: str) -> None:
    for name in ("trip.txt", "trip.csv", "trip.ndjson"):
        Path(name).write_text(csv_text(a_matrix()))
    cli("train", *arguments).assert_failed(told, "See 'vehicle-anomaly train --help'", status=2)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--model-name", "../x"), "'../x' is not a model name"),
        (("--model-version", "a/b"), "'a/b' is not a model version"),
        (("--model-version", "latest"), "'latest' is not a model version"),
        (("--model-version", ""), "'' is not a model version"),
    ],
)
def test_names_that_name_nothing_are_refused(cli: CommandLine, arguments: tuple[str, str], told: str) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix()))
    cli("train", "trip.csv", *arguments).assert_failed(told, status=2)


def test_other_content_under_a_version_that_exists_is_refused(cli: CommandLine) -> None:
    Path("a.csv").write_text(csv_text(a_matrix()))
    Path("b.csv").write_text(csv_text(a_matrix(seed=1)))
    cli("train", "a.csv", "--model-version", "v1")
    cli("train", "b.csv", "--model-version", "v1").assert_failed("exists already with other content")


def test_files_without_readings_are_refused(cli: CommandLine) -> None:
    Path("a.csv").write_text(csv_text(a_matrix(0)))
    Path("b.ndjson").write_text("\n")
    cli("train", "a.csv").assert_failed("no reading to learn from in a.csv")
    cli("train", "b.ndjson").assert_failed("no reading to learn from in b.ndjson")
