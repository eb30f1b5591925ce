"""Scores beside scikit-learn's over every size of forest, on readings that are tied or lie on thresholds."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from vehicle_anomaly.core.fitting import flatten
from vehicle_anomaly.core.forest import Forest
from vehicle_anomaly.core.scoring_threads import ScoringThreads

Matrix = NDArray[np.float64]

TREES: Final = (1, 7, 64, 200, 1000)
SAMPLES: Final = (2, 17, 256, 257, 1024, 4096)
FEATURES: Final = (1, 2, 8, 60, 500)
_AT_ONCE: Final = 4096
_THREADS: Final = ScoringThreads(len(os.sched_getaffinity(0)))


class Size(NamedTuple):
    """Of a forest."""

    n_trees: int
    max_samples: int
    n_features: int


CORNERS: Final = [
    Size(*size)
    for size in product((TREES[0], TREES[-1]), (SAMPLES[0], SAMPLES[-1]), (FEATURES[0], FEATURES[-1]))
]
EVERY: Final = [Size(*size) for size in product(TREES, SAMPLES, FEATURES)]


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison found.

    Attributes:
        n_readings: That both scored.
        greatest: Difference between two scores.
        n_labels: That differ.
    """

    n_readings: int
    greatest: float
    n_labels: int


def compare(size: Size, n_readings: int) -> Compared:
    """Score readings by one forest, ours and scikit-learn's, on as many threads as there are processors."""
    random = np.random.default_rng(size)
    estimator = IsolationForest(
        n_estimators=size.n_trees, max_samples=size.max_samples, contamination=0.05, random_state=1
    )
    estimator.fit(readings(random, max(2 * size.max_samples, 300), size.n_features))
    forest = flatten(estimator)
    found: list[Compared] = []

    def compare_part(number: int) -> None:
        own = np.random.default_rng((*size, number))
        X = readings(own, min(_AT_ONCE, n_readings - number * _AT_ONCE), size.n_features)
        put_on_thresholds(own, forest, X)
        scores, expected = forest.score(X), estimator.decision_function(X)
        greatest = float(np.abs(scores - expected).max())
        found.append(Compared(len(X), greatest, int(np.count_nonzero((scores < 0) != (expected < 0)))))

    _THREADS.each(-(-n_readings // _AT_ONCE), compare_part)
    return total(found)


def total(found: Collection[Compared]) -> Compared:
    """Sum up comparisons; a score that is no number makes the difference none."""
    return Compared(
        sum(each.n_readings for each in found),
        float(np.max([each.greatest for each in found])),
        sum(each.n_labels for each in found),
    )


def readings(random: np.random.Generator, n_readings: int, n_features: int) -> Matrix:
    """Draw readings: every second feature on a coarse grid, so that many are tied."""
    X = random.normal(scale=2, size=(n_readings, n_features))
    X[:, ::2] = np.round(X[:, ::2], 1)
    return X


def put_on_thresholds(random: np.random.Generator, forest: Forest, X: Matrix) -> None:
    """Move one value of every third reading onto a threshold, or to a float next to it."""
    splits = np.flatnonzero(forest.feature >= 0)
    if not splits.size:
        return
    moved = X[::3]
    chosen = random.choice(splits, len(moved))
    places = np.stack(around(forest.threshold[chosen]))
    rows = np.arange(len(moved))
    moved[rows, forest.feature[chosen]] = places[random.integers(len(places), size=len(moved)), rows]


def around(thresholds: Matrix) -> list[Matrix]:
    """Return thresholds, and the float64 and float32 that are as close to them as can be."""
    rounded = thresholds.astype(np.float32)
    return [
        thresholds,
        np.nextafter(thresholds, np.inf),
        np.nextafter(thresholds, -np.inf),
        rounded.astype(np.float64),
        np.nextafter(rounded, np.float32(np.inf)).astype(np.float64),
        np.nextafter(rounded, np.float32(-np.inf)).astype(np.float64),
    ]
