"""scikit-learn's own forest, without its passes over all readings for each tree.

scikit-learn tells a tree which readings it is grown on by weights, one per reading and nearly all zero, and
walks over them several times for each tree. Here each tree is given the readings of its sample, in the same
order, and what grows has the same bits. Imported by `fitting` alone, and late: scikit-learn takes a second.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.tree import ExtraTreeRegressor


class _SampledTree(ExtraTreeRegressor):  # type: ignore[misc]  # scikit-learn has no types
    """A tree that looks at nothing but its sample."""

    def fit(
        self, X: Any, y: Any, sample_weight: NDArray[np.int64] | None = None, check_input: bool = True
    ) -> "_SampledTree":
        """Grow on the readings that have a weight; without replacement, each weight is 1."""
        if sample_weight is not None:
            # Of booleans, NumPy finds the few that are set many times sooner than of numbers.
            rows = np.flatnonzero(sample_weight.astype(np.bool_))
            X, y = X[rows], y[rows]
        super().fit(X, y, check_input=check_input)
        return self


class _SampledForest(IsolationForest):  # type: ignore[misc]
    """A forest of such trees."""

    def _get_estimator(self) -> _SampledTree:
        return _SampledTree(**super()._get_estimator().get_params())


def grow(X: NDArray[np.float32], n_estimators: int, random_state: int) -> IsolationForest:
    """Do what `IsolationForest(n_estimators=…, random_state=…).fit(X)` does, sooner.

    Args:
        X: Shape (n_readings, n_features), no NaN; float32 is not copied.
        n_estimators: Trees.
        random_state: Seed.

    Returns:
        scikit-learn's own classes, nothing of ours: it can be stored and used without this package.
    """
    sampled = _SampledForest(n_estimators=n_estimators, random_state=random_state).fit(X)
    sampled.estimator_ = _plain(sampled.estimator_, ExtraTreeRegressor())
    sampled.estimators_ = [_plain(tree, ExtraTreeRegressor()) for tree in sampled.estimators_]
    return _plain(sampled, IsolationForest())


def _plain(grown: Any, plain: Any) -> Any:
    vars(plain).update(vars(grown))
    return plain
