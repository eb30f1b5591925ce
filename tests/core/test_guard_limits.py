"""Limits of guards: what they are set on."""

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.contrast_trees import ContrastTrees
from vehicle_anomaly.core.guard_limits import Learnt

N_READINGS = 10_000


def learnt(own: NDArray[np.float64]) -> Learnt:
    """Trees of one feature that say `own` of readings of which others, held out, say what is harmless."""
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(N_READINGS, 1))
    trees = ContrastTrees(
        n_features=1,
        depth=1,
        guarded=np.zeros(1, np.int32),
        tree_start=np.array([0, 1]),
        split_feature=np.zeros(1, np.int32),
        split_threshold=np.zeros(1, np.float32),
        leaf=np.zeros(2, np.float32),
    )
    held_out = rng.uniform(-3, 1, (N_READINGS, 1))
    nothing = np.full_like(X, -np.inf)
    return Learnt(
        trees,
        X,
        np.zeros(N_READINGS, bool),
        np.ones(N_READINGS),
        held_out.astype(np.float32),
        own.astype(np.float32),
        nothing,
        -X[:, 0],
        np.arange(N_READINGS),
        42,
    )


def test_trees_that_are_wrong_where_they_have_been_get_a_limit_beyond_it() -> None:
    own = np.full((N_READINGS, 1), -3.0)
    own[::200] = 6.0

    assert learnt(own).guards(0.001).contradiction_limit[0] >= 6.0
    # Of 5 %, half a per cent is a small part.
    assert learnt(own).guards(0.05).contradiction_limit[0] < 1.0


def test_trees_may_be_wrong_where_they_have_been_as_often_as_all_others_and_no_oftener() -> None:
    own = np.full((N_READINGS, 1), -3.0)
    # Of 1 %, this detector has a half.
    own[::150] = 6.0

    assert learnt(own).guards(0.01).contradiction_limit[0] >= 6.0


def test_trees_that_know_what_they_saw_too_well_leave_the_limit_to_what_was_held_out() -> None:
    own = np.full((N_READINGS, 1), -3.0)

    assert 0.9 < learnt(own).guards(0.01).contradiction_limit[0] < 1.0
