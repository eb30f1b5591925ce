"""Series of models, whose names are the callers' choice, and many scores at once."""

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from vehicle_anomaly.adapters.outbound.service_metrics import MAX_MODEL_NAMES, OTHER_MODELS, ServiceMetrics
from vehicle_anomaly.core.model import ModelName


def _value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return registry.get_sample_value(name, labels) or 0.0


def test_models_beyond_the_first_hundred_share_a_series() -> None:
    registry = CollectorRegistry()
    metrics = ServiceMetrics(registry)
    for position in range(MAX_MODEL_NAMES + 20):
        metrics.scored_one(ModelName(f"m{position}"), 0.1)
        metrics.scored(ModelName(f"m{position}"), np.array([-0.1]), [0])
    names = {
        s.labels["model_name"] for m in registry.collect() for s in m.samples if "model_name" in s.labels
    }
    assert len(names) == MAX_MODEL_NAMES + 1
    count = "vehicle_anomaly_score_count"
    assert _value(registry, count, model_name=OTHER_MODELS, is_anomaly="false") == 20
    assert _value(registry, count, model_name=OTHER_MODELS, is_anomaly="true") == 20


def test_many_scores_are_counted_as_one_by_one() -> None:
    scores = np.concatenate([np.random.default_rng(1).normal(0, 0.2, 500), [-0.3, 0.0, 0.3, -9.0, 9.0]])
    singly, together = CollectorRegistry(), CollectorRegistry()
    one, many = ServiceMetrics(singly), ServiceMetrics(together)
    for score in scores.tolist():
        one.scored_one(ModelName("m"), score)
    many.scored(ModelName("m"), scores, [])
    bucket = "vehicle_anomaly_score_bucket"
    for le in ("-0.3", "-0.1", "0.0", "0.1", "0.3", "+Inf"):
        labels = {"model_name": "m", "is_anomaly": "false", "le": le}
        assert _value(singly, bucket, **labels) == _value(together, bucket, **labels)


def test_a_training_that_breaks_is_counted_as_failed() -> None:
    registry = CollectorRegistry()
    with pytest.raises(RuntimeError), ServiceMetrics(registry).training(ModelName("m")):
        raise RuntimeError
    assert _value(registry, "vehicle_anomaly_training_duration_seconds_count", result="failed") == 1
