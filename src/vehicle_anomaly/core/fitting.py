"""Fitting: scikit-learn grows the trees, `Forest` keeps them."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import attribution_kernel
from vehicle_anomaly.core.forest import LEAF, Forest, average_path_length
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads

if TYPE_CHECKING:
    from sklearn.ensemble import IsolationForest

Contamination = float | Literal["auto"]


@dataclass(frozen=True, slots=True)
class ForestParameters:
    """How a forest is grown, in scikit-learn's names.

    Attributes:
        n_estimators: Trees, at least 1.
        contamination: Share of the training readings that are anomalous, above 0 and up to 0.5; or `auto`,
            the offset of the original paper.
        random_state: Seed, 0 to 2**32 - 1: the same batch gives the same forest.
    """

    n_estimators: int = 200
    contamination: Contamination = 0.05
    random_state: int = 42

    def __post_init__(self) -> None:
        if self.n_estimators < 1:
            raise ValueError(f"n_estimators: expected at least 1, got {self.n_estimators}")
        if self.contamination != "auto" and not 0 < self.contamination <= 0.5:
            raise ValueError(
                f"contamination: expected above 0 and up to 0.5, or auto, got {self.contamination}"
            )
        if not 0 <= self.random_state < 2**32:
            raise ValueError(f"random_state: expected 0 to 4294967295, got {self.random_state}")


def fit(
    X: NDArray[np.float64],
    parameters: ForestParameters,
    medians: NDArray[np.float64] | None = None,
    threads: ScoringThreads = THIS_THREAD,
) -> tuple[Forest, "IsolationForest"]:
    """Grow a forest.

    Beside X there is one copy of it, in float32, in which scikit-learn compares.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing reading.
        parameters: How.
        medians: Shape (n_features,), float64: what stands in for NaN; None when there is none.
        threads: Where the readings are scored, of which a contamination takes its share.

    Returns:
        The forest as flat arrays, and the estimator it was taken from.
    """
    # Imported here: it takes a second, and a process that only scores never needs it.
    from vehicle_anomaly.core.sampled_trees import grow  # noqa: PLC0415

    estimator = grow(_filled(X, medians), parameters.n_estimators, parameters.random_state)
    forest = flatten(estimator)
    if parameters.contamination != "auto":
        # As scikit-learn's `fit` does it, on the same scores, which our trees give sooner than its own.
        scores = np.empty(X.shape[0])

        def score_part(part: slice) -> None:
            scores[part] = forest.score_samples(X[part], medians)

        threads.share(X.shape[0], score_part)
        offset = float(np.percentile(scores, 100.0 * parameters.contamination))
        forest = replace(forest, offset=offset)
        estimator.set_params(contamination=parameters.contamination)
        estimator.offset_ = offset
    return forest, estimator


def held_out_scores(
    X: NDArray[np.float64],
    medians: NDArray[np.float64],
    fold: NDArray[np.int64],
    parameters: ForestParameters,
) -> NDArray[np.float64]:
    """Score readings by forests that did not see what they were taken with.

    Args:
        X: Shape (n_readings, n_features); NaN is a missing reading.
        medians: Shape (n_features,): what stands in for it.
        fold: Shape (n_readings,): readings of a fold are left out together; at least two different ones.
        parameters: How forests are grown.

    Returns:
        Shape (n_readings,): scikit-learn's `score_samples`.
    """
    scores = np.empty(len(X))
    for each in np.unique(fold).tolist():
        held = fold == each
        forest, _ = fit(X[~held], replace(parameters, contamination="auto"), medians)
        scores[held] = forest.score_samples(X[held], medians)
    return scores


def out_of_bag_scores(
    X: NDArray[np.float64],
    medians: NDArray[np.float64],
    forest: Forest,
    estimator: "IsolationForest",
    rows: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Score readings by those trees that were not grown on them.

    Args:
        X: Shape (n_readings, n_features): what the forest was grown on; NaN is a missing reading.
        medians: Shape (n_features,): what stands in for it.
        forest: The forest.
        estimator: What it was taken from.
        rows: Which readings, ascending.

    Returns:
        Shape (rows.size,): scikit-learn's `score_samples`, by those trees alone; NaN where there are none.
    """
    chosen = X[rows]
    longest = average_path_length(forest.max_samples)
    total = -np.log2(-forest.score_samples(chosen, medians)) * longest * forest.n_trees
    place = np.full(len(X), -1)
    place[rows] = np.arange(rows.size)
    seen = [place[sample] for sample in estimator.estimators_samples_]
    seen = [of_tree[of_tree >= 0] for of_tree in seen]
    trees = np.full(rows.size, forest.n_trees)
    attribution_kernel.subtract_seen(
        _filled(chosen, medians),
        forest.tree_start,
        forest.feature,
        forest.threshold,
        forest.left,
        forest.right,
        forest.path_length,
        np.cumsum([0, *map(len, seen)]),
        np.concatenate(seen),
        total,
        trees,
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(trees > 0, -np.power(2.0, -total / (trees * longest)), np.nan)


def warm_up() -> None:
    """Compile what fits, or load it compiled, on a forest of one leaf."""
    one, leaf = np.zeros(1, np.int64), np.full(1, LEAF, np.int32)
    attribution_kernel.subtract_seen(
        np.zeros((1, 1), np.float32),
        np.array([0, 1]),
        leaf,
        np.zeros(1),
        leaf,
        leaf,
        np.zeros(1),
        np.array([0, 1]),
        one,
        np.zeros(1),
        np.ones(1, np.int64),
    )


def _filled(X: NDArray[np.float64], medians: NDArray[np.float64] | None) -> NDArray[np.float32]:
    filled = X.astype(np.float32)
    if medians is not None:
        for column, median in zip(filled.T, medians, strict=True):
            column[np.isnan(column)] = median
    return filled


def flatten(estimator: "IsolationForest") -> Forest:
    """Take the trees of a fitted estimator as flat arrays.

    A leaf's path length is summed from scikit-learn's own terms in its own order, so that sums of it have
    the same bits.
    """
    trees = [tree.tree_ for tree in estimator.estimators_]
    tree_start = np.cumsum([0, *(tree.node_count for tree in trees)], dtype=np.int64)
    feature, threshold, left, right, path_length = [], [], [], [], []
    for tree, first in zip(trees, tree_start[:-1], strict=True):
        leaf = tree.children_left < 0
        feature.append(np.where(leaf, LEAF, tree.feature))
        threshold.append(np.where(leaf, 0.0, tree.threshold))
        left.append(np.where(leaf, LEAF, tree.children_left + first))
        right.append(np.where(leaf, LEAF, tree.children_right + first))
    per_tree = zip(
        trees,
        estimator._decision_path_lengths,  # noqa: SLF001  # no public name gives these
        estimator._average_path_length_per_tree,  # noqa: SLF001
        strict=True,
    )
    for tree, depth, remaining in per_tree:
        path_length.append(np.where(tree.children_left < 0, depth + remaining - 1.0, 0.0))
    return Forest(
        n_features=int(estimator.n_features_in_),
        max_samples=int(estimator.max_samples_),
        offset=float(estimator.offset_),
        tree_start=tree_start,
        feature=np.concatenate(feature).astype(np.int32),
        threshold=np.concatenate(threshold).astype(np.float64),
        left=np.concatenate(left).astype(np.int32),
        right=np.concatenate(right).astype(np.int32),
        path_length=np.concatenate(path_length),
    )
