"""Fitting guards: screen the batch, grow trees, and set limits on readings that are held out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import contrast_fitting, screening
from vehicle_anomaly.core.calibration import Tail, healthy_weights, level_of
from vehicle_anomaly.core.contrast import contrast
from vehicle_anomaly.core.contrast_fitting import Growth
from vehicle_anomaly.core.contrast_trees import ContrastTrees
from vehicle_anomaly.core.errors import InvalidFalseAlarmRate
from vehicle_anomaly.core.expectation import CELLS, cells
from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.screening import FAR
from vehicle_anomaly.core.stretches import folds, stretches
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
_OWN_SHARE: Final = 2.0
_NEVER: Final = 1e9
"""A limit that no log-odds exceed."""


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


@dataclass(frozen=True, slots=True, eq=False)
class _HeldOut:
    """What is known of readings by what was not fitted on them.

    Attributes:
        X: Shape (n_readings, n_features).
        logits: Shape (n_readings, n_guarded): log-odds of a contrast; -inf for a missing value.
        own: Shape as `logits`, by the trees that serve, which saw many of the readings.
        excess: As `X`: what `_held_out_excess` gave.
        scores: Shape (n_readings,): anomaly scores.
        weights: Shape (n_readings,): how likely each is healthy.
    """

    X: NDArray[np.float64]
    logits: NDArray[np.float64]
    own: NDArray[np.float64]
    excess: NDArray[np.float64]
    scores: NDArray[np.float64]
    weights: NDArray[np.float64]


def fit(
    batch: TelemetryBatch,
    held_out_scores: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    parameters: GuardParameters,
) -> FittedGuards | None:
    """Fit guards to a batch.

    Args:
        batch: What to learn; each feature has at least one value.
        held_out_scores: From the fold of each reading to the anomaly scores by forests that were grown
            without that fold.
        parameters: How.

    Returns:
        The guards; None when there are too few readings.
    """
    values = batch.values
    if len(values) < MIN_READINGS:
        return None
    stretch = stretches(batch.vehicle_ids, batch.timestamps)
    # As scoring sees them.
    X = values.astype(np.float32).astype(np.float64)
    rng = np.random.default_rng(parameters.random_state)
    far = screening.far_values(X, stretch)
    near = np.where(far, np.nan, X)
    guarded, chosen = _guarded(near, rng)
    rarity = screening.rarity(near, guarded, rng)
    suspect = far.any(axis=1) | _contradictory(near, guarded, chosen, rng)
    growth = Growth(trees=int(np.clip(_MOST_TREES // max(guarded.size, 1), _FEWEST_TREES, Growth().trees)))
    fold = folds(stretch, batch.vehicle_ids, _N_FOLDS)
    logits = np.full((len(X), guarded.size), -np.inf)
    for each in np.unique(fold).tolist():
        held = fold == each
        trees = contrast_fitting.grow(X[~held & ~suspect], guarded, chosen, growth, rng)
        logits[held] = trees.logits(X[held])
    trees = contrast_fitting.grow(X[~suspect], guarded, chosen, growth, rng)
    own = trees.logits(X).astype(np.float64)
    logits[np.isnan(X[:, guarded])] = own[np.isnan(X[:, guarded])] = -np.inf
    held_out = _HeldOut(
        X,
        logits,
        own,
        _held_out_excess(X, suspect, stretch),
        held_out_scores(fold),
        healthy_weights(logits - rarity, suspect) * ~far.any(axis=1),
    )
    guards = _limited(trees, X[~suspect], held_out, parameters.false_alarm_rate, rng)
    return FittedGuards(guards, held_out.scores, held_out.weights)


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
    near: NDArray[np.float64],
    guarded: NDArray[np.int32],
    chosen: list[NDArray[np.int64]],
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Look twice: what was seen at first no longer hides what looks like it."""
    suspect = screening.contradictory(near, guarded, chosen, rng)
    suspect[~suspect] = screening.contradictory(near[~suspect], guarded, chosen, rng)
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
    low, high = low[stretch], high[stretch]
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = np.maximum(low - X, X - high) / (high - low)
        return np.where((excess > FAR) & np.isfinite(excess), excess, -np.inf)


def _limited(
    trees: ContrastTrees,
    healthy: NDArray[np.float64],
    held_out: _HeldOut,
    false_alarm_rate: float,
    rng: np.random.Generator,
) -> Guards:
    """Set all limits at one level of surprise."""
    X, weights = held_out.X, held_out.weights
    n_features, n_guarded = X.shape[1], trees.guarded.size
    missing = np.where(np.isnan(X), 0.0, -np.inf)
    measures = np.concatenate([held_out.logits, held_out.excess, missing, -held_out.scores[:, None]], axis=1)
    tails, surprise = [], np.zeros(len(X))
    for column in measures.T:
        tail = Tail.of(column, weights)
        tails.append(tail)
        surprise = np.maximum(surprise, tail(column))
    level = level_of(surprise, weights, false_alarm_rate)
    limits = np.array([tail.limit(level) for tail in tails])
    contradiction = np.maximum(limits[:n_guarded], _own_limits(held_out, level))
    contradiction[np.isneginf(contradiction)] = _NEVER
    margin = np.maximum(limits[n_guarded : n_guarded + n_features], FAR)
    low, high = np.nanmin(healthy, axis=0), np.nanmax(healthy, axis=0)
    # A feature that never varied has no range to take a share of.
    room = margin * np.where(high > low, high - low, np.abs(high))
    seldom = np.isnan(X).sum(axis=0) + 1
    always_there = -np.log(seldom / (len(X) + 1)) > level
    middle = np.ascontiguousarray(np.nanquantile(healthy, [0.16, 0.5, 0.84], axis=0))
    cell_value, cell_log_share = _cells(healthy, trees.guarded, rng)
    return Guards(
        trees=trees,
        isolation_limit=-float(limits[-1]),
        lowest=low - room,
        highest=high + room,
        median=middle[1],
        spread=(middle[2] - middle[0]) / 2,
        always_there=always_there.astype(np.uint8),
        contradiction_limit=contradiction.astype(np.float32),
        cell_value=cell_value,
        cell_log_share=cell_log_share,
    )


def _own_limits(held_out: _HeldOut, level: float) -> NDArray[np.float64]:
    """Set limits that keep the trees that serve from raising alarms where they have been.

    Each growth has places of its own where it is wrong, such as between two cuts beside the speed at which a
    gear is changed: those that did not see a reading know nothing of them. What trees saw surprises them
    less, so twice the share of readings is let pass, and as a rule these limits are the lower ones.
    """
    tails = [Tail.of(column, held_out.weights) for column in held_out.own.T]
    return np.array([tail.limit(level - np.log(_OWN_SHARE)) for tail in tails])


def _cells(
    healthy: NDArray[np.float64], guarded: NDArray[np.int32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    chosen = np.empty((2, guarded.size, CELLS), np.float32)
    for place, feature in enumerate(guarded.tolist()):
        known = healthy[~np.isnan(healthy[:, feature]), feature]
        chosen[:, place] = cells(known, contrast(known, rng))
    return chosen[0].ravel(), chosen[1].ravel()
