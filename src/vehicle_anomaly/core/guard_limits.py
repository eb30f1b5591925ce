"""All limits of guards at one level of surprise, by the false-alarm rate that was asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.calibration import Tail, level_of
from vehicle_anomaly.core.contrast import contrast
from vehicle_anomaly.core.contrast_trees import ContrastTrees
from vehicle_anomaly.core.expectation import CELLS, cells
from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.screening import FAR
from vehicle_anomaly.core.silence import is_silence_unusual

_NEVER: Final = 1e9
"""A limit that no log-odds exceed."""


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What was learnt from a batch, and what is known of its readings by what was not fitted on them.

    Attributes:
        trees: Those that serve.
        X: Shape (n_readings, n_features).
        suspect: Shape (n_readings,): what the trees were grown without.
        weights: Shape (n_readings,): how likely each is healthy.
        logits: Shape (n_readings, n_guarded): log-odds of a contrast; -inf for a missing value.
        own: Shape as `logits`, by the trees that serve, which saw many of the readings.
        excess: As `X`: how far outside what all other stretches saw, as a share of its range; -inf where it
            is not beyond `FAR`.
        scores: Shape (n_readings,): anomaly scores.
        run: Shape (n_readings,): which readings follow one another closely.
        random_state: Seed.
    """

    trees: ContrastTrees
    X: NDArray[np.float64]
    suspect: NDArray[np.bool_]
    weights: NDArray[np.float64]
    logits: NDArray[np.float32]
    own: NDArray[np.float32]
    excess: NDArray[np.float64]
    scores: NDArray[np.float64]
    run: NDArray[np.int64]
    random_state: int

    def guards(self, false_alarm_rate: float) -> Guards:
        """Set all limits at one level of surprise.

        Args:
            false_alarm_rate: Share of healthy readings that may be called an anomaly.
        """
        X, weights, trees = self.X, self.weights, self.trees
        n_features, n_guarded = X.shape[1], trees.guarded.size
        tails, surprise = [], np.zeros(len(X))
        for column in self._measures():
            tail = Tail.of(column, weights)
            tails.append(tail)
            surprise = np.maximum(surprise, tail.of_new_runs(column, weights, self.run))
        speaking, rate = self._speaking(false_alarm_rate)
        level = level_of(surprise, weights * speaking, rate)
        limits = np.array([tail.limit(level) for tail in tails])
        contradiction = np.maximum(limits[:n_guarded], self._own_limits(level))
        contradiction[np.isneginf(contradiction)] = _NEVER
        margin = np.maximum(limits[n_guarded : n_guarded + n_features], FAR)
        low, high, lower, middle, upper = np.array([_spread_of(each) for each in self._healthy()]).T
        # A feature that never varied has no range to take a share of.
        room = margin * np.where(high > low, high - low, np.abs(high))
        silent = np.isnan(X).sum(axis=0)
        # However few the readings: a sensor that never was silent is expected to speak.
        always_there = (silent == 0) | (-np.log((silent + 1) / (len(X) + 1)) > level)
        cell_value, cell_log_share = self._cells()
        return Guards(
            trees=trees,
            isolation_limit=-float(limits[-1]),
            lowest=low - room,
            highest=high + room,
            median=np.ascontiguousarray(middle),
            spread=(upper - lower) / 2,
            always_there=always_there.astype(np.uint8),
            contradiction_limit=contradiction.astype(np.float32),
            cell_value=cell_value,
            cell_log_share=cell_log_share,
        )

    def _speaking(self, rate: float) -> tuple[NDArray[np.bool_], float]:
        """Tell which readings have a value, and what share of these may be called an anomaly.

        Where silence is unusual, whoever has no value is called one whatever the limits are, and has used up
        a part of the rate. Where it is usual, it is as healthy as all else.
        """
        n_readings = len(self.X)
        speaking = np.logical_not(np.isnan(self.X).all(axis=1))
        silent = n_readings - int(speaking.sum())
        if not is_silence_unusual(silent, n_readings, rate):
            return np.ones(n_readings, np.bool_), rate
        share = silent / n_readings
        return speaking, (rate - share) / (1 - share)

    def _measures(self) -> Iterator[NDArray[np.float64]]:
        """Yield what each detector says of the readings, one by one: all at once are many batches."""
        yield from (column.astype(np.float64) for column in self.logits.T)
        yield from self.excess.T
        for column in self.X.T:
            yield np.where(np.isnan(column), 0.0, -np.inf)
        yield -self.scores

    def _healthy(self) -> Iterator[NDArray[np.float64]]:
        """Yield feature by feature the values that are not suspected."""
        for column in self.X.T:
            yield column[~self.suspect]

    def _cells(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rng, guarded = np.random.default_rng(self.random_state), self.trees.guarded
        chosen = np.empty((2, guarded.size, CELLS), np.float32)
        for place, feature in enumerate(guarded.tolist()):
            known = self.X[~self.suspect & ~np.isnan(self.X[:, feature]), feature]
            chosen[:, place] = cells(known, contrast(known, rng))
        return chosen[0].ravel(), chosen[1].ravel()

    def _own_limits(self, level: float) -> NDArray[np.float64]:
        """Set limits that keep the trees that serve from raising alarms where they have been.

        Each growth has places of its own where it is wrong, such as between two cuts beside the speed at
        which a gear is changed: those that did not see a reading know nothing of them. What trees saw
        surprises them less, so as a rule these limits are the lower ones. Where sensors agree more closely
        than trees can tell, they are not: there such places hold more readings than may be alarms.
        """
        tails = (Tail.of(column.astype(np.float64), self.weights) for column in self.own.T)
        # Between what they said, and beyond it, they were not wrong.
        return np.array([tail.highest_calm(level) for tail in tails])


def _spread_of(values: NDArray[np.float64]) -> tuple[float, float, float, float, float]:
    """Return the lowest, the highest, and what 16, 50 and 84 % lie below."""
    lower, middle, upper = np.nanquantile(values, [0.16, 0.5, 0.84])
    return np.nanmin(values), np.nanmax(values), lower, middle, upper
