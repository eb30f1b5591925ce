"""How trees are laid out changes how they are walked, not what they say."""

import threading
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from vehicle_anomaly.core import fitting, kernel
from vehicle_anomaly.core.forest import LEAF, Forest, warm_up
from vehicle_anomaly.core.scoring_threads import ScoringThreads


@pytest.mark.parametrize("max_samples", [1, 2, 3, 17, 256, 700, 1024, 1025, 3000])
@pytest.mark.parametrize("n_readings", [1, 7, 8, 9, 63, 64, 65, 200])
def test_scores_are_scikit_learns_at_every_depth_and_number_of_readings(
    max_samples: int, n_readings: int
) -> None:
    random = np.random.default_rng(max_samples)
    learnt = random.normal(size=(3000, 5))
    estimator = IsolationForest(n_estimators=7, max_samples=max_samples, random_state=1).fit(learnt)
    X = random.normal(scale=2, size=(n_readings, 5))
    np.testing.assert_array_equal(fitting.flatten(estimator).score(X), estimator.decision_function(X))


def _walked(forest: Forest, value: float) -> float:
    """Path length of one reading of one feature, step by step as scikit-learn's `Tree.apply`."""
    node = 0
    while forest.feature[node] != LEAF:
        goes_left = np.float32(value) <= forest.threshold[node]
        node = int(forest.left[node] if goes_left else forest.right[node])
    return float(forest.path_length[node])


def test_a_value_goes_left_up_to_the_threshold_as_float32() -> None:
    """Splits at and around float32 values, at ties in float32 only, and beyond what float32 can hold."""
    tie = float(np.float32(0.1))
    for threshold in (0.1, tie, np.nextafter(tie, 0), np.nextafter(tie, 1), 0.0, -0.0, 1e300, -1e300, 1e-300):
        forest = Forest(
            n_features=1,
            max_samples=2,
            offset=0.0,
            tree_start=np.array([0, 3]),
            feature=np.array([0, LEAF, LEAF], np.int32),
            threshold=np.array([threshold, 0.0, 0.0]),
            left=np.array([1, LEAF, LEAF], np.int32),
            right=np.array([2, LEAF, LEAF], np.int32),
            path_length=np.array([0.0, 1.0, 2.0]),
        )
        beside = [np.nextafter(np.float32(tie), np.float32(side)) for side in (-1, 1)]
        values = [tie, 0.0, -0.0, *map(float, beside), 3e38, -3e38]
        # With c(2) = 1 and an offset of 0, a score is minus 2 to the power of minus the path length.
        expected = -np.power(2.0, [-_walked(forest, value) for value in values])
        np.testing.assert_array_equal(forest.score(np.array(values)[:, None]), expected)


def test_a_chain_of_splits_is_followed_to_its_end() -> None:
    length = 300
    chain = np.arange(2 * length + 1)
    is_leaf = (chain % 2 == 1) | (chain == 2 * length)
    forest = Forest(
        n_features=1,
        max_samples=2,
        offset=0.0,
        tree_start=np.array([0, chain.size]),
        feature=np.where(is_leaf, LEAF, 0).astype(np.int32),
        threshold=np.where(is_leaf, 0.0, chain / 2),
        left=np.where(is_leaf, LEAF, chain + 1).astype(np.int32),
        right=np.where(is_leaf, LEAF, chain + 2).astype(np.int32),
        path_length=np.where(is_leaf, chain / 100, 0.0),
    )
    values = [*range(0, length + 5, 7), length - 1, length, length + 1]
    expected = -np.power(2.0, [-_walked(forest, value) for value in values])
    np.testing.assert_array_equal(forest.score(np.array(values, np.float64)[:, None]), expected)


@pytest.mark.parametrize("layout", ["fortran", "read-only", "strided", "float32"])
def test_no_layout_of_the_readings_makes_the_kernel_compile_again(layout: str) -> None:
    warm_up()
    compiled = len(kernel.follow_many.signatures)
    forest = fitting.flatten(
        IsolationForest(n_estimators=3, random_state=1).fit(np.random.default_rng(0).normal(size=(300, 4)))
    )
    plain = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32).astype(np.float64)
    frozen = plain.copy()
    frozen.flags.writeable = False
    layouts: dict[str, Any] = {
        "fortran": np.asfortranarray(plain),
        "read-only": frozen,
        "strided": np.repeat(plain, 2, axis=0)[::2],
        "float32": plain.astype(np.float32),
    }
    np.testing.assert_array_equal(forest.score(layouts[layout]), forest.score(plain))
    assert len(kernel.follow_many.signatures) == compiled


@pytest.mark.parametrize("n_rows", [0, 1, 511, 512, 513, 2049, 10_000, 100_000])
@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_threads_share_every_row_once(n_rows: int, n_threads: int) -> None:
    done = np.zeros(n_rows, np.int64)

    def work(part: slice) -> None:
        done[part] += 1

    ScoringThreads(n_threads).share(n_rows, work)
    assert (done == 1).all()


@pytest.mark.parametrize("wrong", [0, 4096, 9_999])
def test_what_goes_wrong_in_a_thread_is_raised(wrong: int) -> None:
    def work(part: slice) -> None:
        if part.start <= wrong < part.stop:
            raise ArithmeticError(wrong)

    with pytest.raises(ArithmeticError):
        ScoringThreads(2).share(10_000, work)


def test_who_asks_does_all_the_work_while_the_others_are_busy() -> None:
    """A batch never waits for a larger one."""
    threads = ScoringThreads(2)
    begun, free = threading.Event(), threading.Event()
    mine = threading.get_ident()
    by: set[int] = set()

    def hold(part: slice) -> None:
        if threading.get_ident() != asking.ident:
            begun.set()
        free.wait(60)

    asking = threading.Thread(target=threads.share, args=(100_000, hold))
    asking.start()
    try:
        assert begun.wait(60)
        threads.share(10_000, lambda _: by.add(threading.get_ident()))
    finally:
        free.set()
        asking.join()
    assert by == {mine}
