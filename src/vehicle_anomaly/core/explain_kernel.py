"""All that an explanation says of readings, in one compiled call: each call costs more than what it asks."""

import numba
import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.attribution_kernel import attribute
from vehicle_anomaly.core.reason_kernel import expect


@numba.njit(nogil=True, cache=True)
def explain(  # noqa: PLR0913, PLR0917  # numba takes arrays, not the objects that hold them
    X: NDArray[np.float64],
    medians: NDArray[np.float64],
    tree_start: NDArray[np.int64],
    depth: NDArray[np.int64],
    feature: NDArray[np.uint16],
    threshold: NDArray[np.float32],
    left: NDArray[np.uint32],
    path_length: NDArray[np.float64],
    guarded: NDArray[np.int32],
    guard_start: NDArray[np.int64],
    guard_feature: NDArray[np.int32],
    guard_threshold: NDArray[np.float32],
    guard_leaf: NDArray[np.float32],
    steps: NDArray[np.int32],
    bounds: NDArray[np.float64],
    cells: NDArray[np.float32],
    doubted: NDArray[np.int64],
    order: NDArray[np.int64],
    told: NDArray[np.float64],
) -> None:
    """Say of each feature of each row what it contributed, and what was to be expected of it.

    Args:
        X: As for `attribute`; so are the arrays down to `path_length`, there called `expected`.
        medians: As for `attribute`.
        tree_start: As for `attribute`.
        depth: As for `attribute`.
        feature: As for `attribute`.
        threshold: As for `attribute`.
        left: As for `attribute`.
        path_length: As for `attribute`.
        guarded: As for `reason_kernel.expect`; so are the arrays down to `cells`.
        guard_start: As for `expect`.
        guard_feature: As for `expect`.
        guard_threshold: As for `expect`.
        guard_leaf: As for `expect`.
        steps: As for `expect`.
        bounds: As for `expect`.
        cells: As for `expect`.
        doubted: Shape (n_doubted, 2): row and feature of values that tell nothing of others.
        order: Shape (n_readings, n_features), filled in: features, the largest contribution first; of equal
            ones, the first.
        told: Shape (n_readings, 4, n_features), filled in, in that order: what the features contributed, what
            was read and expected, and how many spreads higher that is, NaN for none.
    """
    gained = np.empty(X.shape)
    attribute(X, medians, tree_start, depth, feature, threshold, left, path_length, gained)
    believed = X.copy()
    for place in range(doubted.shape[0]):
        believed[doubted[place, 0], doubted[place, 1]] = np.nan
    value, spread = np.empty(X.shape), np.empty(X.shape)
    expect(
        believed,
        guarded,
        guard_start,
        guard_feature,
        guard_threshold,
        guard_leaf,
        steps,
        bounds,
        cells,
        value,
        spread,
    )
    # Plus zero: what is -0.0 becomes 0.0, and all else stays.
    for row in range(X.shape[0]):
        order[row] = np.argsort(-np.abs(gained[row]), kind="mergesort")
        for place in range(X.shape[1]):
            each = order[row, place]
            told[row, 0, place], told[row, 1, place] = gained[row, each] + 0.0, X[row, each] + 0.0
            told[row, 2, place], told[row, 3, place] = value[row, each] + 0.0, np.nan
            if spread[row, each] > 0:
                away = (X[row, each] - value[row, each]) / spread[row, each]
                told[row, 3, place] = away + 0.0 if np.isfinite(away) else np.nan
