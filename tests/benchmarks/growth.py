"""What a score costs as trees, features, depth and readings grow."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from sklearn.ensemble import IsolationForest

from tests.benchmarks.measure import Plot, Row, Sample, Table
from tests.benchmarks.timing import side_by_side
from vehicle_anomaly.core.fitting import flatten

N_READINGS = 20_000
TREES = (10, 30, 100, 200, 500, 1000)
FEATURES = (2, 8, 32, 128, 500)
MAX_SAMPLES = (16, 64, 256, 1024, 4096)
READINGS = (1, 10, 100, 1_000, 10_000, 100_000)

Point = tuple[float, float]


def measure() -> Iterator[Row | Plot]:
    """Measure each alone; the others stay at 200 trees, 8 features and 256 samples a tree."""
    yield from _figure(
        "growth_trees",
        "Time of a reading against trees",
        "trees",
        [(n, _microseconds(n_trees=n)) for n in TREES],
        "Bound by walking: each tree is read and followed once, whatever the others.",
    )
    yield from _figure(
        "growth_features",
        "Time of a reading against features",
        "features",
        [(n, _microseconds(n_features=n)) for n in FEATURES],
        "A walk asks for one feature a level at most; what grows is fetching the rows from memory.",
    )
    yield from _figure(
        "growth_depth",
        "Time of a reading against samples a tree",
        "samples a tree (depth is its logarithm)",
        [(n, _microseconds(max_samples=n)) for n in MAX_SAMPLES],
        "Depth grows by one as samples double, and the nodes double: beyond the cache, memory bounds it.",
    )
    yield from _figure(
        "growth_readings",
        "Time of a reading against readings at once",
        "readings at once",
        [(n, _microseconds(n_readings=n)) for n in READINGS],
        "One reading pays for the call and for fetching every tree; many share both: walking bounds them.",
    )


def _figure(
    name: str, title: str, x: str, points: list[tuple[int, tuple[Sample, Sample]]], bound: str
) -> Iterator[Row | Plot]:
    ours: list[Point] = [(n, sample.median) for n, (sample, _) in points]
    theirs: list[Point] = [(n, sample.median) for n, (_, sample) in points]
    steepest = max((b[1] / a[1]) / (b[0] / a[0]) for a, b in pairwise(ours))
    for n, (sample, peers) in (points[0], points[-1]):
        yield Row.of_times(
            f"score of a reading, one thread, {x}: {n:,}",
            sample / 1e6,
            peers / 1e6,
            peer="scikit-learn's `decision_function`",
            in_readme=True,
        )
    curves = {"vehicle-anomaly": ours, "scikit-learn": theirs}
    yield Plot(name, title, x, "µs a reading, one thread", curves, bound)
    yield Row(f"{title}: the steepest step, as a share of proportional", Sample.of([steepest]))


def _microseconds(
    *, n_trees: int = 200, n_features: int = 8, max_samples: int = 256, n_readings: int = N_READINGS
) -> tuple[Sample, Sample]:
    X = np.random.default_rng(0).normal(size=(max(n_readings, max_samples, 256), n_features))
    estimator = IsolationForest(n_estimators=n_trees, max_samples=max_samples, random_state=0).fit(X)
    forest = flatten(estimator)
    rows = X[:n_readings]
    ours, theirs = side_by_side(
        lambda: forest.score(rows),
        lambda: estimator.decision_function(rows),
        repeats=5,
        calls=max(1, 1_000 // n_readings),
        their_calls=1,
    )
    return ours / n_readings * 1e6, theirs / n_readings * 1e6


TABLE = Table("growth", "How the time of a score grows, one thread", measure)
