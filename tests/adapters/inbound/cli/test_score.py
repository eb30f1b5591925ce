"""`vehicle-anomaly score`."""

import csv
import errno
import os
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from tests.adapters.inbound.cli.conftest import (
    NAMES,
    PARAMETERS,
    CommandLine,
    a_matrix,
    csv_text,
    ndjson_text,
)
from tests.fakes import ADA
from vehicle_anomaly.adapters.inbound.cli.telemetry_files import TelemetryFile
from vehicle_anomaly.adapters.inbound.files.scoring import READINGS_AT_ONCE
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand, Verdicts

READINGS = 2 * READINGS_AT_ONCE + 345


@pytest.fixture
def trained(cli: CommandLine) -> CommandLine:
    """Train version v1 by name, and `unnamed` by position, on the same readings."""
    Path("training.csv").write_text(csv_text(a_matrix(300, seed=9)))
    Path("training.ndjson").write_text(ndjson_text(a_matrix(300, seed=9)))
    assert cli("train", "training.csv", "--model-version", "v1").status == 0
    assert cli("train", "training.ndjson", "--model-name", "unnamed").status == 0
    return cli


def scores(verdicts: list[dict[str, Any]]) -> list[float]:
    return [verdict["anomaly_score"] for verdict in verdicts]


@pytest.mark.parametrize("model", ["default", "unnamed"])
def test_scores_and_labels_are_scikit_learns(trained: CommandLine, model: str) -> None:
    estimator = IsolationForest(
        n_estimators=PARAMETERS.n_estimators,
        contamination=PARAMETERS.contamination,
        random_state=PARAMETERS.random_state,
    ).fit(a_matrix(300, seed=9))
    X = a_matrix(READINGS) * np.array([1, 2, 1])
    Path("trip.csv").write_text(csv_text(X))
    verdicts = trained("score", "trip.csv", "--model-name", model).verdicts
    np.testing.assert_allclose(scores(verdicts), estimator.decision_function(X), rtol=0, atol=1e-12)
    assert [verdict["is_anomaly"] for verdict in verdicts] == (estimator.predict(X) == -1).tolist()


def test_verdicts_have_the_fields_of_the_http_answer_in_order_over_all_files(trained: CommandLine) -> None:
    Path("a.csv").write_text(csv_text(a_matrix(3)))
    Path("b.ndjson").write_text(ndjson_text(a_matrix(2, seed=1)))
    verdicts = trained("score", "a.csv", "b.ndjson").verdicts
    seconds = [verdict["timestamp"][17:19] for verdict in verdicts]
    assert seconds == ["00", "01", "02", "00", "01"]
    assert list(verdicts[0]) == [
        "vehicle_id",
        "timestamp",
        "model_name",
        "model_version",
        "anomaly_score",
        "is_anomaly",
        "missing",
        "reasons",
        "percentile",
        "explanation",
    ]
    assert (verdicts[0]["model_name"], verdicts[0]["model_version"]) == ("default", "v1")


def test_columns_are_found_by_name(trained: CommandLine) -> None:
    X = a_matrix(5)
    Path("trip.csv").write_text(csv_text(X))
    Path("other.csv").write_text(csv_text(X[:, ::-1], NAMES[::-1]))
    assert trained("score", "trip.csv").out == trained("score", "other.csv").out


def test_an_absent_column_is_missing_and_warned_of(trained: CommandLine) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix(2)[:, :1], NAMES[:1]))
    ended = trained("score", "trip.csv")
    assert [verdict["missing"] for verdict in ended.verdicts] == [["load", "coolant"]] * 2
    assert ended.err == "vehicle-anomaly: warning: trip.csv: no column 'load', 'coolant': scored as missing\n"


def test_missing_readings_score_as_the_training_median_and_are_named(trained: CommandLine) -> None:
    X = a_matrix(3)
    X[1, 2] = np.nan
    Path("trip.csv").write_text(csv_text(X))
    Path("imputed.csv").write_text(
        csv_text(np.where(np.isnan(X), np.median(a_matrix(300, seed=9), axis=0), X))
    )
    verdicts = trained("score", "trip.csv").verdicts
    assert scores(verdicts) == scores(trained("score", "imputed.csv").verdicts)
    assert [verdict["missing"] for verdict in verdicts] == [[], ["coolant"], []]
    assert trained("score", "trip.csv", "--model-name", "unnamed").verdicts[1]["missing"] == [2]


@pytest.mark.parametrize("explain", ["always", "anomalies", "never"])
def test_what_is_explained_is_chosen(trained: CommandLine, explain: str) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix(READINGS) * 2))
    verdicts = trained("score", "trip.csv", "--explain", explain).verdicts
    anomalous = [verdict["is_anomaly"] for verdict in verdicts]
    assert any(anomalous)
    assert not all(anomalous)
    expected = {"always": [True] * len(verdicts), "anomalies": anomalous, "never": [False] * len(verdicts)}
    assert [verdict["explanation"] is not None for verdict in verdicts] == expected[explain]


def test_a_choice_that_there_is_not_is_wrong_use(trained: CommandLine) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix(2)))
    trained("score", "trip.csv", "--explain", "sometimes").assert_failed("sometimes", status=2)


def test_csv_output_has_the_same_columns(trained: CommandLine) -> None:
    X = a_matrix(READINGS)
    X[1, :2] = np.nan
    Path("trip.csv").write_text(csv_text(X))
    verdicts = trained("score", "trip.csv").verdicts
    rows = list(csv.DictReader(trained("score", "trip.csv", "--output-format", "csv").out.splitlines()))
    assert rows[1]["missing"] == "speed;load"
    assert [
        {
            **row,
            "anomaly_score": float(row["anomaly_score"]),
            "is_anomaly": row["is_anomaly"] == "true",
            "missing": row["missing"].split(";") if row["missing"] else [],
            "percentile": float(row["percentile"]) if row["percentile"] else None,
        }
        for row in rows
    ] == [
        {
            **verdict,
            "reasons": ";".join(reason["message"] for reason in verdict["reasons"]),
            "explanation": ";".join(
                f"{each['feature']}: {each['contribution']:+.4g}" for each in verdict["explanation"] or ()
            ),
        }
        for verdict in verdicts
    ]


def test_a_feature_that_contributes_nothing_is_told_as_0(cli: CommandLine) -> None:
    X = a_matrix(300, seed=9)
    X[:, 1] = -0.0
    Path("training.csv").write_text(csv_text(X))
    assert cli("train", "training.csv").status == 0
    told = cli("score", "training.csv", "--explain", "always", "--output-format", "csv").out
    for row in csv.DictReader(told.splitlines()):
        assert "load: 0" in row["explanation"].split(";")


def test_the_output_files_name_tells_its_format(trained: CommandLine) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix(2)))
    assert trained("score", "trip.csv", "--output", "verdicts.csv").out == ""
    assert Path("verdicts.csv").read_text() == trained("score", "trip.csv", "--output-format", "csv").out
    trained("score", "trip.csv", "--output", "verdicts.txt")
    assert Path("verdicts.txt").read_text() == trained("score", "trip.csv", "--output", "-").out


def test_nothing_but_the_complete_file_is_left(trained: CommandLine) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix(READINGS)))
    Path("bad.csv").write_text(csv_text(a_matrix(READINGS)) + "x\n")
    Path("verdicts.ndjson").write_text("before\n")
    before = sorted(Path().iterdir())
    trained("score", "bad.csv", "--output", "verdicts.ndjson").assert_failed(f"bad.csv:{READINGS + 2}: ")
    assert Path("verdicts.ndjson").read_text() == "before\n"
    assert trained("score", "trip.csv", "--output", "verdicts.ndjson").status == 0
    assert len(Path("verdicts.ndjson").read_text().splitlines()) == READINGS
    assert sorted(Path().iterdir()) == before


def test_an_output_that_is_no_file_is_written_to_and_stays(trained: CommandLine) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix(2)))
    Path("link.ndjson").symlink_to("verdicts.ndjson")
    assert trained("score", "trip.csv", "--output", "link.ndjson").status == 0
    assert Path("link.ndjson").is_symlink()
    assert len(Path("verdicts.ndjson").read_text().splitlines()) == 2
    assert trained("score", "trip.csv", "--output", os.devnull).status == 0
    assert Path(os.devnull).is_char_device()


def test_an_output_that_cannot_be_written_is_told(trained: CommandLine) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix(2)))
    for named, why in (("nowhere", "No such file or directory"), ("trip.csv", "Not a directory")):
        told = trained("score", "trip.csv", "--output", f"{named}/verdicts.csv")
        told.assert_failed(f"error: {named}/verdicts.csv: {why}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no disk that is always full")
def test_an_output_without_room_is_named_with_what_to_do(trained: CommandLine) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix(2)))
    trained("score", "trip.csv", "--output", "/dev/full").assert_failed(
        "error: /dev/full: No space left on device: make room there, or let --output name a file on another"
    )


def test_an_input_that_cannot_be_read_is_not_told_as_the_output(
    trained: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> NoReturn:
        raise OSError(errno.EIO, "Input/output error")

    Path("trip.csv").write_text(csv_text(a_matrix(2)))
    monkeypatch.setattr(TelemetryFile, "open", broken)
    told = trained("score", "trip.csv", "--output", "verdicts.csv")
    told.assert_failed("error: standard input or output: Input/output error\n")
    assert not Path("verdicts.csv").exists()


def test_one_version_scores_the_whole_run_though_the_latest_changes_meanwhile(trained: CommandLine) -> None:
    trained("train", "training.csv", "--model-version", "v2")
    trained("models", "promote", "default", "v1")
    score = ScoreTelemetry(trained.models)

    class Promoting(ScoreTelemetry):
        def __call__(self, command: ScoreTelemetryCommand) -> Verdicts:
            trained.models.promote(ModelName("default"), ModelVersion("v2"), ADA)
            return score(command)

    trained.score_telemetry = lambda: Promoting(trained.models)
    Path("trip.csv").write_text(csv_text(a_matrix(READINGS)))
    verdicts = trained("score", "trip.csv").verdicts
    assert {verdict["model_version"] for verdict in verdicts} == {"v1"}
    assert len(verdicts) == READINGS


def test_verbose_sums_up_on_standard_error(trained: CommandLine) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix(READINGS)))
    ended = trained("score", "trip.csv", "--verbose")
    anomalies = sum(verdict["is_anomaly"] for verdict in ended.verdicts)
    assert ended.err.startswith(f"{READINGS:,} readings, {anomalies} anomalies, ")
    assert trained("score", "trip.csv").err == ""


def test_files_without_readings_have_no_verdicts(trained: CommandLine) -> None:
    Path("trip.csv").write_text(csv_text(a_matrix(0)))
    assert trained("score", "trip.csv").verdicts == []


@pytest.mark.parametrize(
    ("content", "model", "told"),
    [
        (
            csv_text(a_matrix(2), ("speed", "load", "oil")),
            "default",
            "trip.csv:1: the model has no feature 'oil'",
        ),
        (csv_text(a_matrix(2)[:, :2], NAMES[:2]), "unnamed", "trip.csv:1: expected 3 feature columns"),
        (csv_text(a_matrix(READINGS)) + "x\n", "default", f"trip.csv:{READINGS + 2}: expected 5 cells"),
    ],
)
def test_files_that_do_not_fit_the_model(trained: CommandLine, content: str, model: str, told: str) -> None:
    Path("trip.csv").write_text(content)
    trained("score", "trip.csv", "--model-name", model).assert_failed(told)


@pytest.mark.parametrize(
    ("names", "model", "told"),
    [
        (("speed", "load", "oil"), "default", "features.oil: unknown name"),
        (NAMES, "unnamed", "features: expected feature_vector"),
    ],
)
def test_records_that_do_not_fit_the_model(
    trained: CommandLine, names: tuple[str, ...], model: str, told: str
) -> None:
    good = ndjson_text(a_matrix(READINGS_AT_ONCE + 1))
    Path("trip.ndjson").write_text(good + ndjson_text(a_matrix(1), names))
    place = f"trip.ndjson:{READINGS_AT_ONCE + 2}: "
    trained("score", "trip.ndjson", "--model-name", model).assert_failed(place + told)


def test_a_model_or_version_that_is_not_there(trained: CommandLine) -> None:
    trained("score", "training.csv", "--model-name", "other").assert_failed("'other' is not available")
    trained("score", "training.csv", "--model-version", "v9").assert_failed("'v9' of model 'default' is not")
    trained("score", "training.csv", "--model-name", "a b").assert_failed(
        "'a b' is not a model name", status=2
    )
