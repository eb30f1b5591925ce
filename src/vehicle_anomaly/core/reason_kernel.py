"""From guards to the reasons of each reading, compiled.

None of these checks its arrays: who calls them has done so.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.expect_kernel import Scratch, allowed, expect_one, make_scratch, others_tell
from vehicle_anomaly.core.expectation import Expecting
from vehicle_anomaly.core.leaf_kernel import clear_bits, find_leaves, sum_leaves
from vehicle_anomaly.core.limit_kernel import least_limit

MOST_CONTRADICTIONS = 3
"""Sensors of one reading that are said to contradict the others at most."""
OUT_OF_RANGE, MISSING, INCONSISTENT, ISOLATION = range(4)
"""Codes, in the order in which they are told."""


@numba.njit(nogil=True, cache=True)
def reasons(  # noqa: PLR0913, PLR0917  # numba takes arrays, not the object that holds them
    X: NDArray[np.float64],
    scores: NDArray[np.float64],
    guards: Expecting,
    always_there: NDArray[np.uint8],
    isolation_limit: float,
    what: NDArray[np.int64],
    told: NDArray[np.float64],
) -> int:
    """Give the reasons why rows are anomalies, row by row; none of a row that is healthy.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        scores: Shape (n_readings,): of the forest.
        guards: What is not to be contradicted.
        always_there: Shape (n_features,): whether a missing value is a reason.
        isolation_limit: A lower score is a reason.
        what: Shape (most, 4), filled in: row, code and feature of each reason, the most telling of a row
            first, -1 where it is about the reading as a whole; and 1 where other features tell what is to be
            expected. There is room for `n_features + MOST_CONTRADICTIONS + 1` a row.
        told: Shape (most, 3), filled in: what was to be expected, the limit, and the spread of what was to be
            expected, that of training where no others tell; NaN for none.

    Returns:
        How many there are.
    """
    scratch = make_scratch(guards)
    count = 0
    for row in range(X.shape[0]):
        found = reasons_of(
            X[row], scores[row], guards, always_there, isolation_limit, scratch, what[count:], told[count:]
        )
        what[count : count + found, 0] = row
        count += found
    return count


@numba.njit(nogil=True, cache=True)
def reasons_of(  # noqa: PLR0913, PLR0917
    values: NDArray[np.float64],
    score: float,
    guards: Expecting,
    always_there: NDArray[np.uint8],
    isolation_limit: float,
    scratch: Scratch,
    what: NDArray[np.int64],
    told: NDArray[np.float64],
) -> int:
    """Give the reasons of one reading, as `reasons` does but for the row.

    Whatever is out of range, or contradicts the others, is taken for missing in `scratch` from then on.
    """
    believed, bounds = scratch.values, guards.bounds
    count = 0
    for each in range(values.shape[0]):
        value = values[each]
        believed[each] = value
        if value < bounds[0, each] or value > bounds[1, each]:
            # It says nothing of the others.
            believed[each] = np.nan
            what[count, 1], what[count, 2] = OUT_OF_RANGE, each
            told[count, 1] = bounds[1, each] if value > bounds[1, each] else bounds[0, each]
            count += 1
    if count > 1:
        _farthest_first(values, bounds, what[:count], told[:count])
    for each in range(values.shape[0]):
        if np.isnan(values[each]) and always_there[each] != 0:
            what[count, 1], what[count, 2] = MISSING, each
            told[count, 1] = np.nan
            count += 1
    find_leaves(believed, guards.splits, scratch.place)
    for at in range(count):
        each = what[at, 2]
        own = np.searchsorted(guards.guarded, each)
        if own < guards.guarded.shape[0] and guards.guarded[own] == each:
            _expect_told(own, guards, scratch, what[at], told[at])
        else:
            what[at, 3], told[at, 0], told[at, 2] = 0, bounds[2, each], bounds[3, each]
    for _ in range(MOST_CONTRADICTIONS):
        worst = _most_contradictory(guards, scratch)
        if worst < 0:
            break
        each = guards.guarded[worst]
        what[count, 1], what[count, 2] = INCONSISTENT, each
        n_likely = _expect_told(worst, guards, scratch, what[count], told[count])
        told[count, 1] = allowed(believed[each], told[count, 0], n_likely, scratch)
        count += 1
        believed[each] = np.nan
        clear_bits(guards.kept[worst], scratch.place)
    if score < isolation_limit:
        what[count, 1], what[count, 2], what[count, 3] = ISOLATION, -1, 0
        told[count, 0], told[count, 1], told[count, 2] = np.nan, isolation_limit, np.nan
        count += 1
    return count


@numba.njit(nogil=True, cache=True)
def _expect_told(
    own: int, guards: Expecting, scratch: Scratch, what: NDArray[np.int64], told: NDArray[np.float64]
) -> int:
    """Fill in of one reason what is expected, its spread, and whether others tell."""
    expected, spread, n_likely = expect_one(own, guards, scratch)
    others = others_tell(own, guards, scratch.values)
    what[3] = 1 if others else 0
    told[0], told[2] = expected, spread if others else guards.bounds[3, guards.guarded[own]]
    return n_likely


@numba.njit(nogil=True, cache=True)
def _most_contradictory(guards: Expecting, scratch: Scratch) -> int:
    """Find what contradicts the others most, by its place among the guarded ones; -1 for none."""
    sum_leaves(guards.tree_start, guards.leaf, scratch.place, scratch.logits)
    least = least_limit(scratch.values)
    worst = -1
    for own in range(guards.guarded.shape[0]):
        each, logit = guards.guarded[own], scratch.logits[own]
        over = logit > max(guards.bounds[4, each], least) and not np.isnan(scratch.values[each])
        if over and (worst < 0 or logit > scratch.logits[worst]):
            worst = own
    return worst


@numba.njit(nogil=True, cache=True)
def _farthest_first(
    values: NDArray[np.float64],
    bounds: NDArray[np.float64],
    what: NDArray[np.int64],
    told: NDArray[np.float64],
) -> None:
    """Order what is out of range by how far it is, as a share of the range; what ties stays as it stands."""
    beyond = np.empty(what.shape[0])
    for at in range(what.shape[0]):
        low, high = bounds[0, what[at, 2]], bounds[1, what[at, 2]]
        off = max(low - values[what[at, 2]], values[what[at, 2]] - high)
        beyond[at] = -off / max(high - low, 2.2250738585072014e-308)
    order = np.argsort(beyond, kind="mergesort")
    features, limits = what[:, 2].copy(), told[:, 1].copy()
    for at in range(what.shape[0]):
        what[at, 2], told[at, 1] = features[order[at]], limits[order[at]]
