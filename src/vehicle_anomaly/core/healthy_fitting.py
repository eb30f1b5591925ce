"""Learning how healthy readings score, from training readings as if they were new."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import fitting
from vehicle_anomaly.core.forest import Forest
from vehicle_anomaly.core.guard_fitting import MIN_READINGS, FittedGuards
from vehicle_anomaly.core.healthy_scores import HealthyScores
from vehicle_anomaly.core.stretches import folds, stretches
from vehicle_anomaly.core.telemetry import TelemetryBatch

_MOST_READINGS: Final = 50_000
"""Of more, as many are drawn at random: the share 0.001 is known to a seventh."""
_N_FOLDS: Final = 4

HeldOutScores = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""From the fold of each reading to anomaly scores by forests that were grown without that fold."""


@dataclass(frozen=True, slots=True)
class Healthy:
    """How healthy readings score.

    Attributes:
        scores: What percentiles are looked up in; None when there were too few readings.
        n_readings: Readings that it was learned from; None as `scores`.
    """

    scores: HealthyScores | None
    n_readings: int | None

    @classmethod
    def by_guards(cls, fitted: FittedGuards) -> Self:
        """Learn it from what the limits of guards were set on, by how likely each reading is healthy."""
        return cls._of(fitted.scores, fitted.weights)

    @classmethod
    def by_the_forest(
        cls,
        batch: TelemetryBatch,
        medians: NDArray[np.float64],
        grown: tuple[Forest, Any],
        held_out_scores: HeldOutScores,
        random_state: int,
    ) -> Self:
        """Learn it where there are no guards: of each reading, from the trees that were not grown on it.

        Args:
            batch: What was learned.
            medians: Shape (n_features,): what stands in for a missing reading.
            grown: The forest, and the estimator that it was taken from.
            held_out_scores: Scores a small batch, of which each tree has seen too much.
            random_state: Seed.
        """
        forest, estimator = grown
        n_readings = len(batch.values)
        if n_readings < MIN_READINGS:
            return cls(None, None)
        if n_readings < 2 * forest.max_samples:
            stretch = stretches(batch.vehicle_ids, batch.timestamps)
            scores = held_out_scores(folds(stretch, batch.vehicle_ids, _N_FOLDS))
        else:
            rows = np.arange(n_readings)
            if n_readings > _MOST_READINGS:
                random = np.random.default_rng(random_state)
                rows = np.sort(random.choice(n_readings, _MOST_READINGS, replace=False))
            values = batch.values
            scores = fitting.out_of_bag_scores(values, medians, forest, estimator, rows) - forest.offset
        # NaN, where no tree is left that has not seen the reading.
        return cls._of(scores, np.isfinite(scores).astype(np.float64))

    @classmethod
    def _of(cls, scores: NDArray[np.float64], weights: NDArray[np.float64]) -> Self:
        counted = weights > 0
        if not counted.any():
            return cls(None, None)
        return cls(HealthyScores.of(scores[counted], weights[counted]), int(counted.sum()))
