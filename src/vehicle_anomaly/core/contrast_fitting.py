"""Growing contrast trees."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import guard_kernel
from vehicle_anomaly.core.contrast import contrast
from vehicle_anomaly.core.contrast_trees import ContrastTrees
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads

_LEARNING_RATE: Final = 0.15
_L2: Final = 1.0
_LOWEST: Final = np.float32(np.finfo(np.float32).min)
_HIGHEST: Final = np.float32(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Growth:
    """How contrast trees are grown.

    Attributes:
        trees: For each guarded feature.
        depth: Levels of each.
        rows: Readings that are learnt from at most; of more, as many are drawn.
        cuts: Places where a feature may be split, at most 250: half of them at quantiles, half evenly over
            the range.
        masked: Share of the values that are hidden, so that the trees know what to make of a missing one.
    """

    trees: int = 80
    depth: int = 6
    rows: int = 10_000
    cuts: int = 190
    masked: float = 0.05


def partners(
    X: NDArray[np.float64], most: int, rng: np.random.Generator
) -> tuple[list[NDArray[np.int64]], NDArray[np.float32]]:
    """Choose for each feature the others that tell most about it, by rank correlation.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        most: Features that are chosen at most.
        rng: What chance is taken from.

    Returns:
        For each feature, itself first and then its partners, the closest first; and how close the closest
        is, 0 to 1.
    """
    n_readings = len(X)
    rows = rng.choice(n_readings, min(n_readings, 2_000), replace=False)
    ranks, bent = _ranked(X[rows])
    close = np.maximum(_alike(ranks, ranks), _alike(bent, bent))
    mixed = _alike(ranks, bent)
    close = np.maximum(close, np.maximum(mixed, mixed.T)).astype(np.float32)
    np.fill_diagonal(close, -np.inf)
    closest = close.max(axis=1)
    np.fill_diagonal(close, np.inf)
    return [np.argsort(-of, kind="stable")[: most + 1] for of in close], closest


def closeness(X: NDArray[np.float64], each: int) -> float:
    """Say how close the closest other feature is to one, by rank correlation, 0 to 1; as `partners` does.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing value.
        each: The feature.
    """
    ranks, bent = _ranked(X)
    others = np.concatenate([np.delete(ranks, each, axis=1), np.delete(bent, each, axis=1)], axis=1)
    return float(max(_alike(own[:, each : each + 1], others).max(initial=0) for own in (ranks, bent)))


def _ranked(X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centred ranks of features, and how far these are from the middle; both shaped as X."""
    ranks = np.stack([_centred_ranks(column) for column in X.T], axis=1)
    # Distances from the middle too: what moves with them is no stranger.
    bent = np.abs(ranks)
    return ranks, len(X) * bent - bent.sum(axis=0)


def _centred_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return twice the ranks less their mean, integers; what ties has the mean of its ranks.

    By the order in which they stand, ties of two coarse sensors would go together. And NumPy's own order of
    them differs from one processor to another.
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    above = np.cumsum(count)
    twice: NDArray[np.float64] = (2 * above - count - values.size).astype(np.float64)[place]
    return twice


def _alike(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the absolute correlation of each column of `a` with each of `b`.

    Args:
        a: Shape (n, n_a): integers of mean 0. The sums of their products stay below 2**53, so that they are
            exact in whatever order a processor adds them.
        b: Shape (n, n_b): such integers.
    """
    norms = np.sqrt(np.square(a).sum(axis=0))[:, np.newaxis] * np.sqrt(np.square(b).sum(axis=0))
    alike: NDArray[np.float64] = np.abs(a.T @ b) / np.maximum(norms, 1.0)
    return alike


def grow(  # noqa: PLR0913, PLR0917
    X: NDArray[np.float64],
    guarded: NDArray[np.int32],
    chosen: list[NDArray[np.int64]],
    growth: Growth,
    rng: np.random.Generator,
    threads: ScoringThreads = THIS_THREAD,
) -> ContrastTrees:
    """Grow the trees of some features.

    Args:
        X: Shape (n_readings, n_features), float32 numbers; NaN is a missing value.
        guarded: Features that have at least two different values, ascending.
        chosen: What `partners` chose.
        growth: How.
        rng: What chance is taken from: of each feature its own, so that the order does not matter.
        threads: Where they are grown.
    """
    if len(X) > growth.rows:
        X = X[np.sort(rng.choice(len(X), growth.rows, replace=False))]
    cuts = [cuts_of(X[:, each], growth.cuts) for each in range(X.shape[1])]
    bins = np.stack([_bins(X[:, each], cuts[each]) for each in range(X.shape[1])])
    n_bins = np.array([cut.size + 2 for cut in cuts])
    of_each = rng.spawn(guarded.size)
    n_trees = guarded.size * growth.trees
    split_feature = np.empty((n_trees, growth.depth), np.int32)
    cut = np.empty((n_trees, growth.depth), np.int64)
    leaf = np.empty((n_trees, 1 << growth.depth), np.float32)

    def grow_one(place: int) -> None:
        feature, rng = int(guarded[place]), of_each[place]
        columns = chosen[feature]
        known = np.flatnonzero(~np.isnan(X[:, feature]))
        if not known.size:
            raise ValueError(f"expected values of feature {feature}")
        rows = np.tile(bins[np.ix_(columns, known)], 2)
        rows[0, known.size :] = _bins(contrast(X[known, feature], rng), cuts[feature])
        rows[1:][rng.random((columns.size - 1, rows.shape[1])) < growth.masked] = 0
        is_contrast = np.repeat(np.array([0, 1], np.float32), known.size)
        tried = _tried(columns.size, growth, rng)
        own = slice(place * growth.trees, (place + 1) * growth.trees)
        of_column = np.empty((growth.trees, growth.depth), np.int32)
        guard_kernel.boost(
            rows,
            n_bins[columns],
            is_contrast,
            tried,
            _LEARNING_RATE,
            _L2,
            1.0,
            of_column,
            cut[own],
            leaf[own],
        )
        split_feature[own] = columns[of_column]

    threads.each(guarded.size, grow_one)
    return ContrastTrees(
        n_features=X.shape[1],
        depth=growth.depth,
        guarded=guarded,
        tree_start=np.arange(guarded.size + 1, dtype=np.int64) * growth.trees,
        split_feature=split_feature.ravel(),
        split_threshold=_thresholds(split_feature, cut, cuts).ravel(),
        leaf=leaf.ravel(),
    )


def warm_up() -> None:
    """Compile what grows trees, or load it compiled, on the smallest batch."""
    chance = np.random.default_rng(0)
    rows = chance.random((4, 2))
    both = [np.array([0, 1]), np.array([1, 0])]
    grow(rows, np.array([0, 1], np.int32), both, Growth(trees=1, depth=1), chance)


def cuts_of(values: NDArray[np.float64], most: int) -> NDArray[np.float32]:
    """Choose where a feature may be split.

    Args:
        values: Shape (n_readings,): of the feature; NaN is a missing value.
        most: Places at most.

    Returns:
        Values below the highest, ascending: half at quantiles, half evenly over the range; each but the
        highest where there are no more than `most` different ones.
    """
    known = values[~np.isnan(values)]
    if not known.size:
        return np.empty(0, np.float32)
    low, high = known.min(), known.max()
    distinct = np.unique(known)
    if distinct.size <= most:
        places = distinct[:-1]
    else:
        at_quantiles = np.quantile(known, np.linspace(0, 1, most // 2 + 2)[1:-1], method="lower")
        places = np.concatenate([at_quantiles, np.linspace(low, high, most // 2 + 2)[1:-1]])
    rounded = np.unique(places.astype(np.float32))
    # None at the highest value: what lies beyond all is to be taken for it.
    inside: NDArray[np.float32] = rounded[(rounded >= low) & (rounded < high)]
    return inside


def _bins(values: NDArray[np.float64], cuts: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Bin 0 is for what is missing; bin b for what is beyond the first b - 1 cuts."""
    binned = np.searchsorted(cuts, values.astype(np.float32), side="left") + 1
    return np.where(np.isnan(values), 0, binned).astype(np.uint8)


def _tried(n_columns: int, growth: Growth, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw what each level may split on: the feature itself always, and half of its partners."""
    n_tried = (n_columns - 1 + 1) // 2
    chance = rng.random((growth.trees, growth.depth, n_columns - 1))
    drawn = np.argsort(chance, axis=2, kind="stable")[:, :, :n_tried] + 1
    itself = np.zeros((growth.trees, growth.depth, 1), np.int64)
    return np.concatenate([itself, drawn], axis=2)


def _thresholds(
    features: NDArray[np.int32], cut: NDArray[np.int64], cuts: list[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Turn bins into values: beyond bin 0 is any value, beyond the last is none."""
    n_cuts = max((each.size for each in cuts), default=0)
    table = np.full((len(cuts), n_cuts + 2), _HIGHEST, np.float32)
    table[:, 0] = _LOWEST
    for feature, each in enumerate(cuts):
        table[feature, 1 : each.size + 1] = each
    return table[features, np.minimum(cut, n_cuts + 1)]
