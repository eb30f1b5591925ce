"""The trees are scikit-learn's, bit for bit, and so is what is stored of them."""

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.tree import ExtraTreeRegressor

from vehicle_anomaly.core.fitting import ForestParameters, fit
from vehicle_anomaly.core.scoring_threads import ScoringThreads


@pytest.mark.parametrize(("n_readings", "n_features"), [(1, 1), (2, 3), (100, 4), (257, 2), (3000, 8)])
@pytest.mark.parametrize("contamination", ["auto", 0.05])
def test_a_forest_has_the_bits_of_scikit_learns(
    n_readings: int, n_features: int, contamination: float
) -> None:
    # Rounded, so that values are equal and thresholds fall on them.
    X = np.random.default_rng(n_readings).normal(size=(n_readings, n_features)).round(1)

    ours = fit(X, ForestParameters(50, contamination), None, ScoringThreads(2))[1]

    theirs = IsolationForest(n_estimators=50, contamination=contamination, random_state=42).fit(X)
    assert type(ours) is IsolationForest
    assert vars(ours).keys() == vars(theirs).keys()
    assert ours.get_params() == theirs.get_params()
    assert type(ours.estimator_) is ExtraTreeRegressor
    assert ours.estimator_.get_params() == theirs.estimator_.get_params()
    assert ours.offset_ == theirs.offset_
    for one, other in zip(ours.estimators_, theirs.estimators_, strict=True):
        assert type(one) is ExtraTreeRegressor
        assert vars(one).keys() == vars(other).keys()
        assert one.get_params() == other.get_params()
        assert _bits(one) == _bits(other)


def test_what_stands_in_for_missing_readings_is_learned_from() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    X[rng.random(X.shape) < 0.1] = np.nan
    medians = np.nanmedian(X, axis=0)

    ours = fit(X, ForestParameters(20), medians)[1]

    theirs = IsolationForest(n_estimators=20, contamination=0.05, random_state=42)
    theirs.fit(np.where(np.isnan(X), medians, X))
    assert ours.offset_ == theirs.offset_
    assert [_bits(tree) for tree in ours.estimators_] == [_bits(tree) for tree in theirs.estimators_]


def _bits(tree: ExtraTreeRegressor) -> tuple[bytes, bytes]:
    state = tree.tree_.__getstate__()
    return state["nodes"].tobytes(), state["values"].tobytes()
