"""The loops over oblivious trees, compiled: growing them, and summing what they say.

An oblivious tree (Kohavi 1994; Prokhorenkova et al. 2018, CatBoost) asks the same question in every node of a
level, so a row's leaf is a number of `depth` bits. A level is then one comparison of a column with one
number, which the processor makes for eight rows at once; and there is no pointer that could lead astray.
None of these checks its arrays: who calls them has done so.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.limit_kernel import least_limit

_ROWS_AT_ONCE = 64
_MOST_BINS = 256


@numba.njit(nogil=True, cache=True)
def add_logits(  # noqa: PLR0913, PLR0917  # numba takes arrays, not the object that holds them
    X: NDArray[np.float32],
    tree_start: NDArray[np.int64],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    leaf: NDArray[np.float32],
    total: NDArray[np.float32],
) -> None:
    """Add to `total` what each group of trees says of each row.

    A missing value is beyond no threshold.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        tree_start: Shape (n_groups + 1,): trees of group g are `tree_start[g]:tree_start[g + 1]`.
        feature: Shape (n_trees, depth): what is compared on each level.
        threshold: Shape (n_trees, depth): a value beyond it sets the level's bit.
        leaf: Shape (n_trees, 2**depth).
        total: Shape (n_readings, n_groups), changed in place.
    """
    columns = np.zeros((X.shape[1], _ROWS_AT_ONCE), np.float32)
    for first in range(0, X.shape[0], _ROWS_AT_ONCE):
        last = min(first + _ROWS_AT_ONCE, X.shape[0])
        for row in range(first, last):
            for each in range(X.shape[1]):
                columns[each, row - first] = X[row, each]
        _add_block(columns, tree_start, feature, threshold, leaf, total[first:last])


@numba.njit(nogil=True, cache=True)
def _add_block(  # noqa: PLR0913, PLR0917
    columns: NDArray[np.float32],
    tree_start: NDArray[np.int64],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    leaf: NDArray[np.float32],
    total: NDArray[np.float32],
) -> None:
    """Do it for a block, laid out column by column: all of it, used or not, for a fixed length is faster."""
    place = np.empty(_ROWS_AT_ONCE, np.int32)
    said = np.empty(_ROWS_AT_ONCE, np.float32)
    for group in range(tree_start.shape[0] - 1):
        said[:] = 0
        for tree in range(tree_start[group], tree_start[group + 1]):
            place[:] = 0
            for level in range(feature.shape[1]):
                values = columns[feature[tree, level]]
                limit = threshold[tree, level]
                for row in range(_ROWS_AT_ONCE):
                    place[row] = 2 * place[row] + (1 if values[row] > limit else 0)
            leaves = leaf[tree]
            for row in range(_ROWS_AT_ONCE):
                said[row] += leaves[place[row]]
        for row in range(total.shape[0]):
            total[row, group] += said[row]


@numba.njit(nogil=True, cache=True)
def boost(  # noqa: PLR0913, PLR0917
    bins: NDArray[np.uint8],
    n_bins: NDArray[np.int64],
    is_contrast: NDArray[np.float32],
    columns: NDArray[np.int64],
    learning_rate: float,
    l2: float,
    min_weight: float,
    feature: NDArray[np.int32],
    cut: NDArray[np.int64],
    leaf: NDArray[np.float32],
) -> None:
    """Grow oblivious trees that tell contrasts from real readings, each on what the ones before left.

    Newton's steps on the logistic loss (Friedman, Hastie, Tibshirani 2000), splits by histograms.

    Args:
        bins: Shape (n_features, n_rows): bin of each value.
        n_bins: Shape (n_features,): how many there are.
        is_contrast: Shape (n_rows,): 1 for a contrast, 0 for a real reading.
        columns: Shape (n_trees, depth, n_tried): features that are tried on a level.
        learning_rate: Share of each step that is taken.
        l2: Weight that pulls leaves towards 0.
        min_weight: Hessian that each side of a split has at least, over all nodes of its level.
        feature: Shape (n_trees, depth), filled in: what is compared on a level.
        cut: Shape (n_trees, depth), filled in: bins beyond it set the level's bit; `_MOST_BINS` for no split.
        leaf: Shape (n_trees, 2**depth), filled in.
    """
    n_rows, (n_trees, depth, n_tried) = is_contrast.shape[0], columns.shape
    logit = np.zeros(n_rows, np.float32)
    gradient, hessian = np.empty(n_rows, np.float32), np.empty(n_rows, np.float32)
    node = np.empty(n_rows, np.uint16)
    histogram = np.empty((1 << depth, _MOST_BINS, 2), np.float32)
    sums = np.empty((1 << depth, 2))
    for tree in range(n_trees):
        for row in range(n_rows):
            p = 1 / (1 + np.exp(-logit[row]))
            gradient[row] = p - is_contrast[row]
            hessian[row] = p * (1 - p)
            node[row] = 0
        for level in range(depth):
            best, best_feature, best_cut = 1e-6, 0, _MOST_BINS
            for tried in range(n_tried):
                each = columns[tree, level, tried]
                counts = histogram[: 1 << level, : n_bins[each]]
                counts[:] = 0
                of_row = bins[each]
                for row in range(n_rows):
                    cell = counts[node[row], of_row[row]]
                    cell[0] += gradient[row]
                    cell[1] += hessian[row]
                gain, at = _best_cut(counts, l2, min_weight)
                if gain > best:
                    best, best_feature, best_cut = gain, each, at
            feature[tree, level], cut[tree, level] = best_feature, best_cut
            of_row = bins[best_feature]
            for row in range(n_rows):
                node[row] = 2 * node[row] + (1 if of_row[row] > best_cut else 0)
        sums[:] = 0
        for row in range(n_rows):
            sums[node[row], 0] += gradient[row]
            sums[node[row], 1] += hessian[row]
        for at in range(1 << depth):
            leaf[tree, at] = -learning_rate * sums[at, 0] / (sums[at, 1] + l2)
        for row in range(n_rows):
            logit[row] += leaf[tree, node[row]]


@numba.njit(nogil=True, cache=True)
def _best_cut(counts: NDArray[np.float32], l2: float, min_weight: float) -> tuple[float, int]:
    """Find the cut that gains most, all nodes of a level together.

    Args:
        counts: Shape (n_nodes, n_bins, 2): sums of gradients and of hessians.
        l2: As for `boost`.
        min_weight: As for `boost`.

    Returns:
        Gain, and the last bin before the cut.
    """
    n_nodes, n_bins, _ = counts.shape
    whole, left = np.zeros((n_nodes, 2)), np.zeros((n_nodes, 2))
    before, weight, light = 0.0, 0.0, 0.0
    for at in range(n_nodes):
        for bin_ in range(n_bins):
            whole[at, 0] += counts[at, bin_, 0]
            whole[at, 1] += counts[at, bin_, 1]
        before += whole[at, 0] ** 2 / (whole[at, 1] + l2)
        weight += whole[at, 1]
    best, best_cut = 0.0, 0
    for bin_ in range(n_bins - 1):
        gain = -before
        for at in range(n_nodes):
            left[at, 0] += counts[at, bin_, 0]
            left[at, 1] += counts[at, bin_, 1]
            light += counts[at, bin_, 1]
            gain += left[at, 0] ** 2 / (left[at, 1] + l2)
            gain += (whole[at, 0] - left[at, 0]) ** 2 / (whole[at, 1] - left[at, 1] + l2)
        if gain > best and light >= min_weight and weight - light >= min_weight:
            best, best_cut = gain, bin_
    return best, best_cut


@numba.njit(nogil=True, cache=True)
def alarms(  # noqa: PLR0913, PLR0917
    X: NDArray[np.float64],
    scores: NDArray[np.float64],
    guarded: NDArray[np.int32],
    logits: NDArray[np.float32],
    lowest: NDArray[np.float64],
    highest: NDArray[np.float64],
    always_there: NDArray[np.uint8],
    contradiction_limit: NDArray[np.float32],
    isolation_limit: float,
    raised: NDArray[np.bool_],
) -> None:
    """Tell for each row whether there is any reason to call it an anomaly.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        scores: Shape (n_readings,): of the forest.
        guarded: Shape (n_guarded,): features that `logits` are of.
        logits: Shape (n_readings, n_guarded).
        lowest: Shape (n_features,): a lower value is out of range.
        highest: Shape (n_features,): a higher value is out of range.
        always_there: Shape (n_features,): whether a missing value is a reason.
        contradiction_limit: Shape (n_guarded,): a higher logit is a contradiction; where a value is missing,
            none is up to `least_limit`.
        isolation_limit: A lower score is a reason.
        raised: Shape (n_readings,), filled in.
    """
    for row in range(X.shape[0]):
        found, least = scores[row] < isolation_limit, least_limit(X[row])
        for each in range(X.shape[1]):
            value = X[row, each]
            found |= (value < lowest[each]) | (value > highest[each])
            found |= (value != value) & (always_there[each] != 0)  # noqa: PLR0124  # it is NaN
        for place in range(guarded.shape[0]):
            value = X[row, guarded[place]]
            limit = max(contradiction_limit[place], least)
            found |= (logits[row, place] > limit) & (value == value)  # noqa: PLR0124
        raised[row] = found
