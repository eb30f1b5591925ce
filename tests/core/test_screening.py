"""Screening: what of a batch looks faulty, and what is only rare."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import simulated_trucks
from tests.guarded import found, trained
from vehicle_anomaly.core.screening import far_values

N_STRETCHES = 8


@pytest.fixture
def stretch() -> NDArray[np.int64]:
    return np.repeat(np.arange(N_STRETCHES), 500)


@pytest.fixture
def usual(stretch: NDArray[np.int64]) -> NDArray[np.float64]:
    """Readings of three signals, of which the last differs from stretch to stretch."""
    X = np.random.default_rng(0).uniform(40, 100, (stretch.size, 3))
    X[:, 2] += 100 * stretch
    return X


def every(number: int, usual: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.arange(0, len(usual), number)


def test_values_beyond_a_gap_are_far(usual: NDArray[np.float64], stretch: NDArray[np.int64]) -> None:
    rows = every(100, usual)
    usual[rows, 0] = 0.0

    far = far_values(usual, stretch)

    assert np.flatnonzero(far[:, 0]).tolist() == rows.tolist()
    assert not far[:, 1:].any()


def test_a_rare_way_of_running_that_another_signal_tells_of_too_is_not_far(
    usual: NDArray[np.float64], stretch: NDArray[np.int64]
) -> None:
    rows = every(100, usual)
    usual[rows, 0] = np.linspace(0, 10, rows.size)
    usual[rows, 1] = 40.0

    assert not far_values(usual, stretch).any()


def test_what_only_one_stretch_has_is_far_whatever_its_other_signals_read(
    usual: NDArray[np.float64], stretch: NDArray[np.int64]
) -> None:
    usual[:40, 0] = 0.0
    usual[:40, 1] = 40.0

    assert far_values(usual, stretch)[:40, 0].all()


def test_what_differs_between_stretches_does_not_excuse_a_fault(
    usual: NDArray[np.float64], stretch: NDArray[np.int64]
) -> None:
    rows = every(25, usual)[-70:]
    assert np.unique(stretch[rows]).size == 4
    usual[rows, 0] = 0.0

    assert far_values(usual, stretch)[rows, 0].all()


@pytest.fixture
def geared(usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same, where the first is one of five gears by the speed, which is the second."""
    usual[:, 0] = np.digitize(usual[:, 1], [50, 60, 70, 80]) + 1
    return usual


@pytest.mark.parametrize("value", [255.0, 15.0, -15.0])
def test_a_placeholder_among_few_values_is_far(
    geared: NDArray[np.float64], stretch: NDArray[np.int64], value: float
) -> None:
    rows = every(60, geared)
    geared[rows, 0] = value

    far = far_values(geared, stretch)

    assert np.flatnonzero(far[:, 0]).tolist() == rows.tolist()
    assert not far[:, 1:].any()


def test_placeholders_on_both_sides_are_far(geared: NDArray[np.float64], stretch: NDArray[np.int64]) -> None:
    rows = every(60, geared)
    geared[rows, 0] = np.where(np.arange(rows.size) % 2, 127.0, -128.0)

    assert far_values(geared, stretch)[rows, 0].all()


def test_a_placeholder_is_far_where_no_other_signal_tells_anything(
    usual: NDArray[np.float64], stretch: NDArray[np.int64]
) -> None:
    rows = every(60, usual)
    usual[:, 0] = np.random.default_rng(1).integers(0, 4, len(usual))
    usual[rows, 0] = 255.0

    assert np.flatnonzero(far_values(usual, stretch)[:, 0]).tolist() == rows.tolist()


def test_a_rare_gear_beside_the_others_is_not_far(
    geared: NDArray[np.float64], stretch: NDArray[np.int64]
) -> None:
    geared[every(100, geared), 0] = -1.0

    assert not far_values(geared, stretch).any()


def test_a_rare_status_that_no_other_signal_tells_anything_of_is_not_far(
    usual: NDArray[np.float64], stretch: NDArray[np.int64]
) -> None:
    usual[:, 0] = np.random.default_rng(1).integers(0, 4, len(usual))
    usual[every(100, usual), 0] = 8.0

    assert not far_values(usual, stretch).any()


def test_a_rare_state_that_another_signal_tells_of_is_not_far(
    geared: NDArray[np.float64], stretch: NDArray[np.int64]
) -> None:
    rows = every(100, geared)
    geared[rows, 0] = 255.0
    geared[rows, 1] = 40.0

    assert not far_values(geared, stretch).any()


@pytest.mark.parametrize("rare", [1.0, 255.0])
def test_a_flag_that_is_seldom_set_is_not_far(
    usual: NDArray[np.float64], stretch: NDArray[np.int64], rare: float
) -> None:
    """Whatever it is set to: of what else never changes, nobody can tell."""
    usual[:, 0] = 0.0
    usual[every(100, usual), 0] = rare

    assert not far_values(usual, stretch).any()


@pytest.mark.parametrize("value", [255.0, 100.0])
def test_placeholders_in_the_batch_do_not_hide_those_to_come(value: float) -> None:
    gear = simulated_trucks.NAMES.index("gear")
    spoilt = simulated_trucks.trips(24, seed=1)
    spoilt[np.random.default_rng(0).random(len(spoilt)) < 0.015, gear] = 255.0
    broken = simulated_trucks.trips(2, seed=2)
    broken[:, gear] = value

    told = found(trained(simulated_trucks.batch(spoilt), n_estimators=50), broken, frozenset({"gear"}))

    assert told.recall > 0.9
    assert told.named > 0.85
