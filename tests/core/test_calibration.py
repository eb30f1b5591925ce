"""Limits by false-alarm rate."""

import numpy as np
import pytest

from vehicle_anomaly.core.calibration import Tail, healthy_weights, level_of


def test_a_measure_is_as_surprising_as_the_share_of_readings_that_reach_it_is_small() -> None:
    measures = np.array([1.0, 2.0, 3.0, 4.0])
    tail = Tail.of(measures, np.ones(4))

    np.testing.assert_allclose(tail(measures), -np.log(np.array([4, 3, 2, 1]) / 5))


def test_readings_that_are_not_healthy_do_not_count() -> None:
    measures = np.array([1.0, 2.0, 3.0, 100.0])
    tail = Tail.of(measures, np.array([1.0, 1.0, 1.0, 0.0]))

    np.testing.assert_allclose(tail(np.array([3.0])), -np.log(1 / 4))


def test_what_has_no_measure_is_no_surprise() -> None:
    tail = Tail.of(np.array([-np.inf, 1.0]), np.ones(2))

    assert tail(np.array([-np.inf])).tolist() == [0.0]


def test_readings_of_one_run_are_as_surprising_as_if_all_of_it_had_been_new() -> None:
    measures = np.array([9.0, 8.0, 8.0, 1.0, 2.0, -np.inf])
    run = np.array([0, 0, 0, 1, 1, 1])
    tail = Tail.of(measures, np.ones(6))

    # Of other runs, none has reached what the first three have, three what the fourth has, three the fifth.
    expected = [-np.log(share / 7) for share in (1, 1, 1, 4, 4)]
    np.testing.assert_allclose(tail.of_new_runs(measures, np.ones(6), run), [*expected, 0.0])


def test_runs_of_one_are_as_surprising_as_readings() -> None:
    measures = np.random.default_rng(0).integers(0, 20, 100).astype(float)
    weights = np.ones(100)
    tail = Tail.of(measures, weights)
    told = tail.of_new_runs(measures, weights, np.arange(100))
    np.testing.assert_allclose(told, tail(measures))


def test_what_is_odd_for_half_a_minute_is_no_more_often_an_alarm_than_was_asked_for() -> None:
    """A run in a hundred is unlike the others, each in its own way."""
    rng = np.random.default_rng(4)
    rates = []
    for _ in range(20):
        held_out, new = (_in_runs(rng, n_runs) for n_runs in (600, 6_000))
        weights, run = np.ones(len(held_out)), np.arange(len(held_out)) // 32
        tails = [Tail.of(column, weights) for column in held_out.T]
        surprise = np.max(
            [tail.of_new_runs(column, weights, run) for tail, column in zip(tails, held_out.T, strict=True)],
            axis=0,
        )
        level = level_of(surprise, weights, 0.002)
        limits = np.array([tail.limit(level) for tail in tails])
        rates.append((new > limits).any(axis=1).mean())
    assert np.mean(rates) == pytest.approx(0.002, rel=0.3)


def _in_runs(rng: np.random.Generator, n_runs: int) -> np.ndarray:
    """Ten measures of runs of 32 readings; one run in a hundred reaches far in one of them."""
    measures = rng.exponential(size=(n_runs, 32, 10))
    odd = np.flatnonzero(rng.random(n_runs) < 0.01)
    measures[odd, :, rng.integers(0, 10, odd.size)] += rng.exponential(4, (odd.size, 1))
    return measures.reshape(-1, 10)


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.05])
def test_limits_let_the_share_of_new_readings_pass_that_was_asked_for(rate: float) -> None:
    rng = np.random.default_rng(0)
    held_out, new = rng.exponential(size=(2, 100_000, 5))
    weights = np.ones(len(held_out))
    tails = [Tail.of(column, weights) for column in held_out.T]
    surprise = np.max([tail(column) for tail, column in zip(tails, held_out.T, strict=True)], axis=0)

    level = level_of(surprise, weights, rate)
    limits = np.array([tail.limit(level) for tail in tails])

    assert (new > limits).any(axis=1).mean() == pytest.approx(rate, rel=0.3)


def test_many_detectors_on_few_readings_keep_the_rate_by_following_their_tails_further() -> None:
    rng = np.random.default_rng(1)
    held_out, new = rng.exponential(size=(1_000, 100)), rng.exponential(size=(50_000, 100))
    weights = np.ones(len(held_out))
    tails = [Tail.of(column, weights) for column in held_out.T]
    surprise = np.max([tail(column) for tail, column in zip(tails, held_out.T, strict=True)], axis=0)

    level = level_of(surprise, weights, 0.01)
    limits = np.array([tail.limit(level) for tail in tails])

    # The highest of each of a hundred would let nearly 10 % be called anomalies.
    assert 0.01 / 2 < (new > limits).any(axis=1).mean() < 0.01 * 2


def test_limits_that_stand_on_a_reading_or_two_each_are_no_more_often_wrong_than_was_asked_for() -> None:
    rng = np.random.default_rng(2)
    rates = []
    for _ in range(20):
        held_out, new = rng.exponential(size=(10_000, 20)), rng.exponential(size=(50_000, 20))
        weights = np.ones(len(held_out))
        tails = [Tail.of(column, weights) for column in held_out.T]
        surprise = np.max([tail(column) for tail, column in zip(tails, held_out.T, strict=True)], axis=0)
        level = level_of(surprise, weights, 0.003)
        rates.append((new > [tail.limit(level) for tail in tails]).any(axis=1).mean())

    # Thirty readings beyond twenty limits: to count those alone lets 0.0045 pass.
    assert np.mean(rates) == pytest.approx(0.003, rel=0.15)


def test_a_level_that_all_exceed_leaves_no_limit() -> None:
    tail = Tail.of(np.array([1.0, 2.0]), np.ones(2))

    assert tail.limit(-1.0) == -np.inf


def test_only_suspects_are_doubted_and_those_most_that_contradict_most() -> None:
    logits = np.array([[9.0, 0.0], [9.0, 0.0], [-2.0, -2.0], *[[-3.0, -3.0]] * 97])
    suspect = np.zeros(100, bool)
    suspect[[0, 2]] = True

    weights = healthy_weights(logits[suspect], suspect)

    assert weights[0] < 0.1
    assert weights[2] > 0.9
    assert np.all(np.delete(weights, [0, 2]) == 1)
