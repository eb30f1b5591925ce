"""Limits by false-alarm rate: one level for all detectors, from readings that they were not fitted on."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

_FAULTY: Final = 0.04
"""The chance that a suspect is faulty before it is looked at: twice the share that a batch may hold, for to
take a fault for healthy costs more than the reverse."""
_LAST: Final = 20
"""Held-out readings that tell how a tail goes on."""


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """How rare a measure is among held-out readings.

    Attributes:
        ordered: Shape (n_different,): the measures that were held out, ascending.
        surprise: Shape (n_different,): minus the logarithm of the share of readings with such a measure or
            a higher one.
    """

    ordered: NDArray[np.float64]
    surprise: NDArray[np.float64]

    @classmethod
    def of(cls, measures: NDArray[np.float64], weights: NDArray[np.float64]) -> Self:
        """Learn it.

        Args:
            measures: Shape (n_readings,): the higher, the more telling; -inf where there is none.
            weights: Shape (n_readings,): how much each reading counts, 0 to 1.
        """
        order = np.argsort(measures, kind="stable")
        ordered, first = np.unique(measures[order], return_index=True)
        beyond = np.cumsum(weights[order][::-1])[::-1][first]
        return cls(ordered, -np.log((beyond + 1) / (weights.sum() + 1)))

    def __call__(self, measures: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give measures that were held out their surprise; 0 for -inf."""
        told = self.surprise[np.searchsorted(self.ordered, measures)]
        return np.where(np.isneginf(measures), 0.0, told)

    def limit(self, level: float) -> float:
        """Return the highest measure that is no alarm at a level of surprise; -inf if all are.

        Beyond all that was held out, the tail goes on as an exponential one would, as steep as its last
        readings are.
        """
        calm = int(np.searchsorted(self.surprise, level, side="right"))
        if calm == 0:
            return -np.inf
        highest = float(self.ordered[calm - 1])
        if calm < self.ordered.size or not np.isfinite(highest):
            return highest
        last = self.ordered[-_LAST:]
        last = last[np.isfinite(last)]
        # The mean excess over the first of them is the scale of an exponential tail (Hill 1975, for
        # logarithms). The highest alone would tell less.
        scale = float(np.mean(last[1:] - last[0])) if last.size > 1 else abs(highest)
        beyond = level - float(self.surprise[-1])
        return max(highest, float(last[0] + scale * (np.log(last.size) + beyond)))


def level_of(surprise: NDArray[np.float64], weights: NDArray[np.float64], false_alarm_rate: float) -> float:
    """Choose the level of surprise that a share of healthy readings exceeds.

    Args:
        surprise: Shape (n_readings,): of held-out readings, the highest of all detectors.
        weights: Shape (n_readings,): how much each counts.
        false_alarm_rate: The share.
    """
    highest = float(surprise.max())
    tied = float(weights[surprise >= highest].sum() / weights.sum())
    if tied > false_alarm_rate:
        # Each detector has its own most surprising reading; with many detectors, these alone are too many.
        return highest + float(np.log(tied / false_alarm_rate))
    order = np.argsort(surprise, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    place = int(np.searchsorted(share, 1 - false_alarm_rate))
    return float(surprise[order[min(place, len(order) - 1)]])


def healthy_weights(logits: NDArray[np.float64], suspect: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Say how likely each reading is healthy, where a screening suspected some.

    By Bayes' rule: a suspect is healthy, or a contrast of one sensor, any of them alike. Before it is looked
    at, it is a contrast with a chance of 4 %.

    Args:
        logits: Shape (n_readings, n_guarded): log-odds of a contrast, by trees that did not see the reading.
        suspect: Shape (n_readings,): no other reading is doubted.

    Returns:
        Shape (n_readings,): 1 for those that are not suspected.
    """
    weights = np.ones(len(suspect))
    if suspect.any() and logits.shape[1]:
        odds = _FAULTY / (1 - _FAULTY) * np.exp(np.clip(logits[suspect], -20, 20)).mean(axis=1)
        weights[suspect] = 1 / (1 + odds)
    return weights
