"""What a batch says of each feature: range, quantiles, distribution, share missing."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.histogram import Histogram

QUANTILE_LEVELS: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)

MAX_SAMPLE: Final = 50_000
"""Readings that quantiles are taken from at most: the ranks are then off by some 0.2 % of the readings."""
MIN_SAMPLE: Final = 2_000
MAX_SAMPLE_CELLS: Final = 1_500_000

_DECILES: Final = np.arange(1, 10) / 10
_N_BINS: Final = 24
_WIDE: Final = 512
# The outermost bars of a histogram hold what lies beyond: a single value far away would leave one bar.
_SHOWN: Final = (0.005, 0.995)


@dataclass(frozen=True, slots=True)
class FeatureSummary:
    """What the training readings say of one feature. All but counts is in the feature's own unit.

    Attributes:
        feature: Its name, or its position where features have no names.
        minimum: Of all readings.
        maximum: Of all readings.
        median: Of all readings; what stands in for a missing one.
        quantiles: At `QUANTILE_LEVELS`, of the sample.
        distinct: Different values in the sample.
        missing: Readings without a value.
        missing_share: Their share of all readings, 0 to 1.
        histogram: Of the sample, from its 0.5 % to its 99.5 % quantile.
        cuts: What the bins for comparing with later batches end in, ascending: the deciles of the sample,
            each once; after the last comes one more, without an end.
        shares: Share of the sample's values in each of those bins; their sum is 1.
    """

    feature: int | str
    minimum: float
    maximum: float
    median: float
    quantiles: tuple[float, ...]
    distinct: int
    missing: int
    missing_share: float
    histogram: Histogram
    cuts: tuple[float, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        numbers = (self.minimum, self.maximum, self.median, *self.quantiles, *self.cuts, *self.shares)
        if not all(map(math.isfinite, numbers)):
            raise ValueError("expected finite numbers")
        if not self.minimum <= self.median <= self.maximum:
            raise ValueError("expected the median between minimum and maximum")
        if len(self.quantiles) != len(QUANTILE_LEVELS) or len(self.shares) != len(self.cuts) + 1:
            raise ValueError("expected a quantile for each level and one share more than cuts")
        if not 0 <= self.missing_share <= 1:
            raise ValueError(f"missing_share: expected 0 to 1, got {self.missing_share}")


def sample_rows(n_readings: int, n_features: int, largest: int = MAX_SAMPLE) -> NDArray[np.intp] | None:
    """Choose the readings that quantiles are taken from; None where all of them are.

    One of each stretch of equal length, at random within it but always the same: chosen at a fixed distance,
    they could all be of one vehicle.
    """
    size = min(largest, max(MIN_SAMPLE, MAX_SAMPLE_CELLS // n_features))
    if n_readings <= size:
        return None
    edges = np.linspace(0, n_readings, size + 1).astype(np.intp)
    within = np.random.default_rng(0).random(size) * np.diff(edges)
    return edges[:-1] + within.astype(np.intp)


def summaries(
    values: NDArray[np.float64],
    medians: NDArray[np.float64],
    labels: Sequence[int | str],
) -> Iterator[tuple[FeatureSummary, NDArray[np.float64]]]:
    """Summarise each feature: minimum, maximum, median and what is missing exactly, the rest on a sample.

    Args:
        values: Shape (n_readings, n_features); NaN is a missing reading; each feature has at least one value.
        medians: Shape (n_features,).
        labels: Name or position of each feature.

    Yields:
        The summary of a feature, and the sample it is of, ascending.
    """
    n_readings, n_features = values.shape
    minima, maxima, missing = _extremes(values)
    rows = sample_rows(n_readings, n_features)
    # A copy, but of the sample. A row is read at once: one column after another would read it many times.
    sample = np.array((values if rows is None else values[rows]).T, order="C")
    # Zeros without a sign: which comes first differs between processors.
    sample += 0.0
    sample.sort(axis=1)  # NaN comes last
    for column, label in enumerate(labels):
        ordered = sample[column]
        ordered = ordered[: np.searchsorted(ordered, np.inf, side="right")]
        if not len(ordered):
            # The few readings that have a value are not in the sample.
            ordered = medians[column : column + 1]
        summary = _summary(
            ordered,
            label,
            (float(minima[column]), float(maxima[column]), float(medians[column])),
            int(missing[column]),
            int(missing[column]) / n_readings,
        )
        yield summary, ordered


def _extremes(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Return minimum, maximum and how many are missing, of each feature."""
    minima, maxima = _reduced(np.minimum, values), _reduced(np.maximum, values)
    missing = np.zeros(len(minima), np.intp)
    for column in np.flatnonzero(np.isnan(minima)).tolist():
        of_column = values[:, column]
        minima[column], maxima[column] = np.fmin.reduce(of_column), np.fmax.reduce(of_column)
        missing[column] = np.count_nonzero(np.isnan(of_column))
    return minima + 0.0, maxima + 0.0, missing


def _reduced(function: np.ufunc, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reduce each column, several rows at a time: NumPy is slow along rows as short as these."""
    n_readings, n_features = values.shape
    together = max(1, _WIDE // n_features)
    whole = n_readings // together * together
    reduced: NDArray[np.float64]
    if not values.flags.c_contiguous or not whole:
        reduced = function.reduce(values, axis=0)
        return reduced
    wide = function.reduce(values[:whole].reshape(-1, together * n_features), axis=0)
    rest = values[whole:]
    reduced = function.reduce(np.concatenate([wide.reshape(together, n_features), rest]), axis=0)
    return reduced


def bin_shares(ordered: NDArray[np.float64], cuts: Sequence[float]) -> tuple[float, ...]:
    """Return which share of ascending values lies up to each cut and after the one before; and beyond."""
    upto = np.concatenate([[0], np.searchsorted(ordered, cuts, side="right"), [len(ordered)]])
    shares: list[float] = (np.diff(upto) / len(ordered)).tolist()
    return tuple(shares)


def _summary(
    ordered: NDArray[np.float64],
    label: int | str,
    exact: tuple[float, float, float],
    missing: int,
    missing_share: float,
) -> FeatureSummary:
    # Values that were measured, never between two: `-1e38` and `1e38` have nothing that is finite between.
    ranks = np.array([*QUANTILE_LEVELS, *_DECILES, *_SHOWN]) * (len(ordered) - 1)
    measured = ordered[np.round(ranks).astype(np.intp)]
    quantiles, deciles = measured[: len(QUANTILE_LEVELS)], measured[len(QUANTILE_LEVELS) : -2]
    low, high = measured[-2:].tolist()
    cuts = np.unique(deciles)
    if cuts[0] == ordered[0]:
        # Or else what is smaller than ever before would count as the same.
        cuts = np.concatenate([[np.nextafter(cuts[0], -np.inf)], cuts])
    minimum, maximum, median = exact
    return FeatureSummary(
        feature=label,
        minimum=minimum,
        maximum=maximum,
        median=median,
        quantiles=tuple(quantiles.tolist()),
        distinct=1 + int(np.count_nonzero(ordered[1:] != ordered[:-1])),
        missing=missing,
        missing_share=missing_share,
        histogram=Histogram.of(ordered, low, high, _N_BINS),
        cuts=tuple(cuts.tolist()),
        shares=bin_shares(ordered, cuts.tolist()),
    )
