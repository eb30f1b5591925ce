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
        reached: Shape (n_different,): how much the readings count that have such a measure or a higher one.
        total: How much all count, and one more: the new one.
    """

    ordered: NDArray[np.float64]
    reached: NDArray[np.float64]
    total: float

    @classmethod
    def of(cls, measures: NDArray[np.float64], weights: NDArray[np.float64]) -> Self:
        """Learn it.

        Args:
            measures: Shape (n_readings,): the higher, the more telling; -inf where there is none.
            weights: Shape (n_readings,): how much each reading counts, 0 to 1.
        """
        order = np.argsort(measures, kind="stable")
        ordered, first = np.unique(measures[order], return_index=True)
        return cls(ordered, np.cumsum(weights[order][::-1])[::-1][first], float(weights.sum()) + 1)

    def __call__(self, measures: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give measures that were held out their surprise, as if each had been the new one; 0 for -inf.

        It is minus the logarithm of the share of readings that reach the measure. Of n others, k - 1 do where
        it is the k-th highest: so new ones are expected to, with k / (n + 1).
        """
        told = self._surprise()[np.searchsorted(self.ordered, measures)]
        return np.where(np.isneginf(measures), 0.0, told)

    def of_new_runs(
        self, measures: NDArray[np.float64], weights: NDArray[np.float64], run: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Give what the tail was learnt from its surprise, as if each and all of its run had been new.

        Readings that follow one another closely are nearly the same. Where the highest of all are of one run,
        each of them has reached what none of the others has: to a new run, they would be no warning.

        Args:
            measures: Shape (n_readings,): those that the tail was learnt from.
            weights: Shape (n_readings,): as it was.
            run: Shape (n_readings,): number of the run of each.
        """
        surprise = np.zeros(len(measures))
        known = np.flatnonzero(~np.isneginf(measures))
        order = known[np.lexsort((-measures[known], run[known]))]
        measured, numbers = measures[order], run[order]
        goes_on = numbers[1:] == numbers[:-1]
        begins = np.flatnonzero(np.append(True, ~goes_on)[: order.size])
        counted = np.append(0.0, np.cumsum(weights[order]))
        # Of equal ones in a run, all have reached what each has.
        last = np.append(~goes_on | (measured[1:] != measured[:-1]), True)[: order.size]
        reached = counted[1:][last][np.cumsum(last) - last]
        own = reached - np.repeat(counted[begins], np.diff(np.append(begins, order.size)))
        others = np.maximum(self.reached[np.searchsorted(self.ordered, measured)] - own, 0)
        surprise[order] = -np.log((others + 1) / self.total)
        return surprise

    def limit(self, level: float) -> float:
        """Return the measure that is no alarm yet at a level of surprise; -inf if all are.

        Between two that were held out, it lies on a straight line. Beyond all of them, the tail goes on as an
        exponential one would, as steep as its last readings are.
        """
        known = np.isfinite(self.ordered)
        ordered, surprise = self.ordered[known], self._surprise()[known]
        if not ordered.size or level < surprise[0]:
            return -np.inf
        if level <= surprise[-1]:
            return float(np.interp(level, surprise, ordered))
        last = ordered[-_LAST:]
        # The mean excess over the first of them is the scale of an exponential tail (Hill 1975, for
        # logarithms). The highest alone would tell less.
        scale = float(np.mean(last[1:] - last[0])) if last.size > 1 else abs(float(ordered[-1]))
        beyond = np.log(last.size) + level - np.log(self.total)
        return max(float(ordered[-1]), float(last[0] + scale * beyond))

    def highest_calm(self, level: float) -> float:
        """Return the highest of the measures that is no alarm at a level of surprise; -inf for none."""
        calm = int(np.searchsorted(self._surprise(), level, side="right"))
        return float(self.ordered[calm - 1]) if calm else -np.inf

    def _surprise(self) -> NDArray[np.float64]:
        surprise: NDArray[np.float64] = -np.log(np.maximum(self.reached, 1) / self.total)
        return surprise


def level_of(surprise: NDArray[np.float64], weights: NDArray[np.float64], false_alarm_rate: float) -> float:
    """Choose the level of surprise that a share of healthy readings exceeds.

    Args:
        surprise: Shape (n_readings,): of held-out readings, the highest of all detectors.
        weights: Shape (n_readings,): how much each counts.
        false_alarm_rate: The share.
    """
    order = np.argsort(-surprise, kind="stable")
    different, first = np.unique(-surprise[order], return_index=True)
    share = np.cumsum(weights[order])[np.append(first[1:], len(order)) - 1] / weights.sum()
    # Each detector has its own most surprising reading. With many detectors, or few readings, the step from
    # one rank of all to the next is larger than the rate. Between ranks, and beyond the first, what each
    # detector lets pass goes with what all of them do.
    passed = np.interp(false_alarm_rate, np.append(0, share), np.append(0, np.exp(different)))
    return -float(np.log(passed))


def healthy_weights(logits: NDArray[np.float64], suspect: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Say how likely each reading is healthy, where a screening suspected some.

    By Bayes' rule: a suspect is healthy, or a contrast of one sensor, any of them alike. Before it is looked
    at, it is a contrast with a chance of 4 %.

    Args:
        logits: Shape (n_suspects, n_guarded): log-odds of a contrast, by trees that did not see the suspect.
        suspect: Shape (n_readings,): no other reading is doubted.

    Returns:
        Shape (n_readings,): 1 for those that are not suspected.
    """
    weights = np.ones(len(suspect))
    if logits.size:
        odds = _FAULTY / (1 - _FAULTY) * np.exp(np.clip(logits, -20, 20)).mean(axis=1)
        weights[suspect] = 1 / (1 + odds)
    return weights
