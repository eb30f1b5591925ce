"""Fitting guards: screen the batch, grow trees, and set limits on readings that are held out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import contrast_fitting, screening
from vehicle_anomaly.core.calibration import healthy_weights
from vehicle_anomaly.core.contrast_fitting import Growth
from vehicle_anomaly.core.contrast_trees import ContrastTrees
from vehicle_anomaly.core.errors import InvalidFalseAlarmRate
from vehicle_anomaly.core.guard_limits import Learnt
from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads
from vehicle_anomaly.core.screening import FAR
from vehicle_anomaly.core.stretches import folds, runs, stretches
from vehicle_anomaly.core.telemetry import TelemetryBatch

LEAST_FALSE_ALARM_RATE: Final = 0.0001
MOST_FALSE_ALARM_RATE: Final = 0.5
MIN_READINGS: Final = 100
"""Of fewer, nothing can be held out to set limits on: there are no guards."""
MIN_READINGS_FOR_TREES: Final = 500
"""Of fewer, trees learn little and say much: ranges, gaps and the forest are all there is."""
MOST_GUARDED: Final = 100
"""Features whose values are compared with the others'; of more, those that have the closest partners."""
MOST_PARTNERS: Final = 16
_N_FOLDS: Final = 4
_MOST_TREES: Final = 1_600
_FEWEST_TREES: Final = 16


@dataclass(frozen=True, slots=True)
class GuardParameters:
    """How guards are made.

    Attributes:
        false_alarm_rate: Share of healthy readings that may be called an anomaly, 0.0001 to 0.5.
        random_state: Seed, 0 to 2**32 - 1.

    Raises:
        InvalidFalseAlarmRate: It is none of these.
    """

    false_alarm_rate: float = 0.01
    random_state: int = 42

    def __post_init__(self) -> None:
        if not LEAST_FALSE_ALARM_RATE <= self.false_alarm_rate <= MOST_FALSE_ALARM_RATE:
            raise InvalidFalseAlarmRate(
                self.false_alarm_rate, f"{LEAST_FALSE_ALARM_RATE} to {MOST_FALSE_ALARM_RATE}"
            )
        if not 0 <= self.random_state < 2**32:
            raise ValueError(f"random_state: expected 0 to 4294967295, got {self.random_state}")


@dataclass(frozen=True, slots=True, eq=False)
class FittedGuards:
    """Guards, and what their limits were set on.

    Attributes:
        guards: The guards.
        scores: Shape (n_readings,): anomaly scores by forests that did not see the reading.
        weights: Shape (n_readings,): how likely each reading is healthy.
    """

    guards: Guards
    scores: NDArray[np.float64]
    weights: NDArray[np.float64]


def fit(
    batch: TelemetryBatch,
    held_out_scores: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    parameters: GuardParameters,
    threads: ScoringThreads = THIS_THREAD,
) -> FittedGuards | None:
    """Fit guards to a batch.

    Args:
        batch: What to learn; each feature has at least one value.
        held_out_scores: From the fold of each reading to the anomaly scores by forests that were grown
            without that fold.
        parameters: How.
        threads: Where trees are grown; whatever their number, the same batch gives the same guards.

    Returns:
        The guards; None when there are too few readings.
    """
    learnt = learn(batch, held_out_scores, parameters.random_state, threads)
    if learnt is None:
        return None
    return FittedGuards(learnt.guards(parameters.false_alarm_rate), learnt.scores, learnt.weights)


def learn(
    batch: TelemetryBatch,
    held_out_scores: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    random_state: int,
    threads: ScoringThreads = THIS_THREAD,
) -> Learnt | None:
    """Learn from a batch all that guards of any false-alarm rate are made of; else as `fit`."""
    if len(batch.values) < MIN_READINGS:
        return None
    stretch = stretches(batch.vehicle_ids, batch.timestamps)
    # As scoring sees them.
    X = batch.values.astype(np.float32).astype(np.float64)
    # Zeros without a sign: which of both a minimum or a sorting finds differs from processor to processor.
    X += 0.0
    rng = np.random.default_rng(random_state)
    far = screening.far_values(X, stretch)
    near = np.where(far, np.nan, X)
    guarded, chosen = _guarded(near, rng)
    rarity = screening.rarity(near, guarded, rng)

    def grow(rows: NDArray[np.float64], growth: Growth) -> ContrastTrees:
        return contrast_fitting.grow(rows, guarded, chosen, growth, rng, threads)

    is_far = far.any(axis=1)
    suspect = is_far | _contradictory(near, grow)
    rarity = rarity[suspect]
    # Each is as large as the batch.
    del near, far
    growth = Growth(trees=int(np.clip(_MOST_TREES // max(guarded.size, 1), _FEWEST_TREES, Growth().trees)))
    fold = folds(stretch, batch.vehicle_ids, _N_FOLDS)
    scores = held_out_scores(fold)
    logits = np.empty((len(X), guarded.size), np.float32)
    for each in np.unique(fold).tolist():
        held = fold == each
        logits[held] = grow(X[~held & ~suspect], growth).logits(X[held], threads)
    trees = grow(X[~suspect], growth)
    own = trees.logits(X, threads)
    missing = np.isnan(X[:, guarded])
    logits[missing] = own[missing] = -np.inf
    weights = healthy_weights(logits[suspect] - rarity, suspect) * ~is_far
    return Learnt(
        trees,
        X,
        suspect,
        weights,
        logits,
        own,
        _held_out_excess(X, suspect, stretch),
        scores,
        runs(stretch, batch.timestamps),
        random_state,
    )


def _guarded(
    X: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int32], list[NDArray[np.int64]]]:
    """Choose the features that are compared with others, and those others."""
    if len(X) < MIN_READINGS_FOR_TREES:
        return np.empty(0, np.int32), []
    chosen, closeness = contrast_fitting.partners(X, MOST_PARTNERS, rng)
    varies = np.nanmax(X, axis=0) > np.nanmin(X, axis=0)
    known = (~np.isnan(X)).mean(axis=0) >= 0.1
    closeness = np.where(varies & known, closeness, -np.inf)
    order = np.argsort(-closeness, kind="stable")[:MOST_GUARDED]
    return np.sort(order[np.isfinite(closeness[order])]).astype(np.int32), chosen


def _contradictory(
    near: NDArray[np.float64], grow: Callable[[NDArray[np.float64], Growth], ContrastTrees]
) -> NDArray[np.bool_]:
    """Look twice: what was seen at first no longer hides what looks like it."""
    suspect = screening.contradictory(near, grow)
    suspect[~suspect] = screening.contradictory(near[~suspect], grow)
    return suspect


def _held_out_excess(
    X: NDArray[np.float64], suspect: NDArray[np.bool_], stretch: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Say how far each value is outside what all other stretches saw, as a share of their range.

    Returns:
        Shape as `X`; -inf where it is not beyond `FAR`.
    """
    n_stretches = int(stretch.max()) + 1
    lowest = np.full((n_stretches + 2, X.shape[1]), np.inf)
    highest = np.full((n_stretches + 2, X.shape[1]), -np.inf)
    healthy = ~suspect
    np.fmin.at(lowest, stretch[healthy] + 1, X[healthy])
    np.fmax.at(highest, stretch[healthy] + 1, X[healthy])
    # All stretches before and all after, of each.
    low = np.minimum(np.minimum.accumulate(lowest)[:-2], np.minimum.accumulate(lowest[::-1])[::-1][2:])
    high = np.maximum(np.maximum.accumulate(highest)[:-2], np.maximum.accumulate(highest[::-1])[::-1][2:])
    excess = np.empty(X.shape)
    # A feature at a time: what is worked out in between is several times as large.
    for each, values in enumerate(X.T):
        lowest_other, highest_other = low[stretch, each], high[stretch, each]
        with np.errstate(invalid="ignore", divide="ignore"):
            beyond = np.maximum(lowest_other - values, values - highest_other)
            beyond /= highest_other - lowest_other
            excess[:, each] = np.where((beyond > FAR) & np.isfinite(beyond), beyond, -np.inf)
    return excess
