"""Guards: what they find, how often they are wrong, and what they do without."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import simulated_trucks
from tests.guarded import alarm_rate, found, reasons_of_each, trained, trained_at
from vehicle_anomaly.core.contrast_trees import ContrastTrees
from vehicle_anomaly.core.explaining import explanations
from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.model import TrainedModel
from vehicle_anomaly.core.scoring_threads import ScoringThreads

NAMES = simulated_trucks.NAMES
ENGINE, FUEL, OIL = (
    NAMES.index(f"{name}") for name in ("engine_speed_rpm", "fuel_rate_lph", "oil_pressure_bar")
)


@pytest.fixture(scope="module")
def healthy() -> NDArray[np.float64]:
    return simulated_trucks.trips(20, seed=2)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return trained(simulated_trucks.batch(simulated_trucks.trips(24, seed=1)), n_estimators=50)


def guards_of(model: TrainedModel) -> Guards:
    assert model.guards is not None
    return model.guards


def mean_recall(model: TrainedModel, healthy: NDArray[np.float64]) -> float:
    broken = simulated_trucks.faults(healthy[::20])
    return float(np.mean([found(model, values, frozenset()).recall for values in broken.values()]))


def test_faults_of_single_sensors_are_found_and_the_sensor_is_named(
    model: TrainedModel, healthy: NDArray[np.float64]
) -> None:
    results = [
        found(model, values, frozenset({NAMES[sensor]}))
        for (sensor, _), values in simulated_trucks.faults(healthy[::20]).items()
    ]

    assert np.mean([each.recall for each in results]) > 0.75
    assert np.nanmean([each.named for each in results]) > 0.85
    assert alarm_rate(model, healthy) < 0.015


def test_as_many_false_alarms_as_were_asked_for() -> None:
    """On average over batches: of one alone, limits are off by as much as the bar, by chance."""
    rates = (0.005, 0.05)
    healthy = simulated_trucks.trips(60, seed=77)
    batches = [simulated_trucks.batch(simulated_trucks.trips(24, seed=seed)) for seed in (1, 2, 3)]
    asked = [trained_at(batch, rates) for batch in batches]
    for rate in rates:
        measured = np.mean([alarm_rate(models[rate], healthy) for models in asked])
        assert rate / 1.5 < measured < rate * 1.5


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.05])
@pytest.mark.parametrize("kind", ["normal", "exponential", "long-tailed"])
def test_signals_without_structure_raise_no_more_alarms_than_were_asked_for(rate: float, kind: str) -> None:
    rng = np.random.default_rng(3)

    def draw(n_readings: int) -> NDArray[np.float64]:
        size = (n_readings, 5)
        match kind:
            case "normal":
                return rng.normal(size=size)
            case "exponential":
                return rng.exponential(size=size)
            case _:
                return rng.standard_t(4, size=size)

    unrelated = trained(simulated_trucks.batch(draw(20_000)), rate, n_estimators=50)

    # At 0.001 the limits stand on 20 readings. Chance alone makes them a third too low or too high, and where
    # tails are long, the most extreme reading says little of the next.
    assert alarm_rate(unrelated, draw(100_000)) < rate * (3 if rate < 0.01 else 1.5)


def test_two_percent_of_faulty_readings_in_the_batch_cost_at_most_a_tenth(
    healthy: NDArray[np.float64],
) -> None:
    values = simulated_trucks.trips(24, seed=1)
    clean = trained(simulated_trucks.batch(values), n_estimators=50)
    rng = np.random.default_rng(4)
    broken = list(simulated_trucks.faults(values).values())
    faulty = np.flatnonzero(rng.random(len(values)) < 0.02)
    which = rng.integers(0, len(broken), faulty.size)
    spoilt = values.copy()
    for row, fault in zip(faulty.tolist(), which.tolist(), strict=True):
        spoilt[row] = broken[fault][row]

    dirty = trained(simulated_trucks.batch(spoilt), n_estimators=50)

    assert mean_recall(dirty, healthy) > 0.9 * mean_recall(clean, healthy)
    assert alarm_rate(dirty, healthy) < 0.015


def test_a_sensor_that_always_sent_something_and_no_longer_does_is_a_reason(
    model: TrainedModel, healthy: NDArray[np.float64]
) -> None:
    X = healthy[:50].copy()
    X[:, OIL] = np.nan

    judged = reasons_of_each(model, X, model.score(X))

    assert {reasons[0].code for reasons in judged} == {"missing"}
    assert {reasons[0].feature for reasons in judged} == {"oil_pressure_bar"}
    error = [reasons[0].expected - value for reasons, value in zip(judged, healthy[:50, OIL], strict=True)]
    assert np.median(np.abs(error)) < 0.15


def test_a_sensor_that_often_sends_nothing_is_no_reason_and_does_not_confuse_the_others(
    healthy: NDArray[np.float64],
) -> None:
    rng = np.random.default_rng(5)

    def with_gaps(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(rng.random(values.shape) < 0.1, np.nan, values)

    gappy = trained(simulated_trucks.batch(with_gaps(simulated_trucks.trips(24, seed=1))), n_estimators=50)

    assert not guards_of(gappy).always_there.any()
    assert alarm_rate(gappy, with_gaps(healthy)) < 0.015
    doubled = with_gaps(healthy)
    doubled[:, ENGINE] = 2 * healthy[:, ENGINE]
    assert found(gappy, doubled, frozenset({"engine_speed_rpm"})).recall > 0.9


def test_a_reading_without_any_value_is_an_anomaly(model: TrainedModel) -> None:
    nothing = np.full((1, len(NAMES)), np.nan)

    (reasons,) = reasons_of_each(model, nothing, model.score(nothing))

    assert [reason.feature for reason in reasons if reason.code == "missing"] == list(NAMES)


def test_what_is_expected_is_close_to_what_is_there_and_says_how_sure_it_is(
    model: TrainedModel, healthy: NDArray[np.float64]
) -> None:
    told = explanations(model, healthy[:500], range(500), {})

    by_name = [{each.feature: each for each in explanation} for explanation in told.values()]
    for sensor in (FUEL, OIL):
        off = [abs(each[NAMES[sensor]].expected - healthy[row, sensor]) for row, each in enumerate(by_name)]
        assert np.median(off) < 0.1 * np.ptp(healthy[:, sensor])
    deviations = np.array([[each.deviation for each in explanation] for explanation in told.values()])
    assert 0.4 < np.mean(np.abs(deviations) < 1) < 0.95


def test_a_reason_tells_what_was_seen_what_was_expected_and_the_limit_between(
    model: TrainedModel, healthy: NDArray[np.float64]
) -> None:
    X = healthy[1_000:1_200].copy()
    X[:, FUEL] = healthy[1_000:1_200, FUEL] + 30

    told = [
        reasons[0]
        for reasons in reasons_of_each(model, X, model.score(X))
        if reasons and reasons[0].code == "inconsistent"
    ]

    assert len(told) > 50
    for reason in told:
        assert reason.feature == "fuel_rate_lph"
        assert reason.observed is not None
        assert reason.expected is not None
        assert reason.expected < reason.observed
        assert reason.limit is None or reason.limit < reason.observed
        assert reason.message.startswith("fuel_rate_lph reads ")


def test_a_value_beyond_the_range_is_told_with_the_bound(
    model: TrainedModel, healthy: NDArray[np.float64]
) -> None:
    X = healthy[:1].copy()
    X[0, ENGINE] = 9_000

    reason = reasons_of_each(model, X, model.score(X))[0][0]

    assert (reason.code, reason.feature, reason.observed) == ("out_of_range", "engine_speed_rpm", 9_000)
    assert reason.limit == guards_of(model).highest[ENGINE]
    assert reason.message.startswith("engine_speed_rpm reads 9000, above all that training saw.")


def test_one_faulty_sensor_is_not_blamed_on_the_others(
    model: TrainedModel, healthy: NDArray[np.float64]
) -> None:
    X = healthy[::20].copy()
    X[:, ENGINE] *= 1.5

    judged = [reasons for reasons in reasons_of_each(model, X, model.score(X)) if reasons]

    assert np.mean([len(reasons) for reasons in judged]) < 1.6


def test_without_guards_the_forest_decides_alone(model: TrainedModel, healthy: NDArray[np.float64]) -> None:
    scores = model.score(healthy)

    judged = reasons_of_each(model, healthy, scores, guarded=False)

    np.testing.assert_array_equal([bool(reasons) for reasons in judged], scores < 0)
    assert {reason.code for reasons in judged for reason in reasons} == {"isolation"}


def test_the_same_batch_gives_the_same_guards_on_any_number_of_threads() -> None:
    batch = simulated_trucks.batch(simulated_trucks.trips(4, seed=1))

    first, second, other = (
        guards_of(trained(batch, n_estimators=10, random_state=state, threads=ScoringThreads(threads)))
        for state, threads in ((1, 1), (1, 3), (2, 1))
    )

    for name, array in (*first.arrays().items(), *first.trees.arrays().items()):
        np.testing.assert_array_equal(array, {**second.arrays(), **second.trees.arrays()}[name])
    assert not np.array_equal(first.trees.leaf, other.trees.leaf)


def test_guards_are_part_of_what_a_version_is(model: TrainedModel) -> None:
    guards = guards_of(model)
    other = replace(guards, isolation_limit=guards.isolation_limit - 0.001)

    assert replace(model, guards=other).content_sha256() != model.content_sha256()


@pytest.mark.parametrize(
    ("n_readings", "kind"), [(99, "none"), (100, "ranges"), (499, "ranges"), (500, "full")]
)
def test_few_readings_give_fewer_guards_and_say_so(n_readings: int, kind: str) -> None:
    few = trained(simulated_trucks.batch(simulated_trucks.trips(1, seed=1)[:n_readings]), n_estimators=10)

    assert few.metadata.guards == kind
    assert (few.guards is None) == (kind == "none")


def test_of_very_many_features_some_are_compared_and_the_version_says_so() -> None:
    rng = np.random.default_rng(6)
    mixed = rng.normal(size=(1_200, 5)) @ rng.normal(size=(5, 150)) + rng.normal(size=(1_200, 150))

    many = trained(simulated_trucks.batch(mixed), n_estimators=10)

    assert many.metadata.guards == "partial"
    assert guards_of(many).trees.guarded.size == 100
    assert guards_of(many).trees.n_trees <= 1_600


def test_features_that_never_vary_or_hardly_ever_say_anything_are_no_trouble() -> None:
    values = simulated_trucks.trips(4, seed=1)
    values[:, 1] = 7.0
    values[5:, 4] = np.nan

    odd = trained(simulated_trucks.batch(values), n_estimators=10)

    assert not {1, 4} & set(guards_of(odd).trees.guarded.tolist())
    X = values[:1].copy()
    assert not reasons_of_each(odd, X, odd.score(X))[0]
    X[0, 1] = 9.0
    assert reasons_of_each(odd, X, odd.score(X))[0][0].feature == "gear"


def small() -> Guards:
    trees = ContrastTrees(
        n_features=2,
        depth=1,
        guarded=np.array([1], np.int32),
        tree_start=np.array([0, 1]),
        split_feature=np.zeros(1, np.int32),
        split_threshold=np.zeros(1, np.float32),
        leaf=np.zeros(2, np.float32),
    )
    zero, cells = np.zeros(2), np.zeros(32, np.float32)
    return Guards(
        trees, 0.0, zero, zero + 1, zero, zero, np.zeros(2, np.uint8), np.zeros(1, np.float32), cells, cells
    )


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ({"lowest": np.array([0, 2.0])}, "lowest"),
        ({"lowest": np.array([0, np.nan])}, "lowest"),
        ({"lowest": np.zeros(3)}, "lowest"),
        ({"highest": np.array([1, np.inf])}, "highest"),
        ({"always_there": np.array([0, 2], np.uint8)}, "always_there"),
        ({"always_there": np.zeros(2)}, "always_there"),
        ({"spread": np.array([0, -1.0])}, "spread"),
        ({"contradiction_limit": np.zeros(2, np.float32)}, "contradiction_limit"),
        ({"cell_value": np.arange(32, 0, -1).astype(np.float32)}, "cell_value"),
        ({"cell_value": np.zeros(31, np.float32)}, "cell_value"),
        ({"cell_log_share": np.full(32, np.nan, np.float32)}, "cell_log_share"),
        ({"isolation_limit": float("nan")}, "isolation_limit"),
    ],
)
def test_what_are_no_guards_is_refused(broken: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(small(), **broken)
