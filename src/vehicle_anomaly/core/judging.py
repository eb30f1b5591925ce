"""From scores and guards to the reasons why readings are anomalies."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.model import TrainedModel
from vehicle_anomaly.core.reasons import Reason, isolation

Reasons = tuple[Reason, ...]

# Up to here a loop is done before NumPy has begun.
_FEW: Final = 16


def judge(
    model: TrainedModel, X: NDArray[np.float64], scores: NDArray[np.float64], *, guarded: bool = True
) -> dict[int, Reasons]:
    """Say of readings why they are anomalies.

    Args:
        model: What scored it.
        X: Shape (n_readings, n_features); NaN is a missing value.
        scores: Shape (n_readings,): what `model.score` gave.
        guarded: Whether the model's guards take part, if it has any; without, the forest decides alone.

    Returns:
        By position, the reasons of each reading that is an anomaly, the most telling first.
    """
    guards = model.guards if guarded else None
    if guards is None:
        return {row: (isolation(score, 0.0),) for row, score in _below_zero(scores)}
    rows = np.flatnonzero(guards.judge(X, scores))
    if not rows.size:
        return {}
    names = model.metadata.feature_names or range(guards.n_features)
    return dict(zip(rows.tolist(), _reasons(guards, X[rows], scores[rows], names), strict=True))


def _below_zero(scores: NDArray[np.float64]) -> Iterable[tuple[int, float]]:
    if scores.size < _FEW:
        return [(row, score) for row, score in enumerate(scores.tolist()) if score < 0]
    rows = np.flatnonzero(scores < 0)
    return zip(rows.tolist(), scores[rows].tolist(), strict=True)


def _reasons(
    guards: Guards, X: NDArray[np.float64], scores: NDArray[np.float64], names: Sequence[int | str]
) -> list[Reasons]:
    """Give the reasons of readings that have one each at least, in the order of `reasons.CODES`."""
    found: list[list[Reason]] = [[] for _ in X]
    for row, column in _farthest_first(guards, X):
        value = float(X[row, column])
        limit = float(guards.highest[column] if value > guards.highest[column] else guards.lowest[column])
        found[row].append(
            Reason("out_of_range", names[column], value, _expected(guards, X[row], column), limit)
        )
    for row, column in np.argwhere(np.isnan(X) & (guards.always_there != 0)).tolist():
        found[row].append(Reason("missing", names[column], None, _expected(guards, X[row], column)))
    told = guards.contradictions(X)
    for row, rank in np.argwhere(told.place >= 0).tolist():
        column = int(guards.trees.guarded[told.place[row, rank]])
        limit = float(told.limit[row, rank])
        known = None if math.isnan(limit) else limit
        expected = float(told.expected[row, rank])
        found[row].append(Reason("inconsistent", names[column], float(X[row, column]), expected, known))
    for row in np.flatnonzero(scores < guards.isolation_limit).tolist():
        found[row].append(isolation(float(scores[row]), guards.isolation_limit))
    return [tuple(reasons) for reasons in found]


def _farthest_first(guards: Guards, X: NDArray[np.float64]) -> list[tuple[int, int]]:
    """List what is out of range, row by row, the farthest out first."""
    rows, columns = np.nonzero(guards.out_of_range(X))
    if not rows.size:
        return []
    order = np.lexsort((-guards.beyond_range(X)[rows, columns], rows))
    return list(zip(rows[order].tolist(), columns[order].tolist(), strict=True))


def _expected(guards: Guards, row: NDArray[np.float64], column: int) -> float:
    place = int(np.searchsorted(guards.trees.guarded, column))
    if place == guards.trees.guarded.size or guards.trees.guarded[place] != column:
        return float(guards.median[column])
    return float(guards.expected_of(row[np.newaxis], place).value[0])
