"""The compiled look at every step, beside NumPy's."""

import numpy as np
import pytest

from vehicle_anomaly.core import sequence_kernel

STEPS = 4


@pytest.mark.parametrize("shuffled", [False, True], ids=["in order", "in another order"])
def test_a_signal_has_moved_where_any_step_of_the_stretch_differs(shuffled: bool) -> None:
    chance = np.random.default_rng(5)
    # Few steps: most stretches of most signals stand.
    in_order = np.cumsum(chance.random((400, 3)) < [0.02, 0.2, 0.0], axis=0).astype(np.float64)
    in_order[100:200, 2] = np.nan
    in_order[150, 2] = 1.0
    order = chance.permutation(400) if shuffled else np.empty(0, np.intp)
    values = in_order[np.argsort(order)] if shuffled else in_order
    begins = np.array([0, 4, 12, 148, 152, 395])
    moved = np.zeros((len(begins), 3), np.bool_)
    sequence_kernel.moved_within(values.view(np.int64), order, begins, STEPS, moved)
    for stretch, begin in enumerate(begins.tolist()):
        rows = in_order[begin : begin + STEPS + 1].view(np.int64)
        assert moved[stretch].tolist() == (rows != rows[0]).any(axis=0).tolist()
    assert moved.any()
    assert not moved.all()
