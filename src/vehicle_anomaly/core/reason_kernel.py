"""From guards to the reasons of each reading, compiled.

A leaf is a number of as many bits as a tree has levels. So a value that is taken for missing clears the bits
of the levels that ask for it, and nothing else has to be asked again; and of the values that a feature might
have had, only the levels that ask for it tell apart.
None of these checks its arrays: who calls them has done so.
"""

import numba
import numpy as np
from numpy.typing import NDArray

MOST_CONTRADICTIONS = 3
"""Sensors of one reading that are said to contradict the others at most."""
OUT_OF_RANGE, MISSING, INCONSISTENT, ISOLATION = range(4)
"""Codes, in the order in which they are told."""


@numba.njit(nogil=True, cache=True)
def reasons(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917  # numba takes arrays, not the object that holds them
    X: NDArray[np.float64],
    scores: NDArray[np.float64],
    guarded: NDArray[np.int32],
    tree_start: NDArray[np.int64],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    leaf: NDArray[np.float32],
    steps: NDArray[np.int32],
    bounds: NDArray[np.float64],
    cells: NDArray[np.float32],
    always_there: NDArray[np.uint8],
    isolation_limit: float,
    what: NDArray[np.int64],
    told: NDArray[np.float64],
) -> int:
    """Give the reasons why rows are anomalies, row by row; none of a row that is healthy.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        scores: Shape (n_readings,): of the forest.
        guarded: Shape (n_guarded,): features that have trees, ascending.
        tree_start: Shape (n_guarded + 1,): trees of place g are `tree_start[g]:tree_start[g + 1]`.
        feature: Shape (n_trees, depth): what is compared on each level.
        threshold: Shape (n_trees, depth): a value beyond it sets the level's bit; a missing one is not.
        leaf: Shape (n_trees, 2**depth).
        steps: Shape (n_trees, depth + 1, 2): of the levels that ask for the tree's own feature, those of the
            lowest thresholds first: the first of `cells` that is beyond it, and the level's bit. Then
            n_cells, for none; and last of all, these bits together.
        bounds: Shape (5, n_features): a value below the first or above the second is out of range; the third
            is to be expected where no others tell, and the fourth its spread; the fifth, the log-odds beyond
            which a value contradicts the others.
        cells: Shape (2, n_guarded, n_cells), as for `expect`.
        always_there: Shape (n_features,): whether a missing value is a reason.
        isolation_limit: A lower score is a reason.
        what: Shape (most, 4), filled in: row, code and feature of each reason, the most telling of a row
            first, -1 where it is about the reading as a whole; and 1 where other features tell what is to be
            expected. There is room for `n_features + MOST_CONTRADICTIONS + 1` a row.
        told: Shape (most, 3), filled in: what was to be expected, the limit, and the spread of what was to be
            expected, if other features tell; NaN for none.

    Returns:
        How many there are.
    """
    n_features, n_guarded = X.shape[1], guarded.shape[0]
    values = np.empty(n_features, np.float32)
    place = np.empty(feature.shape[0], np.int32)
    logits = np.empty(n_guarded, np.float32)
    bands = np.empty(3)
    count = 0
    for row in range(X.shape[0]):
        first = count
        for each in range(n_features):
            value = X[row, each]
            values[each] = value
            if value < bounds[0, each] or value > bounds[1, each]:
                # It says nothing of the others.
                values[each] = np.nan
                what[count, 0], what[count, 1], what[count, 2] = row, OUT_OF_RANGE, each
                told[count, 1] = bounds[1, each] if value > bounds[1, each] else bounds[0, each]
                count += 1
        if count > first + 1:
            _farthest_first(X[row], bounds, what[first:count], told[first:count])
        for each in range(n_features):
            if X[row, each] != X[row, each] and always_there[each] != 0:  # it is NaN
                what[count, 0], what[count, 1], what[count, 2] = row, MISSING, each
                told[count, 1] = np.nan
                count += 1
        find_leaves(values, feature, threshold, place)
        for at in range(first, count):
            each = what[at, 2]
            what[at, 3], told[at, 2] = 0, np.nan
            own = np.searchsorted(guarded, each)
            if own < n_guarded and guarded[own] == each:
                trees = tree_start[own : own + 2]
                _expect(values[each], trees, steps, leaf, place, cells[:, own], bounds[:, each], bands)
                told[at, 0] = bands[0]
                if _others_tell(values, each, trees, feature):
                    what[at, 3], told[at, 2] = 1, bands[1]
            else:
                told[at, 0] = bounds[2, each]
        for _ in range(MOST_CONTRADICTIONS):
            sum_leaves(tree_start, leaf, place, logits)
            worst = -1
            for own in range(n_guarded):
                value = values[guarded[own]]
                over = logits[own] > bounds[4, guarded[own]] and value == value  # noqa: PLR0124
                if over and (worst < 0 or logits[own] > logits[worst]):
                    worst = own
            if worst < 0:
                break
            each = guarded[worst]
            trees = tree_start[worst : worst + 2]
            _expect(values[each], trees, steps, leaf, place, cells[:, worst], bounds[:, each], bands)
            what[count, 0], what[count, 1], what[count, 2] = row, INCONSISTENT, each
            told[count, 0], told[count, 1] = bands[0], bands[2]
            what[count, 3], told[count, 2] = 0, np.nan
            if _others_tell(values, each, trees, feature):
                what[count, 3], told[count, 2] = 1, bands[1]
            count += 1
            values[each] = np.nan
            _clear_bits(each, feature, place)
        if scores[row] < isolation_limit:
            what[count, 0], what[count, 1], what[count, 2] = row, ISOLATION, -1
            told[count, 0], told[count, 1] = np.nan, isolation_limit
            what[count, 3], told[count, 2] = 0, np.nan
            count += 1
    return count


@numba.njit(nogil=True, cache=True)
def expect(  # noqa: PLR0913, PLR0917
    X: NDArray[np.float64],
    guarded: NDArray[np.int32],
    tree_start: NDArray[np.int64],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    leaf: NDArray[np.float32],
    steps: NDArray[np.int32],
    bounds: NDArray[np.float64],
    cells: NDArray[np.float32],
    value: NDArray[np.float64],
    spread: NDArray[np.float64],
) -> None:
    """Say what the others lead one to expect of each feature that has trees, where any other has a value.

    Its values are tried one by one. The trees tell the density of contrasts over that of real readings, and
    the density of contrasts is known: so that of real readings is, too.

    Args:
        X: As for `reasons`; so are the arrays down to `bounds`.
        guarded: As for `reasons`.
        tree_start: As for `reasons`.
        feature: As for `reasons`.
        threshold: As for `reasons`.
        leaf: As for `reasons`.
        steps: As for `reasons`.
        bounds: As for `reasons`.
        cells: Shape (2, n_guarded, n_cells): values to try, ascending; logarithms of the shares of contrasts
            near each.
        value: Shape as `X`, filled in: medians.
        spread: Shape as `X`, filled in: half the range of the middle 68 %, as far as that can be told.
    """
    values = np.empty(X.shape[1], np.float32)
    place = np.empty(feature.shape[0], np.int32)
    bands = np.empty(3)
    for row in range(X.shape[0]):
        for each in range(X.shape[1]):
            out = X[row, each] < bounds[0, each] or X[row, each] > bounds[1, each]
            values[each] = np.nan if out else X[row, each]
            value[row, each], spread[row, each] = bounds[2, each], bounds[3, each]
        find_leaves(values, feature, threshold, place)
        for own in range(guarded.shape[0]):
            each, trees = guarded[own], tree_start[own : own + 2]
            if _others_tell(values, each, trees, feature):
                _expect(values[each], trees, steps, leaf, place, cells[:, own], bounds[:, each], bands)
                value[row, each], spread[row, each] = bands[0], bands[1]


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


@numba.njit(nogil=True, cache=True)
def _others_tell(
    values: NDArray[np.float32], each: int, trees: NDArray[np.int64], feature: NDArray[np.int32]
) -> bool:
    """Tell whether any other feature that trees ask for has a value."""
    for tree in range(trees[0], trees[1]):
        for level in range(feature.shape[1]):
            asked = feature[tree, level]
            if asked != each and not np.isnan(values[asked]):
                return True
    return False


@numba.njit(nogil=True, cache=True)
def find_leaves(
    values: NDArray[np.float32],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    place: NDArray[np.int32],
) -> None:
    """Find the leaf of each tree: a number of as many bits as it has levels."""
    for tree in range(feature.shape[0]):
        at = 0
        for level in range(feature.shape[1]):
            # No negative one is counted from the end: half the time.
            asked = np.uint32(feature[tree, level])
            at = 2 * at + (1 if values[asked] > threshold[tree, level] else 0)
        place[tree] = at


@numba.njit(nogil=True, cache=True)
def _clear_bits(each: int, feature: NDArray[np.int32], place: NDArray[np.int32]) -> None:
    """Take a feature for missing in every tree."""
    for tree in range(feature.shape[0]):
        asks = 0
        for level in range(feature.shape[1]):
            asks = 2 * asks + (1 if feature[tree, level] == each else 0)
        place[tree] &= ~asks


@numba.njit(nogil=True, cache=True)
def sum_leaves(
    tree_start: NDArray[np.int64],
    leaf: NDArray[np.float32],
    place: NDArray[np.int32],
    logits: NDArray[np.float32],
) -> None:
    """Sum the leaves of the trees of each place."""
    for own in range(logits.shape[0]):
        said = np.float32(0)
        for tree in range(tree_start[own], tree_start[own + 1]):
            said += leaf[tree, place[tree]]
        logits[own] = said


@numba.njit(nogil=True, cache=True)
def _expect(  # noqa: PLR0913, PLR0917
    value: float,
    trees: NDArray[np.int64],
    steps: NDArray[np.int32],
    leaf: NDArray[np.float32],
    place: NDArray[np.int32],
    cells: NDArray[np.float32],
    bounds: NDArray[np.float64],
    bands: NDArray[np.float64],
) -> None:
    """Fill in the median, the spread, and how far `value` would have to go towards the median until it no
    longer contradicted the others, NaN where there is no value or it is the median.

    Only of values that do not contradict the others, unless all do: where there are two kinds, such as
    a pedal that rests or is pressed, the middle between them is nothing that anybody expects.
    """  # noqa: D205
    n_cells, depth = cells.shape[1], steps.shape[1] - 1
    tried = cells[0]
    said = np.zeros(n_cells)
    # A tree says the same of all values between two of its thresholds: so only what changes there is summed.
    for tree in range(trees[0], trees[1]):
        at = place[tree] & ~steps[tree, depth, 1]
        was = leaf[tree, at]
        said[0] += was
        for level in range(depth):
            cell = steps[tree, level, 0]
            if cell >= n_cells:
                break
            at |= steps[tree, level, 1]
            now = leaf[tree, at]
            said[cell] += now - was
            was = now
    for cell in range(1, n_cells):
        said[cell] += said[cell - 1]
    density = np.empty(n_cells)
    highest = -np.inf
    some = False
    for cell in range(n_cells):
        some |= said[cell] <= bounds[4]
    for cell in range(n_cells):
        density[cell] = cells[1, cell] - said[cell] if not some or said[cell] <= bounds[4] else -np.inf
        highest = max(highest, density[cell])
    whole = 0.0
    for cell in range(n_cells):
        density[cell] = np.exp(density[cell] - highest)
        whole += density[cell]
    expected = bands[0] = _quantile(0.5 * whole, density, tried)
    spread = (_quantile(0.84 * whole, density, tried) - _quantile(0.16 * whole, density, tried)) / 2
    # Finer than it tries values it cannot tell; and where nearly all is one value, the least else would be
    # a thousand spreads away.
    bands[1] = max(spread, _resolution(expected, tried), bounds[3] / n_cells)
    bands[2] = np.nan
    for cell in range(n_cells):
        if density[cell] > 0.0:
            if value < tried[cell] and value < expected:
                bands[2] = min(float(tried[cell]), expected)
                break
            if expected < value and tried[cell] < value:
                bands[2] = max(float(tried[cell]), expected)


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
def _quantile(share: float, density: NDArray[np.float64], tried: NDArray[np.float32]) -> float:
    """Find where so much lies below, on straight lines between the values; half of each is below itself.

    Between two values lies nothing that has no density: there it is the nearer one.
    """
    below, before, lower = 0.0, 0.0, 0.0
    first, gap = True, False
    for cell in range(tried.shape[0]):
        if density[cell] == 0.0:
            gap = True
            continue
        middle, upper = below + density[cell] / 2, float(tried[cell])
        if middle >= share:
            if first or middle == before:
                return upper
            along = (share - before) / (middle - before)
            if gap:
                return upper if along >= 0.5 else lower
            return float(lower + (upper - lower) * along)
        below += density[cell]
        before, lower = middle, upper
        first = gap = False
    return lower
