"""What the other sensors lead one to expect of one: its distribution, given theirs."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

CELLS: Final = 32
"""Values of a feature that are tried."""


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What is to be expected of features, in their units.

    Attributes:
        value: The median.
        spread: Half the range of the middle 68 %: one standard deviation, for a normal distribution.
    """

    value: NDArray[np.float64]
    spread: NDArray[np.float64]


def cells(
    values: NDArray[np.float64], contrasts: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Choose the values that are tried: half at quantiles of training, half evenly over its range.

    Args:
        values: Shape (n_readings,): of training, no NaN.
        contrasts: Shape (n_contrasts,): contrasts of them.

    Returns:
        The values and the logarithms of the shares of contrasts near each, both of shape (CELLS,).
    """
    at_quantiles = np.quantile(values, np.linspace(0, 1, CELLS // 2), method="nearest")
    evenly = np.linspace(values.min(), values.max(), CELLS // 2 + 2)[1:-1]
    tried = np.sort(np.concatenate([at_quantiles, evenly])).astype(np.float32)
    edges = (tried[1:] + tried[:-1]) / 2
    share = np.bincount(np.searchsorted(edges, contrasts), minlength=CELLS) + 0.5
    # Values that stand twice share what is near them.
    first = np.searchsorted(tried, tried, side="left")
    times = np.bincount(first, minlength=CELLS)[first]
    together = np.bincount(first, weights=share, minlength=CELLS)[first]
    return tried, np.log(together / times / share.sum()).astype(np.float32)
