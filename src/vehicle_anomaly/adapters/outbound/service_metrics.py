"""What the use cases do, counted: scores, trainings, the age of models, and what the store answers."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Gauge, Histogram

from vehicle_anomaly.core.errors import Refusal
from vehicle_anomaly.core.model import ModelMetadata, ModelName

MAX_MODEL_NAMES: Final = 100
"""Models that have series of their own in one process; the names are the callers' choice."""

OTHER_MODELS: Final = "_OTHER"
"""All others together; no model can be called so."""

# Half of what `decision_function` can give, where nearly all scores lie; below zero is anomalous.
_SCORES: Final = (
    -0.3,
    -0.2,
    -0.15,
    -0.1,
    -0.075,
    -0.05,
    -0.025,
    0.0,
    0.025,
    0.05,
    0.075,
    0.1,
    0.15,
    0.2,
    0.3,
)
_TRAINING_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_STORE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class _Scores(Histogram):
    """A histogram that also takes many values at once: one by one, they would take as long as the scoring."""

    def observe_many(self, values: NDArray[np.float64]) -> None:
        """Count values.

        Args:
            values: Shape (n,).
        """
        bounds = np.array(self._upper_bounds)
        counts = np.bincount(np.searchsorted(bounds, values), minlength=len(bounds)).tolist()
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        self._sum.inc(float(values.sum()))


class ServiceMetrics:
    """Is told by use cases and the store what they do."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Count for those who read this registry."""
        self._score = _Scores(
            "vehicle_anomaly_score",
            "Anomaly scores of readings; its count is the number of verdicts.",
            ("model_name", "is_anomaly"),
            buckets=_SCORES,
            registry=registry,
        )
        self._training = Histogram(
            "vehicle_anomaly_training_duration_seconds",
            "Duration of trainings, publication included, by result: published, refused or failed.",
            ("result",),
            buckets=_TRAINING_SECONDS,
            registry=registry,
        )
        for result in ("published", "refused", "failed"):
            # From the start: what begins at 1 has not increased, as Prometheus sees it.
            self._training.labels(result)
        self._store = Histogram(
            "vehicle_anomaly_store_operation_duration_seconds",
            "Duration of operations of the model store; error_type is empty where it did what it was asked.",
            ("store", "operation", "error_type"),
            buckets=_STORE_SECONDS,
            registry=registry,
        )
        self._trained_at = Gauge(
            "vehicle_anomaly_model_trained_timestamp_seconds",
            "When the version that answers as the latest was trained, in seconds since 1970.",
            ("model_name",),
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self._known: dict[tuple[str, bool], _Scores] = {}
        self._names: set[str] = set()

    def scored_one(self, name: ModelName, score: float) -> None:
        """Count the score of a reading that is no anomaly."""
        # `labels` checks and locks.
        series = self._known.get((name.value, False)) or self._scores_of(name, is_anomaly=False)
        series.observe(score)

    def scored(self, name: ModelName, scores: NDArray[np.float64], anomalies: Collection[int]) -> None:
        """Count the scores of readings.

        Args:
            name: The model.
            scores: Shape (n,).
            anomalies: Positions of those that are anomalies.
        """
        if not anomalies:
            self._scores_of(name, is_anomaly=False).observe_many(scores)
            return
        is_anomaly = np.zeros(len(scores), np.bool_)
        is_anomaly[list(anomalies)] = True
        self._scores_of(name, is_anomaly=True).observe_many(scores[is_anomaly])
        if len(anomalies) < len(scores):
            self._scores_of(name, is_anomaly=False).observe_many(scores[~is_anomaly])

    @contextmanager
    def training(self, _: ModelName) -> Iterator[None]:
        """Time a training and count what became of it."""
        result = "failed"
        began = perf_counter()
        try:
            yield
            result = "published"
        except Refusal:
            result = "refused"
            raise
        finally:
            self._training.labels(result).observe(perf_counter() - began)

    @contextmanager
    def store_operation(self, store: str, operation: str) -> Iterator[None]:
        """Time an operation of a store; what it raises is counted by type."""
        error_type = ""
        began = perf_counter()
        try:
            yield
        except Exception as error:
            error_type = type(error).__name__
            raise
        finally:
            self._store.labels(store, operation, error_type).observe(perf_counter() - began)

    def latest(self, model: ModelMetadata) -> None:
        """Note which version of a model answers as its latest."""
        self._trained_at.labels(self._label(model.model_name)).set(model.trained_at.timestamp())

    def _label(self, name: ModelName) -> str:
        if name.value not in self._names:
            # Two threads may both find the last place free: one name more does no harm.
            if len(self._names) >= MAX_MODEL_NAMES:
                return OTHER_MODELS
            self._names.add(name.value)
        return name.value

    def _scores_of(self, name: ModelName, *, is_anomaly: bool) -> _Scores:
        series = self._known.get((name.value, is_anomaly))
        if series is None:
            label = self._label(name)
            series = self._score.labels(label, str(is_anomaly).lower())
            if label != OTHER_MODELS:
                self._known[name.value, is_anomaly] = series
        return series
