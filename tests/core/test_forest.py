"""Scores are scikit-learn's, bit for bit; what is no forest is refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from tests.exactness import around
from vehicle_anomaly.core.fitting import ForestParameters, fit, flatten
from vehicle_anomaly.core.forest import ARRAY_DTYPES, Forest
from vehicle_anomaly.core.telemetry import MAX_FEATURE

Matrix = NDArray[np.float64]

# A fit takes milliseconds, and a machine under load takes more: the time of an example says nothing.
quick = settings(deadline=None, max_examples=150, database=None, suppress_health_check=[HealthCheck.too_slow])


def a_forest() -> Forest:
    """Two trees: one split with two leaves, and a leaf alone."""
    return Forest(
        n_features=2,
        max_samples=4,
        offset=-0.5,
        tree_start=np.array([0, 3, 4]),
        feature=np.array([1, -1, -1, -1], np.int32),
        threshold=np.array([0.5, 0, 0, 0]),
        left=np.array([1, -1, -1, -1], np.int32),
        right=np.array([2, -1, -1, -1], np.int32),
        path_length=np.array([0, 1.0, 2.0, 3.0]),
    )


def assert_scores_as_scikit_learn(X: Matrix, others: Matrix, parameters: ForestParameters) -> None:
    forest, estimator = fit(X, parameters)
    for readings in (X, others):
        scores = forest.score(readings)
        np.testing.assert_array_equal(scores, estimator.decision_function(readings), strict=True)
        np.testing.assert_array_equal(forest.score_samples(readings), estimator.score_samples(readings))
        np.testing.assert_array_equal(scores < 0, estimator.predict(readings) == -1)
    alone = np.array([forest.score(others[row : row + 1])[0] for row in range(min(3, len(others)))])
    np.testing.assert_array_equal(alone, forest.score(others)[: len(alone)])


def thresholds_of(forest: Forest) -> Matrix:
    """Return readings that lie exactly on the forest's thresholds, and as close to them as can be."""
    split = forest.feature >= 0
    exact = forest.threshold[split]
    close = around(exact)
    readings = np.zeros((len(close) * exact.size, forest.n_features))
    readings[np.arange(len(readings)), np.tile(forest.feature[split], len(close))] = np.concatenate(close)
    return np.clip(readings, -MAX_FEATURE, MAX_FEATURE)


contaminations = st.one_of(st.just("auto"), st.floats(0.001, 0.5))
parameters = st.builds(
    ForestParameters,
    n_estimators=st.integers(1, 12),
    contamination=contaminations,
    random_state=st.integers(0, 2**32 - 1),
)
ordinary = st.floats(-1e6, 1e6)
anything = st.floats(-MAX_FEATURE, MAX_FEATURE)
# Few distinct values, so that readings repeat each other and columns are constant.
repeated = st.sampled_from([0.0, -0.0, 1.0, 2.0, 1e-45, -3.5])
shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)


def matrices(columns: int | None = None) -> st.SearchStrategy[Matrix]:
    of = shapes if columns is None else st.tuples(st.integers(1, 40), st.just(columns))
    return st.one_of(
        *(arrays(np.float64, of, elements=elements) for elements in (ordinary, anything, repeated))
    )


@quick
@given(data=st.data(), parameters=parameters)
def test_scores_and_labels_are_scikit_learns_on_any_data(
    data: st.DataObject, parameters: ForestParameters
) -> None:
    X = data.draw(matrices())
    assert_scores_as_scikit_learn(X, data.draw(matrices(X.shape[1])), parameters)


@quick
@given(X=matrices(), parameters=parameters)
def test_scores_and_labels_are_scikit_learns_on_and_around_thresholds(
    X: Matrix, parameters: ForestParameters
) -> None:
    forest, _ = fit(X, parameters)
    others = thresholds_of(forest)

    assert_scores_as_scikit_learn(X, others if len(others) else X, parameters)


@quick
@given(X=matrices(), parameters=parameters)
def test_scores_are_scikit_learns_when_a_threshold_is_a_float32_itself(
    X: Matrix, parameters: ForestParameters
) -> None:
    """Thresholds are drawn between float32s and seldom hit one, so that a reading could equal them."""
    _, estimator = fit(X, parameters)
    for tree in estimator.estimators_:
        tree.tree_.threshold[:] = tree.tree_.threshold.astype(np.float32)
    forest = flatten(estimator)

    for readings in (X, thresholds_of(forest)):
        if len(readings):
            np.testing.assert_array_equal(forest.score(readings), estimator.decision_function(readings))


@quick
@given(
    X=arrays(np.float32, shapes, elements=st.floats(-1e6, 1e6, width=32)),
    parameters=parameters,
    part=st.floats(-0.49, 0.49),
)
def test_scores_and_labels_are_scikit_learns_on_ties_in_float32(
    X: NDArray[np.float32], parameters: ForestParameters, part: float
) -> None:
    # The same float32 each, and another float64.
    tied = X.astype(np.float64) + part * np.spacing(np.abs(X)).astype(np.float64) / 2
    np.testing.assert_array_equal(tied.astype(np.float32), X)

    assert_scores_as_scikit_learn(X.astype(np.float64), tied, parameters)
    assert_scores_as_scikit_learn(tied, X.astype(np.float64), parameters)


@quick
@given(X=matrices(), parameters=parameters)
def test_ties_in_float32_score_alike(X: Matrix, parameters: ForestParameters) -> None:
    forest, _ = fit(X, parameters)

    np.testing.assert_array_equal(forest.score(X), forest.score(X.astype(np.float32).astype(np.float64)))


@pytest.mark.parametrize("contamination", [0.5, 0.25, 0.2, 0.1, 0.05, "auto"])
@pytest.mark.parametrize("n_readings", [1, 2, 5, 21, 41, 101, 300])
def test_a_training_reading_exactly_on_the_offset_is_labelled_as_by_scikit_learn(
    contamination: Any, n_readings: int
) -> None:
    # Shares at which the percentile is the score of one of the readings, not between two.
    X = np.random.default_rng(n_readings).normal(size=(n_readings, 3))
    chosen = ForestParameters(20, contamination, 42)
    forest, _ = fit(X, chosen)
    if contamination != "auto" and (contamination * (n_readings - 1)).is_integer():
        assert 0.0 in forest.score(X)

    assert_scores_as_scikit_learn(X, X[::-1], chosen)


@pytest.mark.parametrize("contamination", [0.05, "auto"])
def test_constant_columns_score_as_by_scikit_learn(contamination: Any) -> None:
    X = np.random.default_rng(0).normal(size=(300, 4))
    X[:, [0, 2]] = 7.0
    assert_scores_as_scikit_learn(X, X + np.array([1, 0, -1, 0]), ForestParameters(30, contamination, 42))
    assert_scores_as_scikit_learn(np.full((50, 2), 3.0), X[:, :2], ForestParameters(30, contamination, 42))


def test_a_forest_of_the_default_size_scores_as_by_scikit_learn() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(2_000, 8))
    chosen = ForestParameters()
    forest, _ = fit(X, chosen)

    others = np.concatenate([thresholds_of(forest)[::50], random.normal(scale=4, size=(500, 8))])
    assert forest.n_trees == 200
    assert_scores_as_scikit_learn(X, others, chosen)


@pytest.mark.parametrize(
    "layout", [np.asfortranarray, lambda X: X[::-1, ::-1], lambda X: X.astype(np.float32)]
)
def test_readings_may_lie_in_memory_as_they_like(layout: Callable[[Matrix], Any]) -> None:
    X = np.random.default_rng(0).normal(size=(130, 3))
    forest, estimator = fit(X, ForestParameters(5, "auto", 42))

    np.testing.assert_array_equal(forest.score(layout(X)), estimator.decision_function(layout(X)))


@pytest.mark.parametrize("max_samples", [256, 3000], ids=["padded trees", "trees too deep to be padded"])
def test_readings_exactly_on_thresholds_score_as_by_scikit_learn_at_any_depth(max_samples: int) -> None:
    X = np.random.default_rng(0).normal(size=(3000, 2))
    estimator = IsolationForest(n_estimators=3, max_samples=max_samples, random_state=1).fit(X)
    for rounded in (False, True):
        for tree in estimator.estimators_ if rounded else ():
            tree.tree_.threshold[:] = tree.tree_.threshold.astype(np.float32)
        forest = flatten(estimator)
        readings = thresholds_of(forest)
        np.testing.assert_array_equal(forest.score(readings), estimator.decision_function(readings))


@pytest.mark.parametrize("threshold", [-MAX_FEATURE, MAX_FEATURE, -1e300, 1e300, 5e-324, -5e-324])
def test_a_threshold_at_the_ends_of_float32_splits_as_any_other(threshold: float) -> None:
    forest = replace(a_forest(), threshold=np.array([threshold, 0, 0, 0]))
    values = np.array([-MAX_FEATURE, -1e-45, -0.0, 0.0, 1e-45, MAX_FEATURE])

    left = forest.score(np.stack([np.zeros(6), values], axis=1)) < forest.score(np.array([[0, MAX_FEATURE]]))

    if threshold < MAX_FEATURE:
        np.testing.assert_array_equal(left, values.astype(np.float32).astype(np.float64) <= threshold)
    else:
        assert not left.any(), "all of them go left, and so does what they are compared with"


def test_no_readings_have_no_scores() -> None:
    assert a_forest().score(np.empty((0, 2))).shape == (0,)


@pytest.mark.parametrize("shape", [(3,), (1, 1), (1, 3), (1, 2, 1)])
def test_readings_with_another_number_of_features_are_not_scored(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected 2 columns"):
        a_forest().score(np.zeros(shape))


def test_scores_are_those_of_the_paper() -> None:
    # max_samples 4: c(4) = 2 H(3) - 2 * 3 / 4, H(3) = ln 3 + 0.5772156649 as the paper approximates it.
    c = 2 * (np.log(3) + np.euler_gamma) - 1.5
    expected = [-(2 ** (-(1 + 3) / (2 * c))) + 0.5, -(2 ** (-(2 + 3) / (2 * c))) + 0.5]

    np.testing.assert_allclose(a_forest().score(np.array([[9, 0.5], [9, 0.6]])), expected, rtol=1e-15)


def changed(name: str, position: int, value: Any) -> Callable[[Forest], dict[str, Any]]:
    def change(forest: Forest) -> dict[str, Any]:
        array = getattr(forest, name).copy()
        array[position] = value
        return {name: array}

    return change


BROKEN: dict[str, tuple[str, Callable[[Forest], dict[str, Any]]]] = {
    "no feature": ("feature", lambda _: {"n_features": 0}),
    "no sample": ("sample", lambda _: {"max_samples": 0}),
    "offset NaN": ("offset", lambda _: {"offset": np.nan}),
    "offset infinite": ("offset", lambda _: {"offset": -np.inf}),
    "offset above every score": ("offset", lambda _: {"offset": 1e-3}),
    "offset below every score": ("offset", lambda _: {"offset": -1.001}),
    "no tree": ("tree_start", lambda _: {"tree_start": np.array([0])}),
    "nothing at all": (
        "tree_start",
        lambda forest: {name: array[:0].copy() for name, array in forest.arrays().items()},
    ),
    "trees from the second node on": ("tree_start", changed("tree_start", 0, 1)),
    "trees from before the first node on": ("tree_start", changed("tree_start", 0, -1)),
    "trees up to the last node but one": ("tree_start", changed("tree_start", 2, 3)),
    "trees beyond the last node": ("tree_start", changed("tree_start", 2, 5)),
    "a tree without nodes": ("tree_start", lambda _: {"tree_start": np.array([0, 3, 3, 4])}),
    "a tree that ends before it starts": ("tree_start", lambda _: {"tree_start": np.array([0, 4, 3, 4])}),
    "trees whose sizes overflow to the right sum": (
        "tree_start",
        lambda _: {"tree_start": np.array([0, 2**63 - 1, -2, 4])},
    ),
    "a split on a feature there is not": ("feature", changed("feature", 0, 2)),
    "a split on a negative feature": ("feature", changed("feature", 0, -2)),
    "a split on a far feature": ("feature", changed("feature", 0, 2**31 - 1)),
    "a leaf with a left child": ("left", changed("left", 1, 2)),
    "a leaf with a right child": ("right", changed("right", 1, 2)),
    "a leaf that should split": ("left", changed("feature", 1, 0)),
    "a split without children": ("left", changed("left", 0, -1)),
    "a child that is its parent": ("left", changed("left", 0, 0)),
    "a right child that is its parent": ("right", changed("right", 0, 0)),
    "a child before its parent": ("left", changed("left", 0, -3)),
    "a child in the next tree": ("right", changed("right", 0, 3)),
    "a child beyond the last tree": ("right", changed("right", 0, 4)),
    "a far child": ("left", changed("left", 0, 2**31 - 1)),
    "a threshold that is NaN": ("threshold", changed("threshold", 0, np.nan)),
    "an infinite threshold": ("threshold", changed("threshold", 0, np.inf)),
    "a path length that is NaN": ("path_length", changed("path_length", 1, np.nan)),
    "an infinite path length": ("path_length", changed("path_length", 1, np.inf)),
    "a negative path length": ("path_length", changed("path_length", 1, -1e-9)),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_no_forest_is_refused(broken: str) -> None:
    complaint, change = BROKEN[broken]
    forest = a_forest()

    with pytest.raises(ValueError, match=complaint):
        replace(forest, **change(forest))


def test_a_cycle_is_refused() -> None:
    two_splits = np.array([0, 0, -1, -1, -1], np.int32)
    with pytest.raises(ValueError, match="left"):
        Forest(
            n_features=1,
            max_samples=4,
            offset=0.0,
            tree_start=np.array([0, 5]),
            feature=two_splits,
            threshold=np.zeros(5),
            left=np.array([1, 0, -1, -1, -1], np.int32),
            right=np.array([2, 3, -1, -1, -1], np.int32),
            path_length=np.zeros(5),
        )


@pytest.mark.parametrize("name", ARRAY_DTYPES)
@pytest.mark.parametrize(
    "change",
    [
        lambda array: array.astype(np.float32),
        lambda array: array.astype(array.dtype.newbyteorder(">")),
        lambda array: array.astype(object),
        lambda array: array[None, :],
        lambda array: np.asfortranarray(np.stack([array, array])),
        lambda array: np.repeat(array, 2)[::2],
    ],
    ids=["float32", "big-endian", "objects", "2-D", "Fortran", "strided"],
)
def test_arrays_of_another_type_or_shape_are_refused(name: str, change: Callable[[Any], Any]) -> None:
    forest = a_forest()

    with pytest.raises(ValueError, match=name):
        replace(forest, **{name: change(getattr(forest, name))})


@pytest.mark.parametrize("name", [name for name in ARRAY_DTYPES if name != "tree_start"])
@pytest.mark.parametrize("n_nodes", [0, 3, 5])
def test_arrays_of_another_length_are_refused(name: str, n_nodes: int) -> None:
    forest = a_forest()

    changed_to: dict[str, Any] = {name: np.resize(getattr(forest, name), n_nodes)}

    with pytest.raises(ValueError, match="expected"):
        replace(forest, **changed_to)
