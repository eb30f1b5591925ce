"""All that an explanation says of readings, in one compiled call: each call costs more than what it asks."""

import numba
import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.attribution_kernel import Walked, attribute
from vehicle_anomaly.core.expect_kernel import Scratch, expect_one, make_scratch, others_tell
from vehicle_anomaly.core.expectation import Expecting
from vehicle_anomaly.core.leaf_kernel import find_leaves


@numba.njit(nogil=True, cache=True)
def explain(  # noqa: PLR0913, PLR0917  # numba takes arrays, not the objects that hold them
    X: NDArray[np.float64],
    medians: NDArray[np.float64],
    trees: Walked,
    guards: Expecting,
    doubted: NDArray[np.int64],
    order: NDArray[np.int64],
    told: NDArray[np.float64],
) -> None:
    """Say of each feature of each row what it contributed, and what was to be expected of it.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        medians: Shape (n_features,): what stands in for missing values.
        trees: Those that scored.
        guards: What tells what to expect.
        doubted: Shape (n_doubted, 2): row and feature of values that tell nothing of others.
        order: Shape (n_readings, n_features), filled in: features, the largest contribution first; of equal
            ones, the first.
        told: Shape (n_readings, n_features, 4), filled in, in that order: what the features contributed, what
            was read and expected, and how many spreads higher that is, NaN for none.
    """
    scratch = make_scratch(guards)
    gained = np.empty(X.shape)
    attribute(X, medians, trees, gained)
    believed = X.copy()
    for at in range(doubted.shape[0]):
        believed[doubted[at, 0], doubted[at, 1]] = np.nan
    value, spread = np.empty(X.shape[1]), np.empty(X.shape[1])
    for row in range(X.shape[0]):
        for each in range(X.shape[1]):
            out = X[row, each] < guards.bounds[0, each] or X[row, each] > guards.bounds[1, each]
            scratch.values[each] = np.nan if out else believed[row, each]
        find_leaves(scratch.values, guards.splits, scratch.place)
        value[:] = np.nan
        expect_all(guards, scratch, value, spread)
        lay_out(X[row], gained[row], value, spread, order[row], told[row])


@numba.njit(nogil=True, cache=True)
def expect_all(
    guards: Expecting, scratch: Scratch, value: NDArray[np.float64], spread: NDArray[np.float64]
) -> None:
    """Say what the others lead one to expect of each feature.

    Args:
        guards: What tells.
        scratch: `values` and `place` are asked.
        value: Shape (n_features,): medians, filled in where there is NaN; what is told already stays.
        spread: Shape (n_features,), filled in there: half the range of the middle 68 %; of training where no
            others tell.
    """
    wanted = np.isnan(value)
    for each in range(value.shape[0]):
        if wanted[each]:
            value[each], spread[each] = guards.bounds[2, each], guards.bounds[3, each]
    for own in range(guards.guarded.shape[0]):
        each = guards.guarded[own]
        if wanted[each] and others_tell(own, guards, scratch.values):
            value[each], spread[each], _ = expect_one(own, guards, scratch)


@numba.njit(nogil=True, cache=True)
def lay_out(  # noqa: PLR0913, PLR0917
    values: NDArray[np.float64],
    gained: NDArray[np.float64],
    value: NDArray[np.float64],
    spread: NDArray[np.float64],
    order: NDArray[np.int64],
    told: NDArray[np.float64],
) -> None:
    """Order what there is to say of one reading, and say it: `order` and `told` are rows of those above."""
    order[:] = np.argsort(-np.abs(gained), kind="mergesort")
    # Plus zero: what is -0.0 becomes 0.0, and all else stays.
    for place in range(values.shape[0]):
        each = order[place]
        told[place, 0], told[place, 1] = gained[each] + 0.0, values[each] + 0.0
        told[place, 2], told[place, 3] = value[each] + 0.0, np.nan
        if spread[each] > 0:
            away = (values[each] - value[each]) / spread[each]
            told[place, 3] = away + 0.0 if np.isfinite(away) else np.nan
