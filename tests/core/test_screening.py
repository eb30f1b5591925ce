"""Screening: what of a batch looks faulty, and what is only rare."""

import numpy as np
import pytest
from numpy.typing import NDArray

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
