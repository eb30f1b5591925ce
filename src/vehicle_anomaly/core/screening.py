"""Screening: which readings of a batch look faulty, before it is learnt from.

A few bad rows teach boosted trees that the fault is normal: eighty readings with a coolant of 125 °C among
fifty thousand are a mode of their own. So two looks that are too coarse to see such a mode come first.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import contrast_fitting, placeholders
from vehicle_anomaly.core.contrast import contrast
from vehicle_anomaly.core.contrast_fitting import Growth
from vehicle_anomaly.core.contrast_trees import ContrastTrees

_COARSE: Final = Growth(trees=60, depth=5, cuts=24, masked=0.0)
_MOST_SUSPECTS: Final = 0.04
_MOST_FAR: Final = 0.025
_WIDE: Final = 15.0
"""Times what a gap is in an exponential tail: by chance, one in three million is as wide."""
_DISTINCT: Final = 20
_MANY_STRETCHES: Final = 4
_AGREES: Final = 0.9
"""Of pairs of a far reading and a usual one, the share that another feature orders the same way."""
FAR: Final = 0.1
"""Share of a feature's range beyond which a value is far from all others."""
_CONTRADICTS: Final = 2.5
"""Log-odds: twelve times likelier as a contrast."""


def far_values(X: NDArray[np.float64], stretch: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Find values that a gap parts from nearly all others of their feature.

    The gap is more than `FAR` of the range of the others, at most 2.5 % of the values lie beyond it, and it
    is far wider than those before it, so that it is not what a long tail looks like: the k-th gap from the
    end, times k, is then much the same for all k (Rényi 1953). A feature with few values, such as a gear, has
    no such spacings: see `placeholders`. A rare way of running, such as an engine that is off, is not found:
    it comes in many stretches, and another feature tells of it, too.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        stretch: Shape (n_readings,): what `stretches` gave for them.

    Returns:
        Shape as `X`.
    """
    far = np.zeros(X.shape, bool)
    for each in range(X.shape[1]):
        known = np.sort(X[~np.isnan(X[:, each]), each])
        beyond = int(known.size * _MOST_FAR)
        if beyond < 2:
            continue
        few = np.unique(known).size <= _DISTINCT
        for sign in (1, -1):
            ordered = sign * known[::sign]
            last = placeholders.last_usual(ordered, beyond) if few else _last_usual(ordered, beyond)
            if last is None:
                continue
            with np.errstate(invalid="ignore"):
                found = sign * X[:, each] > last
            if few and not placeholders.say_nothing(X, each, found):
                continue
            if not _told_by_others(X, each, found, stretch):
                far[:, each] |= found
    return far


def _last_usual(ordered: NDArray[np.float64], beyond: int) -> float | None:
    """Find the value before the first gap that is too wide for a tail, of many values, ascending."""
    tail, bulk = ordered[-beyond - 1 :], ordered[beyond]
    if tail[0] <= bulk:
        return None
    gaps = np.diff(tail)
    scaled = gaps * np.arange(beyond, 0, -1)
    usual = np.cumsum(scaled)[:-1] / np.arange(1, beyond)
    wide = scaled[1:] > _WIDE * usual
    found = 1 + np.flatnonzero(wide & (gaps[1:] > FAR * (tail[1:-1] - bulk)))
    return float(tail[found[0]]) if found.size else None


def _told_by_others(
    X: NDArray[np.float64], each: int, far: NDArray[np.bool_], stretch: NDArray[np.int64]
) -> bool:
    """Tell whether another feature is as far from usual, in many stretches, where one is.

    It is where the far readings are among its highest or its lowest, beside others of their stretch: by
    Mann and Whitney's statistic, so that what differs between stretches proves nothing.
    """
    there = np.unique(stretch[far])
    if there.size < _MANY_STRETCHES:
        return False
    above, pairs = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    for number in there.tolist():
        inside = stretch == number
        odd, usual = X[inside & far], X[inside & ~far]
        for other in range(X.shape[1]):
            ordered = np.sort(usual[~np.isnan(usual[:, other]), other])
            values = odd[~np.isnan(odd[:, other]), other]
            below = np.searchsorted(ordered, values, side="left").sum()
            above[other] += (below + np.searchsorted(ordered, values, side="right").sum()) / 2
            pairs[other] += values.size * ordered.size
    with np.errstate(invalid="ignore"):
        agrees = np.abs(above / pairs - 0.5) > _AGREES - 0.5
    agrees[each] = False
    return bool(agrees.any())


def contradictory(
    X: NDArray[np.float64], grow: Callable[[NDArray[np.float64], Growth], ContrastTrees]
) -> NDArray[np.bool_]:
    """Find readings of which one value contradicts the others, by trees that see little detail.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value, and so should a far one be.
        grow: Grows trees on readings.

    Returns:
        Shape (n_readings,): at most 4 % of them.
    """
    trees = grow(X, _COARSE)
    if not trees.guarded.size:
        return np.zeros(len(X), bool)
    logits = trees.logits(X)
    logits[np.isnan(X[:, trees.guarded])] = -np.inf
    most = logits.max(axis=1)
    # The more features there are, the more often one of them is odd by chance.
    odd = float(np.log(trees.guarded.size))
    limit = max(_CONTRADICTS, odd, float(np.quantile(most, 1 - _MOST_SUSPECTS)))
    suspect: NDArray[np.bool_] = most > limit
    return suspect


def rarity(
    X: NDArray[np.float64], guarded: NDArray[np.int32], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Say how rare each value is by itself, whatever the others are: that alone is no contradiction.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        guarded: Features to look at.
        rng: What chance is taken from.

    Returns:
        Shape (n_readings, n_guarded): log-odds of a contrast by the feature's own value; at least 0.
    """
    rare = np.zeros((len(X), guarded.size))
    for place, feature in enumerate(guarded.tolist()):
        known = ~np.isnan(X[:, feature])
        values = X[known, feature]
        edges = contrast_fitting.cuts_of(values, Growth().cuts)
        real = np.searchsorted(edges, values)
        contrasts = np.searchsorted(edges, contrast(values, rng))
        counts = (np.bincount(of, minlength=edges.size + 1) + 1.0 for of in (contrasts, real))
        odds = np.log(np.divide(*counts))
        rare[known, place] = np.maximum(odds[real], 0)
    return rare
