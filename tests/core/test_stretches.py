"""Stretches of time, and the folds that they are shared out among."""

import numpy as np

from vehicle_anomaly.core.stretches import folds, runs, stretches

NOON = np.datetime64("2026-03-01T12:00:00", "us")


def at(*seconds: float) -> np.ndarray:
    return NOON + (np.array(seconds) * 1e6).astype("timedelta64[us]")


def test_a_pause_ends_a_stretch() -> None:
    times = at(*range(40), *range(1_000, 1_040))

    numbered = stretches(["v"] * 80, times)

    assert numbered[39] != numbered[40]
    # No stretch holds more than an eighth of all readings.
    assert np.bincount(numbered).max() <= 10


def test_vehicles_share_no_stretch_and_order_does_not_matter() -> None:
    times = at(3, 1, 2, 1, 2, 3)
    vehicles = ["b", "a", "b", "b", "a", "a"]

    numbered = stretches(vehicles, times)

    assert not set(numbered[[1, 4, 5]].tolist()) & set(numbered[[0, 2, 3]].tolist())
    assert numbered[1] <= numbered[4] <= numbered[5]


def test_readings_at_one_time_are_cut_all_the_same() -> None:
    numbered = stretches(["v"] * 100, at(*[0] * 100))

    assert np.bincount(numbered).max() <= 13


def test_whole_vehicles_are_left_out_where_there_are_enough() -> None:
    vehicles = [f"v{row % 8}" for row in range(80)]
    fold = folds(stretches(vehicles, at(*range(80))), vehicles, 4)

    for vehicle in set(vehicles):
        assert len(set(fold[[row for row in range(80) if vehicles[row] == vehicle]].tolist())) == 1
    assert set(fold.tolist()) == {0, 1, 2, 3}


def test_few_vehicles_are_left_out_by_time() -> None:
    fold = folds(stretches(["v"] * 80, at(*range(80))), ["v"] * 80, 4)

    assert np.all(np.diff(fold) >= 0)
    assert set(fold.tolist()) == {0, 1, 2, 3}


def test_runs_are_pieces_of_a_stretch_in_order_of_time() -> None:
    seconds = np.random.default_rng(0).permutation(200)
    stretch = np.where(seconds < 100, 0, 1)

    numbered = runs(stretch, at(*seconds))[np.argsort(seconds)]

    assert np.bincount(numbered).tolist() == [64, 36, 64, 36]
    assert (np.diff(numbered) >= 0).all()
