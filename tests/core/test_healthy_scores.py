"""Percentiles: what share of healthy readings scores lower, and from what that is known."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from tests import simulated_trucks
from tests.fakes import FixedClock, InMemoryModels
from vehicle_anomaly.core import fitting
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.forest import Forest
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.healthy_scores import HealthyScores
from vehicle_anomaly.core.model import ModelVersion, TrainedModel
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

quick = settings(deadline=None, max_examples=200, database=None)
SMALL = ForestParameters(n_estimators=50, contamination=0.05)


def trained(
    values: NDArray[np.float64],
    guards: GuardParameters | None = None,
    parameters: ForestParameters = SMALL,
) -> TrainedModel:
    models = InMemoryModels()
    train = TrainModel(models, FixedClock(), parameters, guards)
    known = train(TrainModelCommand(simulated_trucks.batch(values), model_version=ModelVersion("v1")))
    return models.load(known.model_name, known.model_version)


def percentiles(model: TrainedModel, X: NDArray[np.float64]) -> NDArray[np.float64]:
    assert model.healthy_scores is not None
    return model.healthy_scores.percentiles(model.score(X))


@quick
@given(
    arrays.arrays(
        np.float64, st.integers(1, 300), elements=st.sampled_from(np.linspace(-0.3, 0.3, 40).tolist())
    )
)
def test_a_percentile_is_the_share_of_healthy_readings_that_score_lower(scores: NDArray[np.float64]) -> None:
    known = HealthyScores.of(scores, np.ones(scores.size))
    asked = np.concatenate([scores, np.linspace(-0.4, 0.4, 97)])

    told = known.percentiles(asked)

    exact = (scores[np.newaxis] < asked[:, np.newaxis]).mean(axis=1)
    np.testing.assert_array_less(told, exact + 1e-12)
    # As fine as is kept, or the next score that there is.
    at_most = np.maximum(np.minimum(exact * 0.01, 0.001), 0) + 1e-12
    assert np.all((exact - told <= at_most) | np.isin(told, [(scores < each).mean() for each in scores]))


def test_it_is_kept_small_and_exact_in_the_tail() -> None:
    scores = np.random.default_rng(0).normal(size=200_000)
    known = HealthyScores.of(scores, np.ones(scores.size))

    assert known.healthy_score.size < 2_500
    lowest = np.sort(scores)[:100]
    np.testing.assert_allclose(known.percentiles(lowest), np.arange(100) / scores.size, rtol=0, atol=1e-15)
    asked = np.linspace(-5, 5, 5_000)
    exact = np.searchsorted(np.sort(scores), asked) / scores.size
    assert np.all(exact - known.percentiles(asked) <= np.minimum(0.0101 * exact, 0.0011))
    assert known.percentiles(np.array([-9.0, 9.0])).tolist() == [0.0, 1.0]


def test_readings_count_by_how_likely_they_are_healthy() -> None:
    known = HealthyScores.of(np.array([-0.2, -0.1, 0.1, 0.2]), np.array([0.0, 0.5, 1.0, 0.5]))

    assert known.percentiles(np.array([-0.15, 0.0, 0.15, 0.3])).tolist() == [0.0, 0.25, 0.75, 1.0]


@pytest.mark.parametrize(
    ("score", "share", "wrong"),
    [
        ([], [0.0], "healthy_score: expected at least one"),
        ([0.1, 0.1], [0, 0.5, 1], "healthy_score: expected at least one score, ascending"),
        ([0.1, np.nan], [0, 0.5, 1], "healthy_score: expected finite"),
        ([0.1], [0.0], "healthy_share: expected one more"),
        ([0.1], [0.5, 0.4], "healthy_share: expected shares from 0 to 1, ascending"),
        ([0.1], [0.0, 1.1], "healthy_share: expected shares from 0 to 1, ascending"),
        ([0.1], [-0.1, 1.0], "healthy_share: expected shares from 0 to 1, ascending"),
    ],
)
def test_what_is_no_such_shares_is_refused(score: list[float], share: list[float], wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)):
        HealthyScores(np.array(score, np.float64), np.array(share, np.float64))


@pytest.mark.parametrize("guards", [None, GuardParameters(0.01)], ids=["forest alone", "guarded"])
@pytest.mark.parametrize("n_trips", [1, 4], ids=["held out", "out of bag"])
def test_new_healthy_readings_are_spread_evenly_over_percentiles(
    guards: GuardParameters | None, n_trips: int
) -> None:
    # Readings that tell nothing of each other: those of a trip would move together.
    random = np.random.default_rng(4)
    learned, fresh = random.normal(size=(n_trips * 500, 3)), random.normal(size=(20_000, 3))
    model = trained(learned, guards)

    told = percentiles(model, fresh)

    assert model.metadata.percentile_readings == len(learned) or guards is not None
    for share in (0.05, 0.25, 0.5, 0.75):
        # Of so few readings, a share is known to so much: three standard errors, and one of a thousandth.
        assert abs((told < share).mean() - share) < 3 * np.sqrt(share * (1 - share) / len(learned)) + 0.02


def test_it_means_the_same_after_retraining() -> None:
    random = np.random.default_rng(6)
    first, second = (
        trained(random.normal(size=(5_000, 3))),
        trained(
            # Other readings, another forest, another offset: other scores.
            random.normal(size=(4_000, 3)),
            parameters=ForestParameters(n_estimators=100, contamination=0.3, random_state=7),
        ),
    )
    fresh = random.normal(size=(20_000, 3))

    assert abs(np.median(first.score(fresh)) - np.median(second.score(fresh))) > 0.03
    for share in (0.01, 0.05, 0.5):
        told = [(percentiles(model, fresh) < share).mean() for model in (first, second)]
        assert np.allclose(told, share, rtol=0.25, atol=0.002)
    assert np.median(np.abs(percentiles(first, fresh) - percentiles(second, fresh))) < 0.05


def test_out_of_bag_scores_are_those_of_the_trees_that_did_not_see_the_reading() -> None:
    X = np.random.default_rng(2).normal(size=(600, 3))
    X[5, 1] = np.nan
    medians = np.nanmedian(X, axis=0)
    forest, estimator = fitting.fit(X, ForestParameters(n_estimators=9), medians)
    rows = np.arange(0, 600, 3)

    told = fitting.out_of_bag_scores(X, medians, forest, estimator, rows)

    filled = np.where(np.isnan(X), medians, X)
    for row, score in zip(rows, told, strict=True):
        unseen = [
            place for place, sample in enumerate(estimator.estimators_samples_) if row not in sample.tolist()
        ]
        alone = replace_trees(forest, unseen)
        assert score == pytest.approx(alone.score_samples(filled[row : row + 1])[0], abs=1e-12)


def replace_trees(forest: Forest, trees: list[int]) -> Forest:
    """Return a forest of some of the trees alone."""
    parts = [slice(forest.tree_start[tree], forest.tree_start[tree + 1]) for tree in trees]
    start = np.cumsum([0, *(part.stop - part.start for part in parts)])
    moved: dict[str, Any] = {
        name: np.concatenate(
            [
                np.where(
                    getattr(forest, name)[part] < 0, -1, getattr(forest, name)[part] - part.start + first
                )
                for part, first in zip(parts, start[:-1], strict=True)
            ]
        ).astype(np.int32)
        for name in ("left", "right")
    }
    kept: dict[str, Any] = {
        name: np.concatenate([getattr(forest, name)[part] for part in parts])
        for name in ("feature", "threshold", "path_length")
    }
    return replace(forest, tree_start=start, **moved, **kept)


def test_few_readings_give_no_percentiles_and_the_version_says_so() -> None:
    model = trained(np.random.default_rng(0).normal(size=(99, 3)))

    assert (model.healthy_scores, model.metadata.percentile_readings) == (None, None)


def test_one_tree_gives_percentiles_of_those_readings_that_it_did_not_see() -> None:
    model = trained(simulated_trucks.trips(2, seed=1), parameters=ForestParameters(n_estimators=1))

    assert model.metadata.percentile_readings == 1000 - 256


def test_the_same_batch_gives_the_same_percentiles() -> None:
    X = simulated_trucks.trips(2, seed=1)

    first, second = trained(X), trained(X)

    assert first.content_sha256() == second.content_sha256()
    assert first.healthy_scores is not None
    other = replace(first.healthy_scores, healthy_share=np.sqrt(first.healthy_scores.healthy_share))
    assert replace(first, healthy_scores=other).content_sha256() != first.content_sha256()


def test_a_batch_with_faulty_readings_gives_percentiles_of_the_healthy_ones() -> None:
    healthy = simulated_trucks.trips(20, seed=1)
    spoiled = healthy.copy()
    spoiled[::50, 6] *= 3
    fresh = simulated_trucks.trips(4, seed=9)

    told = [percentiles(trained(values, GuardParameters(0.01)), fresh) for values in (healthy, spoiled)]

    assert abs((told[0] < 0.02).mean() - (told[1] < 0.02).mean()) < 0.02


@quick
@given(st.lists(st.sampled_from(np.linspace(-0.3, 0.3, 40).tolist()), min_size=1), st.floats(-0.4, 0.4))
def test_one_score_gets_the_percentile_that_it_gets_among_many(scores: list[float], asked: float) -> None:
    known = HealthyScores.of(np.array(scores), np.ones(len(scores)))
    for each in (asked, *scores):
        assert known.percentile(each) == known.percentiles(np.array([each]))[0]
