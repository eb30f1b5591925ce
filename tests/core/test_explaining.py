"""Explanations add up to the score, are in order, and are of the readings that are wanted."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import simulated_trucks
from tests.fakes import NOON, InMemoryModels
from tests.guarded import trained, tried
from vehicle_anomaly.core.attribution import PathAttribution
from vehicle_anomaly.core.explaining import EXPLAIN, Explain
from vehicle_anomaly.core.forest import average_path_length
from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.model import TrainedModel
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand, Verdict
from vehicle_anomaly.core.telemetry import Reading


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return trained(simulated_trucks.batch(simulated_trucks.trips(3, seed=1)), n_estimators=50)


@pytest.fixture(scope="module")
def score(model: TrainedModel) -> ScoreTelemetry:
    models = InMemoryModels()
    models.publish(model)
    return ScoreTelemetry(models)


@pytest.fixture(scope="module")
def mixed() -> NDArray[np.float64]:
    """Healthy readings, one of which lacks a value, and faulty ones."""
    X = np.concatenate([simulated_trucks.trips(1, seed=5)[:40], simulated_trucks.trips(1, seed=6)[:20] * 1.7])
    X[3, 2] = np.nan
    return X


def asked(guards: Guards, column: int) -> list[int]:
    """Return the other features that the trees of one ask for."""
    trees = guards.trees
    place = trees.guarded.tolist().index(column)
    features = trees.splits()[0][trees.tree_start[place] : trees.tree_start[place + 1]]
    return sorted({*features.ravel().tolist()} - {column})


def verdicts(score: ScoreTelemetry, X: NDArray[np.float64], explain: Explain | None = None) -> list[Verdict]:
    rows: list[Any] = np.where(np.isnan(X), None, X).tolist()  # type: ignore[call-overload]
    readings = [Reading("truck-1", NOON, row) for row in rows]
    return list(score(ScoreTelemetryCommand(readings, explain=explain)).verdicts)


def test_contributions_sum_to_the_path_length_gained_or_lost(
    model: TrainedModel, score: ScoreTelemetry, mixed: NDArray[np.float64]
) -> None:
    told = verdicts(score, mixed, "always")

    sums = [sum(each.contribution for each in verdict.explanation or ()) for verdict in told]
    powers = np.array([-(verdict.anomaly_score + model.forest.offset) for verdict in told])
    path_lengths = -np.log2(powers) * average_path_length(model.forest.max_samples)
    mean = PathAttribution.of(model.forest).mean_path_length
    np.testing.assert_allclose(sums, path_lengths - mean, rtol=0, atol=1e-9)


def test_the_largest_contribution_comes_first_and_every_feature_once(
    score: ScoreTelemetry, mixed: NDArray[np.float64]
) -> None:
    for verdict in verdicts(score, mixed, "always"):
        assert verdict.explanation is not None
        sizes = [abs(each.contribution) for each in verdict.explanation]
        assert sizes == sorted(sizes, reverse=True)
        assert {each.feature for each in verdict.explanation} == set(simulated_trucks.NAMES)


def test_observed_is_what_was_read(score: ScoreTelemetry, mixed: NDArray[np.float64]) -> None:
    for row, verdict in zip(mixed.tolist(), verdicts(score, mixed, "always"), strict=True):
        read = dict(zip(simulated_trucks.NAMES, row, strict=True))
        for each in verdict.explanation or ():
            assert isinstance(each.feature, str)
            value = read[each.feature]
            assert each.observed == (None if np.isnan(value) else value)


def test_expected_is_what_the_others_suggest_without_those_that_are_blamed(
    model: TrainedModel, score: ScoreTelemetry, mixed: NDArray[np.float64]
) -> None:
    assert model.guards is not None
    blamed = by_others = 0
    for row, verdict in zip(mixed, verdicts(score, mixed, "always"), strict=True):
        reasons = {reason.feature: reason for reason in verdict.reasons}
        believed = np.where([name in reasons for name in simulated_trucks.NAMES], np.nan, row)
        for each in verdict.explanation or ():
            reason = reasons.get(each.feature)
            if reason is not None:
                assert (each.expected, each.deviation) == (reason.expected, reason.deviation)
                blamed += 1
                continue
            column = simulated_trucks.NAMES.index(str(each.feature))
            if np.isnan(believed[asked(model.guards, column)]).all():
                assert each.expected == model.guards.median[column]
                continue
            middle, _, spread = tried(model.guards, believed, column)
            assert each.expected == pytest.approx(middle, rel=1e-5, abs=1e-5)
            if each.observed is None:
                assert each.deviation is None
            else:
                assert each.deviation == pytest.approx((row[column] - middle) / spread, rel=1e-3, abs=1e-3)
                by_others += 1
    assert blamed > 20
    assert by_others > 200


def test_the_median_is_expected_where_the_others_tell_nothing(
    model: TrainedModel, score: ScoreTelemetry
) -> None:
    silent = np.full((1, len(simulated_trucks.NAMES)), np.nan)

    (verdict,) = verdicts(score, silent, "always")

    assert model.guards is not None
    medians = dict(zip(simulated_trucks.NAMES, model.guards.median.tolist(), strict=True))
    for each in verdict.explanation or ():
        assert each.deviation is None
        if each.feature not in {reason.feature for reason in verdict.reasons}:
            assert each.expected == medians[str(each.feature)]


def test_the_median_is_expected_by_the_forest_alone(
    model: TrainedModel, score: ScoreTelemetry, mixed: NDArray[np.float64]
) -> None:
    medians = dict(zip(simulated_trucks.NAMES, model.medians.tolist(), strict=True))
    for verdict in verdicts(ScoreTelemetry(score.models, guarded=False), mixed, "always"):
        for each in verdict.explanation or ():
            assert (each.expected, each.deviation) == (medians[str(each.feature)], None)


def test_a_missing_value_is_explained_as_the_median_that_it_was_scored_as(
    model: TrainedModel, score: ScoreTelemetry, mixed: NDArray[np.float64]
) -> None:
    filled = np.where(np.isnan(mixed), model.medians, mixed)

    contributions = [
        {each.feature: each.contribution for each in verdicts(score, X[3:4], "always")[0].explanation or ()}
        for X in (mixed, filled)
    ]

    assert contributions[0] == contributions[1]


def test_readings_alone_are_explained_as_they_are_among_others(
    score: ScoreTelemetry, mixed: NDArray[np.float64]
) -> None:
    together = verdicts(score, mixed)

    assert [verdicts(score, mixed[row : row + 1])[0] for row in range(len(mixed))] == together


def test_anomalies_are_explained_unless_more_or_less_is_wanted(
    score: ScoreTelemetry, mixed: NDArray[np.float64]
) -> None:
    explained = {
        wanted: [verdict.explanation is not None for verdict in verdicts(score, mixed, wanted)]
        for wanted in (*EXPLAIN, None)
    }

    anomalous = [verdict.is_anomaly for verdict in verdicts(score, mixed)]
    assert 0 < sum(anomalous) < len(anomalous)
    assert explained == {
        "anomalies": anomalous,
        "always": [True] * len(mixed),
        "never": [False] * len(mixed),
        None: anomalous,
    }


@pytest.mark.parametrize("wanted", EXPLAIN)
def test_a_service_may_choose_otherwise_for_requests_that_do_not_say(
    score: ScoreTelemetry, mixed: NDArray[np.float64], wanted: Explain
) -> None:
    choosing = ScoreTelemetry(score.models, explain=wanted)

    assert verdicts(choosing, mixed) == verdicts(score, mixed, wanted)
    assert verdicts(choosing, mixed, "always") == verdicts(score, mixed, "always")


def test_alone_as_among_others_by_the_forest_alone_too(
    score: ScoreTelemetry, mixed: NDArray[np.float64]
) -> None:
    """The forest alone has a shorter way for one reading: all that a verdict says comes along."""
    alone = ScoreTelemetry(score.models, guarded=False)
    together = verdicts(alone, mixed)

    assert [verdicts(alone, mixed[row : row + 1])[0] for row in range(len(mixed))] == together
    assert all(verdict.percentile is not None for verdict in together)
