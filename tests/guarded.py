"""Models with guards, trained as the service trains them, and what they find."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tests.fakes import FixedClock, InMemoryModels
from vehicle_anomaly.core import fitting, guard_fitting
from vehicle_anomaly.core.expectation import CELLS
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.judging import Reasons, judge
from vehicle_anomaly.core.model import GuardsKind, TrainedModel
from vehicle_anomaly.core.scoring_threads import THIS_THREAD, ScoringThreads
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand


@dataclass(frozen=True, slots=True)
class Found:
    """What a model finds in faulty readings.

    Attributes:
        recall: Share that it calls an anomaly.
        named: Share of these whose first reason names a sensor that may be blamed; NaN where there are none.
    """

    recall: float
    named: float


def trained(
    batch: TelemetryBatch,
    false_alarm_rate: float = 0.01,
    *,
    n_estimators: int = 200,
    random_state: int = 42,
    threads: ScoringThreads = THIS_THREAD,
) -> TrainedModel:
    """Train a model with guards on a batch."""
    models = InMemoryModels()
    train = TrainModel(
        models,
        FixedClock(),
        ForestParameters(n_estimators, 0.01, random_state),
        GuardParameters(false_alarm_rate, random_state),
        threads,
    )
    known = train(TrainModelCommand(batch))
    return models.load(known.model_name, known.model_version)


def trained_at(batch: TelemetryBatch, rates: Sequence[float]) -> dict[float, TrainedModel]:
    """Train once, and set limits for each rate: the same models as `trained` gives, rate by rate."""
    models, parameters = InMemoryModels(), ForestParameters(200, 0.01, 42)
    known = TrainModel(models, FixedClock(), parameters)(TrainModelCommand(batch))
    forest_alone = models.load(known.model_name, known.model_version)

    def held_out(fold: NDArray[np.int64]) -> NDArray[np.float64]:
        scores = fitting.held_out_scores(batch.values, forest_alone.medians, fold, parameters)
        return scores - forest_alone.forest.offset

    learnt = guard_fitting.learn(batch, held_out, parameters.random_state)
    assert learnt is not None
    kind: GuardsKind = "full" if learnt.trees.guarded.size == batch.values.shape[1] else "partial"
    return {
        rate: replace(
            forest_alone,
            guards=learnt.guards(rate),
            metadata=replace(forest_alone.metadata, guards=kind, false_alarm_rate=rate),
        )
        for rate in rates
    }


def alarm_rate(model: TrainedModel, X: NDArray[np.float64]) -> float:
    """Return the share of readings that a model calls an anomaly, guards and all."""
    assert model.guards is not None
    return float(model.guards.judge(X, model.score(X)).mean())


def reasons_of_each(
    model: TrainedModel, X: NDArray[np.float64], scores: NDArray[np.float64], *, guarded: bool = True
) -> list[Reasons]:
    """Return what `judge` says of each reading, with nothing for those that are no anomaly."""
    judged = judge(model, X, scores, guarded=guarded)
    return [judged.get(row, ()) for row in range(len(X))]


def found(model: TrainedModel, faulty: NDArray[np.float64], blamed: frozenset[int | str]) -> Found:
    """Return what a model finds in readings that are all faulty."""
    judged = reasons_of_each(model, faulty, model.score(faulty))
    first = [reasons[0].feature for reasons in judged if reasons]
    named = float(np.mean([feature in blamed for feature in first])) if first else float("nan")
    return Found(len(first) / len(judged), named)


def tried(guards: Guards, values: NDArray[np.float64], each: int) -> tuple[float, float | None, float]:
    """Return the median of what is to be expected, the limit on the way there, and the spread."""
    place = guards.trees.guarded.tolist().index(each)
    cells = slice(place * CELLS, (place + 1) * CELLS)
    values_tried = guards.cell_value[cells].astype(np.float64)
    rows = np.tile(values, (CELLS, 1))
    rows[:, each] = values_tried
    logits = guards.trees.logits(rows)[:, place]
    lacks_another = bool(np.isnan(np.delete(values, each)).any())
    calm = logits <= max(guards.contradiction_limit[place], 0.0 if lacks_another else -np.inf)
    kept = np.flatnonzero(calm if calm.any() else ~calm)
    density = np.exp(guards.cell_log_share[cells].astype(np.float64) - logits)[kept]
    below = (np.cumsum(density) - density / 2) / density.sum()
    low, middle, high = (_quantile(share, below, values_tried, kept) for share in (0.16, 0.5, 0.84))
    away = np.abs(values_tried - middle)
    spread = max((high - low) / 2, away[away > 0].min() / 2, guards.spread[each] / CELLS)
    towards = [one for one in values_tried[kept] if (one - values[each]) * (middle - values[each]) > 0]
    if not towards:
        return middle, None, spread
    nearest = min(towards, key=lambda one: abs(one - values[each]))
    return middle, float(np.clip(nearest, *sorted((values[each], middle)))), spread


def _quantile(
    share: float, below: NDArray[np.float64], values_tried: NDArray[np.float64], kept: NDArray[np.int64]
) -> float:
    at = int(np.searchsorted(below, share))
    if at in (0, kept.size):
        return float(values_tried[kept[min(at, kept.size - 1)]])
    lower, upper = values_tried[kept[at - 1]], values_tried[kept[at]]
    along = (share - below[at - 1]) / (below[at] - below[at - 1])
    if kept[at] > kept[at - 1] + 1:
        # What lies between contradicts the others.
        along = float(along >= 0.5)
    return float(lower + (upper - lower) * along)
