"""From scores and guards to the reasons why readings are anomalies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.model import TrainedModel
from vehicle_anomaly.core.reasons import Reason, isolation

Reasons = tuple[Reason, ...]


def judge(
    model: TrainedModel, X: NDArray[np.float64], scores: NDArray[np.float64], *, guarded: bool = True
) -> list[Reasons]:
    """Say of each reading why it is an anomaly.

    Args:
        model: What scored it.
        X: Shape (n_readings, n_features); NaN is a missing value.
        scores: Shape (n_readings,): what `model.score` gave.
        guarded: Whether the model's guards take part, if it has any; without, the forest decides alone.

    Returns:
        For each reading its reasons, the most telling first; none for one that is no anomaly.
    """
    judged: list[Reasons] = [()] * len(X)
    guards = model.guards if guarded else None
    if guards is None:
        for row in np.flatnonzero(scores < 0).tolist():
            judged[row] = (isolation(float(scores[row]), 0.0),)
        return judged
    rows = np.flatnonzero(guards.judge(X, scores))
    if not rows.size:
        return judged
    names = model.metadata.feature_names or range(guards.n_features)
    for row, reasons in zip(rows.tolist(), _reasons(guards, X[rows], scores[rows], names), strict=True):
        judged[row] = reasons
    return judged


def _reasons(
    guards: Guards, X: NDArray[np.float64], scores: NDArray[np.float64], names: Sequence[int | str]
) -> list[Reasons]:
    """Give the reasons of readings that have one each at least, in the order of `reasons.CODES`."""
    found: list[list[Reason]] = [[] for _ in X]
    expected = _Expectations(guards, X)
    rows, columns = np.nonzero(guards.out_of_range(X))
    beyond = guards.beyond_range(X)[rows, columns]
    # The farthest out first.
    for at in np.lexsort((-beyond, rows)).tolist():
        row, column, value = int(rows[at]), int(columns[at]), float(X[rows[at], columns[at]])
        limit = float(guards.highest[column] if value > guards.highest[column] else guards.lowest[column])
        told = Reason("out_of_range", names[column], value, expected.of(row, column), limit)
        found[row].append(told)
    for row, column in np.argwhere(np.isnan(X) & (guards.always_there != 0)).tolist():
        found[row].append(Reason("missing", names[column], None, expected.of(row, column)))
    contradictions = guards.contradictions(X)
    for rank in range(contradictions.shape[1]):
        for place in np.unique(contradictions[:, rank]).tolist():
            if place < 0:
                continue
            these = np.flatnonzero(contradictions[:, rank] == place)
            column = int(guards.trees.guarded[place])
            values = guards.expected_of(X[these], place).value.tolist()
            limits = guards.limits_of(X[these], place).tolist()
            for row, value, limit in zip(these.tolist(), values, limits, strict=True):
                known = None if np.isnan(limit) else limit
                told = Reason("inconsistent", names[column], float(X[row, column]), value, known)
                found[row].append(told)
    for row in np.flatnonzero(scores < guards.isolation_limit).tolist():
        found[row].append(isolation(float(scores[row]), guards.isolation_limit))
    return [tuple(reasons) for reasons in found]


class _Expectations:
    """What is to be expected of features that are no contradiction, worked out when it is asked for."""

    def __init__(self, guards: Guards, X: NDArray[np.float64]) -> None:
        self._guards = guards
        self._X = X
        self._places = {feature: place for place, feature in enumerate(guards.trees.guarded.tolist())}

    def of(self, row: int, column: int) -> float | None:
        place = self._places.get(column)
        if place is None:
            return float(self._guards.median[column])
        return float(self._guards.expected_of(self._X[row : row + 1], place).value[0])
