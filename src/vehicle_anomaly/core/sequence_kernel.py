"""The look at every step of a batch, compiled: it is the one that reads all of it, and copies nothing."""

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(nogil=True, cache=True)
def moved_within(
    bits: NDArray[np.int64],
    order: NDArray[np.intp],
    begins: NDArray[np.intp],
    steps: int,
    moved: NDArray[np.bool_],
) -> None:
    """Tell which signal moved in which stretch: its value differs from the one before, bit by bit.

    It does not check its arrays: who calls it has done so.

    Args:
        bits: Shape (n_readings, n_features): the values as integers.
        order: Row numbers, position by position; empty when the rows are in this order already.
        begins: Shape (n_stretches,): the position that each stretch begins at; `steps` more are there.
        steps: Of a stretch, at least 1.
        moved: Shape (n_stretches, n_features), all false; set in place.
    """
    for stretch in range(begins.shape[0]):
        begin = begins[stretch]
        before = order[begin] if order.shape[0] else begin
        for position in range(begin + 1, begin + steps + 1):
            row = order[position] if order.shape[0] else position
            for column in range(bits.shape[1]):
                moved[stretch, column] |= bits[row, column] != bits[before, column]
            before = row
