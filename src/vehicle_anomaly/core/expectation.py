"""What the other sensors lead one to expect of one: its distribution, given theirs."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

CELLS: Final = 32
"""Values of a feature that are tried."""

_MIDDLE: Final = (0.16, 0.5, 0.84)
"""One standard deviation either way, for a normal distribution."""


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What is to be expected of features, in their units.

    Attributes:
        value: The median.
        spread: Half the range of the middle 68 %: one standard deviation, for a normal distribution.
    """

    value: NDArray[np.float64]
    spread: NDArray[np.float64]


def conditional(
    logits: NDArray[np.float64], values: NDArray[np.float64], log_share: NDArray[np.float64]
) -> Expected:
    """Turn what trees say of each value that a feature could have into what is to be expected of it.

    The trees tell the density of contrasts over that of real readings, and the density of contrasts is known:
    so that of real readings is, too.

    Args:
        logits: Shape (n_readings, CELLS): log-odds of a contrast at each value.
        values: Shape (CELLS,): ascending.
        log_share: Shape (CELLS,): logarithm of the share of contrasts near each value.

    Returns:
        Arrays of shape (n_readings,).
    """
    log_density = log_share - logits
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    below = np.cumsum(density, axis=1)
    # Half of a cell's weight is below its value.
    below = (below - density / 2) / below[:, -1:]
    low, median, high = (_where(below, level, values) for level in _MIDDLE)
    return Expected(median, (high - low) / 2)


def _where(below: NDArray[np.float64], level: float, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate the value below which is a share `level`, in each row."""
    after = np.clip((below < level).sum(axis=1), 1, below.shape[1] - 1)
    rows = np.arange(len(below))
    before_share, after_share = below[rows, after - 1], below[rows, after]
    step = np.maximum(after_share - before_share, 1e-12)
    part = np.clip((level - before_share) / step, 0, 1)
    interpolated: NDArray[np.float64] = values[after - 1] + part * (values[after] - values[after - 1])
    return interpolated


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
