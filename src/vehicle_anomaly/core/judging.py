"""From scores and guards to the reasons why readings are anomalies."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import kernel, reason_kernel
from vehicle_anomaly.core.expectation import deviation
from vehicle_anomaly.core.guards import Guards, Told
from vehicle_anomaly.core.model import TrainedModel
from vehicle_anomaly.core.reasons import SILENCE, Code, Reason, isolation
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads

Reasons = tuple[Reason, ...]

_CODES: Final[dict[int, Code]] = {
    reason_kernel.OUT_OF_RANGE: "out_of_range",
    reason_kernel.MISSING: "missing",
    reason_kernel.INCONSISTENT: "inconsistent",
}

# Up to here a loop is done before NumPy has begun.
_FEW: Final = 16


def judge(
    model: TrainedModel,
    X: NDArray[np.float64],
    scores: NDArray[np.float64],
    threads: ScoringThreads = THIS_THREAD,
    *,
    guarded: bool = True,
) -> dict[int, Reasons]:
    """Say of readings why they are anomalies.

    Args:
        model: What scored it.
        X: Shape (n_readings, n_features); NaN is a missing value.
        scores: Shape (n_readings,): what `model.score` gave.
        threads: Where many are judged.
        guarded: Whether the model's guards take part, if it has any; without, the forest decides alone.

    Returns:
        By position, the reasons of each reading that is an anomaly, the most telling first.
    """
    guards = model.guards if guarded else None
    if guards is None:
        return {row: (isolation(score, 0.0),) for row, score in _below_zero(scores)}
    names = model.metadata.feature_names or range(guards.n_features)
    if len(X) <= _FEW:
        found = _reasons(guards, X, scores, names)
    else:
        # A block at a time tells sooner which have any.
        rows = np.flatnonzero(guards.judge(X, scores, threads))
        told = _reasons(guards, X[rows], scores[rows], names) if rows.size else {}
        found = dict(zip(rows.tolist(), told.values(), strict=True))
    if model.metadata.is_silence_unusual and kernel.any_missing(X):
        return _with_silent(found, X)
    return found


def _with_silent(found: dict[int, Reasons], X: NDArray[np.float64]) -> dict[int, Reasons]:
    """Add that no sensor has a value, where nothing is said of that: there is nothing else to judge by."""
    silent = [
        row for row in np.flatnonzero(np.isnan(X).all(axis=1)).tolist() if not _is_missing(found.get(row))
    ]
    if not silent:
        return found
    told = found | {row: (SILENCE, *found.get(row, ())) for row in silent}
    return {row: told[row] for row in sorted(told)}


def _is_missing(reasons: Reasons | None) -> bool:
    return any(reason.code == "missing" for reason in reasons or ())


def _below_zero(scores: NDArray[np.float64]) -> Iterable[tuple[int, float]]:
    if scores.size < _FEW:
        return [(row, score) for row, score in enumerate(scores.tolist()) if score < 0]
    rows = np.flatnonzero(scores < 0)
    return zip(rows.tolist(), scores[rows].tolist(), strict=True)


def _reasons(
    guards: Guards, X: NDArray[np.float64], scores: NDArray[np.float64], names: Sequence[int | str]
) -> dict[int, Reasons]:
    found: dict[int, Reasons] = {}
    for told in guards.reasons(X, scores):
        row, _, feature, *_ = told
        reason = reason_of(told, float(X[row, feature]), float(scores[row]), names)
        found[row] = (*found.get(row, ()), reason)
    return found


def reason_of(told: Told, value: float | None, score: float, names: Sequence[int | str]) -> Reason:
    """Make a reason of the numbers that tell it.

    Args:
        told: The numbers.
        value: What the sensor read; NaN or None for nothing. Any, where it is about the reading as a whole.
        score: The anomaly score of the reading.
        names: Of the features, or their positions.
    """
    _, code, feature, by_others, expected, limit, spread = told
    if code == reason_kernel.ISOLATION:
        return isolation(score, limit)
    # Plus zero: what is -0.0 becomes 0.0, and all else stays.
    observed = math.nan if value is None else value + 0.0
    return Reason(
        _CODES[code],
        names[feature],
        None if math.isnan(observed) else observed,
        expected + 0.0,
        None if math.isnan(limit) else limit + 0.0,
        deviation(observed, expected, spread),
        by_others,
    )
