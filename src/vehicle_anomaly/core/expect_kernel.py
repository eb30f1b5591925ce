"""What the other features of one reading lead one to expect of one, compiled.

Of the values that a feature might have had, only the levels that ask for it tell apart.
None of these checks its arrays: who calls them has done so.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.expectation import Expecting
from vehicle_anomaly.core.limit_kernel import least_limit


class Scratch(NamedTuple):
    """Room to work in: to make it for each feature would take longer than some of what is done there.

    Attributes:
        values: Shape (n_features,): what is believed of a reading; NaN for what is missing or at fault.
        place: Shape (n_trees,): leaves that these lead to.
        logits: Shape (n_guarded,): sums of leaves.
        said: Shape (n_cells,): log-odds of each value that is tried.
        likely: Shape (n_cells,): of the values tried, those that may be, ascending.
        middle: Shape (n_cells,): how much lies below each of these, half of its own included.
        at: Shape (n_cells,): which of those tried they are.
    """

    values: NDArray[np.float32]
    place: NDArray[np.uint8]
    logits: NDArray[np.float32]
    said: NDArray[np.float64]
    likely: NDArray[np.float64]
    middle: NDArray[np.float64]
    at: NDArray[np.int64]


@numba.njit(nogil=True, cache=True)
def make_scratch(guards: Expecting) -> Scratch:
    """Make room."""
    n_cells = guards.cells.shape[2]
    return Scratch(
        np.empty(guards.bounds.shape[1], np.float32),
        np.empty(guards.feature.shape[0], np.uint8),
        np.empty(guards.guarded.shape[0], np.float32),
        np.empty(n_cells),
        np.empty(n_cells),
        np.empty(n_cells),
        np.empty(n_cells, np.int64),
    )


@numba.njit(nogil=True, cache=True)
def others_tell(own: int, guards: Expecting, values: NDArray[np.float32]) -> bool:
    """Tell whether any other feature that the trees of one ask for has a value."""
    each = guards.guarded[own]
    for tree in range(guards.tree_start[own], guards.tree_start[own + 1]):
        for level in range(guards.feature.shape[1]):
            asked = guards.feature[tree, level]
            if asked != each and not np.isnan(values[asked]):
                return True
    return False


@numba.njit(nogil=True, cache=True)
def expect_one(own: int, guards: Expecting, scratch: Scratch) -> tuple[float, float, int]:
    """Say what the others lead one to expect of a feature.

    Its values are tried one by one. The trees tell the density of contrasts over that of real readings, and
    the density of contrasts is known: so that of real readings is, too. Only values count that do not
    contradict the others, unless all do: where there are two kinds, such as a pedal that rests or is pressed,
    the middle between them is nothing that anybody expects.

    Args:
        own: The feature, by its place among the guarded ones.
        guards: What tells.
        scratch: `values` and `place` are asked; `likely` is filled in.

    Returns:
        The median; half the range of the middle 68 %, as far as that can be told; and how many values may be.
    """
    _try_values(own, guards, scratch)
    n_cells, each = guards.cells.shape[2], guards.guarded[own]
    tried, log_share, said, limit = (
        guards.cells[0, own],
        guards.cells[1, own],
        scratch.said,
        guards.bounds[4, each],
    )
    if limit < 0.0:
        limit = max(limit, _least_limit_of(each, scratch.values))
    some, highest = False, -np.inf
    for cell in range(n_cells):
        some |= said[cell] <= limit
    for cell in range(n_cells):
        if not some or said[cell] <= limit:
            highest = max(highest, log_share[cell] - said[cell])
    n_likely, below = 0, 0.0
    for cell in range(n_cells):
        if not some or said[cell] <= limit:
            density = np.exp(log_share[cell] - said[cell] - highest)
            if density > 0.0:
                scratch.likely[n_likely], scratch.at[n_likely] = tried[cell], cell
                scratch.middle[n_likely] = below + density / 2
                below += density
                n_likely += 1
    expected = _quantile(0.5 * below, n_likely, scratch)
    spread = (_quantile(0.84 * below, n_likely, scratch) - _quantile(0.16 * below, n_likely, scratch)) / 2
    # Finer than it tries values it cannot tell; and where nearly all is one value, the least else would be
    # a thousand spreads away.
    return expected, max(spread, _resolution(expected, tried), guards.bounds[3, each] / n_cells), n_likely


@numba.njit(nogil=True, cache=True)
def _least_limit_of(each: int, values: NDArray[np.float32]) -> float:
    # As if the feature had one of the values that are tried.
    kept, values[each] = values[each], np.float32(0)
    least = least_limit(values)
    values[each] = kept
    return least


@numba.njit(nogil=True, cache=True)
def allowed(value: float, expected: float, n_likely: int, scratch: Scratch) -> float:
    """Say how far a value would have to go towards what is expected until it contradicted nothing.

    Args:
        value: Of the feature that `expect_one` told of last.
        expected: What that told; so is the next.
        n_likely: How many values may be.
        scratch: Where it told it.

    Returns:
        NaN where there is no value, or it is what is expected.
    """
    most = np.nan
    for k in range(n_likely):
        likely = scratch.likely[k]
        if value < likely and value < expected:
            return float(min(likely, expected))
        if expected < value and likely < value:
            most = max(likely, expected)
    return float(most)


@numba.njit(nogil=True, cache=True)
def _try_values(own: int, guards: Expecting, scratch: Scratch) -> None:
    """Sum what the trees of a feature say of each of its values."""
    said, place, leaf, steps = scratch.said, scratch.place, guards.leaf, guards.steps
    # A tree says the same of all values between two of its thresholds: so only what changes there is summed.
    said[:] = 0.0
    lowest = 0.0
    for tree in range(np.uint32(guards.tree_start[own]), np.uint32(guards.tree_start[own + 1])):
        lowest += leaf[tree, (place[tree] & steps.own[tree, 0]) | steps.own[tree, 1]]
    for at in range(np.uint32(steps.start[own]), np.uint32(steps.start[own + 1])):
        tree = steps.change[at, 0]
        others = place[tree] & steps.own[tree, 0]
        said[steps.change[at, 3]] += (
            leaf[tree, others | steps.change[at, 2]] - leaf[tree, others | steps.change[at, 1]]
        )
    said[0] = lowest
    for cell in range(1, said.shape[0]):
        said[cell] += said[cell - 1]


@numba.njit(nogil=True, cache=True)
def _resolution(value: float, tried: NDArray[np.float32]) -> float:
    """Return half the distance from a value to the nearest of those that are tried, itself aside."""
    nearest = np.inf
    for cell in range(tried.shape[0]):
        away = abs(float(tried[cell]) - value)
        if 0.0 < away < nearest:
            nearest = away
    return nearest / 2 if nearest < np.inf else 0.0


@numba.njit(nogil=True, cache=True)
def _quantile(share: float, n_likely: int, scratch: Scratch) -> float:
    """Find where so much lies below, on straight lines between the values; half of each is below itself.

    Between two values lies nothing that has no density: there it is the nearer one.
    """
    likely, middle, at = scratch.likely, scratch.middle, scratch.at
    for k in range(n_likely):
        if middle[k] >= share:
            if k == 0 or middle[k] == middle[k - 1]:
                return float(likely[k])
            along = (share - middle[k - 1]) / (middle[k] - middle[k - 1])
            if at[k] - at[k - 1] > 1:
                return float(likely[k] if along >= 0.5 else likely[k - 1])
            return float(likely[k - 1] + (likely[k] - likely[k - 1]) * along)
    return float(likely[n_likely - 1])
