"""Reasons come from compiled code that keeps leaves in mind: here each is found again, all asked anew."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import simulated_trucks
from tests.guarded import trained, tried
from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.judging import judge
from vehicle_anomaly.core.model import TrainedModel
from vehicle_anomaly.core.reasons import CODES, Code, Reason, isolation


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return trained(simulated_trucks.batch(simulated_trucks.trips(6, seed=1)), n_estimators=20)


@pytest.fixture(scope="module")
def readings() -> NDArray[np.float64]:
    """Healthy ones, and some with one, two or many sensors that are wrong, silent or both."""
    X, rng = simulated_trucks.trips(2, seed=2)[::3], np.random.default_rng(3)
    wrong = rng.random(X.shape) < rng.choice([0, 0.1, 0.5], (len(X), 1))
    X = np.where(wrong, X * rng.choice([-1, 0, 0.5, 1.5, 9], X.shape), X)
    return np.where(
        rng.random(X.shape) < rng.choice([0, 0.1, 1], (len(X), 1), p=[0.7, 0.28, 0.02]), np.nan, X
    )


def test_contradictions_are_those_of_trees_that_are_asked_anew_without_what_was_named(
    model: TrainedModel, readings: NDArray[np.float64]
) -> None:
    guards = _guards(model)

    judged = judge(model, readings, model.score(readings))

    most = 0
    for row, values in enumerate(readings):
        told = [reason.feature for reason in judged.get(row, ()) if reason.code == "inconsistent"]
        assert told == [simulated_trucks.NAMES[each] for each in _contradictions(guards, values)]
        most = max(most, len(told))
    assert most == 3


def test_what_is_expected_and_the_limit_are_those_of_all_values_tried_one_by_one(
    model: TrainedModel, readings: NDArray[np.float64]
) -> None:
    guards = _guards(model)

    judged = judge(model, readings, model.score(readings))

    checked = 0
    for row, reasons in list(judged.items())[::5]:
        values = _in_range(guards, readings[row])
        for reason in reasons:
            if reason.code == "isolation":
                continue
            each = simulated_trucks.NAMES.index(str(reason.feature))
            expected, limit, spread = tried(guards, values, each)
            assert reason.expected == pytest.approx(expected, rel=1e-5, abs=1e-5)
            others = np.delete(values, each)
            assert reason.by_others or np.isnan(others).any()
            if reason.observed is None:
                assert reason.deviation is None
            else:
                units = spread if reason.by_others else float(guards.spread[each])
                deviation = (reason.observed - expected) / units
                assert reason.deviation == pytest.approx(deviation, rel=1e-3, abs=1e-3)
            if reason.code == "inconsistent":
                assert reason.limit == (pytest.approx(limit) if limit is not None else None)
                values[each] = np.nan
            checked += 1
    assert checked > 50


def test_a_contradiction_is_on_the_far_side_of_its_limit(
    model: TrainedModel, readings: NDArray[np.float64]
) -> None:
    """Else the sentence says that 1100 contradicts what is "about 1805, at most 751"."""
    several = 0
    for reasons in judge(model, readings, model.score(readings)).values():
        for reason in reasons:
            if reason.code != "inconsistent":
                continue
            assert reason.observed is not None
            assert reason.expected is not None
            assert reason.limit is not None
            assert min(reason.observed, reason.expected) <= reason.limit
            assert reason.limit <= max(reason.observed, reason.expected)
            assert reason.deviation is not None
            assert np.sign(reason.deviation) == np.sign(reason.observed - reason.expected)
            several += 1
    assert several > 100


def test_reasons_are_told_in_order_of_their_codes_and_the_farthest_out_of_range_first(
    model: TrainedModel, readings: NDArray[np.float64]
) -> None:
    guards = _guards(model)
    room = guards.highest - guards.lowest

    several = 0
    for row, reasons in judge(model, readings, model.score(readings)).items():
        codes = [CODES.index(reason.code) for reason in reasons]
        assert codes == sorted(codes)
        out = [str(reason.feature) for reason in reasons if reason.code == "out_of_range"]
        off = np.maximum(guards.lowest - readings[row], readings[row] - guards.highest) / room
        away = [off[simulated_trucks.NAMES.index(name)] for name in out]
        assert away == sorted(away, reverse=True)
        several += len(out) > 1
    assert several > 10


def test_one_reading_is_told_what_many_are_told(model: TrainedModel, readings: NDArray[np.float64]) -> None:
    scores = model.score(readings)

    together = judge(model, readings, scores)

    for row in range(len(readings)):
        alone = judge(model, readings[row : row + 1], scores[row : row + 1])
        assert alone.get(0, ()) == together.get(row, ())


def test_other_sensors_suggest_nothing_when_none_of_them_reads(model: TrainedModel) -> None:
    guards = _guards(model)
    alone = np.full((1, len(simulated_trucks.NAMES)), np.nan)
    alone[0, 0] = 2 * guards.highest[0]
    with_others = simulated_trucks.trips(1, seed=2)[:1]
    with_others[0, 0] = alone[0, 0]

    (first, *_), (said, *_) = (
        [
            reason
            for reason in judge(model, X, model.score(X))[0]
            if reason.feature == simulated_trucks.NAMES[0]
        ]
        for X in (alone, with_others)
    )

    assert not first.by_others
    assert "other sensors" not in first.message
    assert "Usual is about" in first.message
    assert said.by_others
    assert "The other sensors suggest about" in said.message


PRESSURE = Reason("inconsistent", "manifold_pa", 101_345.0, 101_325.25, 101_326.0, 20.0)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (
            PRESSURE,
            "manifold_pa reads 101345, which contradicts the other sensors. "
            "They suggest about 101325.2, at most 101326.",
        ),
        (
            replace(PRESSURE, limit=PRESSURE.expected),
            "manifold_pa reads 101345, which contradicts the other sensors. They suggest about 101325.",
        ),
        (
            # The same value, once as it is kept and once as it was computed.
            Reason("inconsistent", "coolant", 19.37, 88.76000213623047, 88.76000200),
            "coolant reads 19.37, which contradicts the other sensors. They suggest about 88.76.",
        ),
        (
            Reason("inconsistent", "coolant", 19.37, 88.76, 80.123),
            "coolant reads 19.37, which contradicts the other sensors. "
            "They suggest about 88.76, at least 80.12.",
        ),
        (
            Reason("out_of_range", "micro", 1.000002, 1.0, 1.000001),
            "micro reads 1.000002, above all that training saw. The other sensors suggest about 1.",
        ),
        (
            Reason("inconsistent", "odometer_m", 29_123_456.0, 29_100_000.0, by_others=False),
            "odometer_m reads 29123456, which is unusual by itself. Usual is about 29100000.",
        ),
        (
            Reason("missing", 3, None, 1_013_250.5),
            "Feature 3 has no value, though it had one in training. The other sensors suggest about 1013250.",
        ),
        (
            isolation(-0.07049, -0.0),
            "The reading as a whole is unlike those of healthy vehicles: its anomaly score is -0.07049, "
            "below 0.",
        ),
    ],
)
def test_numbers_that_differ_can_be_told_apart_in_the_sentence(reason: Reason, message: str) -> None:
    assert reason.message == message


def test_the_limit_is_told_only_where_it_says_more_than_what_is_expected(
    model: TrainedModel, readings: NDArray[np.float64]
) -> None:
    told = [
        (reason.message, reason.expected == reason.limit)
        for reasons in judge(model, readings, model.score(readings)).values()
        for reason in reasons
        if reason.code == "inconsistent" and reason.by_others
    ]

    assert {same for _, same in told} == {True, False}
    for message, same in told:
        _, _, suggested = message.partition("They suggest about ")
        numbers = suggested.rstrip(".").replace("at most ", "").replace("at least ", "").split(", ")
        assert len(set(numbers)) == len(numbers) == (1 if same else 2)


@pytest.mark.parametrize("by_others", [True, False])
@pytest.mark.parametrize("code", ["out_of_range", "missing", "inconsistent"])
def test_a_zero_is_told_without_a_sign(code: Code, *, by_others: bool) -> None:
    message = Reason(code, "pitch", -0.0, -0.0, -0.0, None, by_others).message
    assert " 0" in message
    assert "-0" not in message


def test_a_model_of_one_feature_has_no_other_sensors() -> None:
    batch = simulated_trucks.batch(simulated_trucks.trips(3, seed=1))
    one = trained(replace(batch, values=batch.values[:, :1], feature_names=("rpm",)), n_estimators=20)
    X = np.array([[1e6]])

    reason = judge(one, X, one.score(X))[0][0]

    assert reason.code == "out_of_range"
    assert "other sensors" not in reason.message
    assert reason.deviation is not None
    assert reason.deviation > 10


def _guards(model: TrainedModel) -> Guards:
    assert model.guards is not None
    return model.guards


def _in_range(guards: Guards, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where((values < guards.lowest) | (values > guards.highest), np.nan, values)


def _contradictions(guards: Guards, values: NDArray[np.float64]) -> list[int]:
    named: list[int] = []
    values = _in_range(guards, values)
    while len(named) < 3:
        logits = guards.trees.logits(values[np.newaxis])[0]
        least = 0.0 if np.isnan(values).any() else -np.inf
        limits = np.maximum(guards.contradiction_limit, least)
        over = (logits > limits) & ~np.isnan(values[guards.trees.guarded])
        if not over.any():
            break
        worst = int(np.argmax(np.where(over, logits, -np.inf)))
        named.append(int(guards.trees.guarded[worst]))
        values[named[-1]] = np.nan
    return named
