"""The least limit of a contradiction, compiled: one answer for all who judge, be it many readings or one."""

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(nogil=True, cache=True)
def least_limit(values: NDArray[np.floating]) -> float:
    """Return the log-odds that a contradiction has to exceed at least, whatever its own limit is.

    Where sensors agree closely, a limit can be negative: a value is then told from the others though it is
    likelier real than not. That is so of complete readings, which limits are set on. Where a value is
    missing, or not believed, those that are left are less sure of each other: to accuse one of them, it must
    be likelier wrong than right.

    Args:
        values: Shape (n_features,): of one reading; NaN for what is missing or not believed.
    """
    for each in range(values.shape[0]):
        if np.isnan(values[each]):
            return 0.0
    return -np.inf
