"""Versions with guards, trained once for all scenarios: what they learn takes a second."""

from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.acceptance.telemetry import NAMES, healthy, records
from tests.fakes import FixedClock, InMemoryModels
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.model import ModelVersion, TrainedModel
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

N_READINGS: Final = 3000


def unrelated(n_readings: int, seed: int) -> NDArray[np.float64]:
    """Simulate sensors that tell nothing of each other, shape (n_readings, 3)."""
    return np.random.default_rng(seed).normal([2000, 60, 88], [500, 20, 3], (n_readings, 3)).round(3)


def batch_of(X: NDArray[np.float64]) -> TelemetryBatch:
    """Make a batch of readings, a second after each other."""
    vehicles = [each["vehicle_id"] for each in records(X)]
    began = np.datetime64("2026-11-22T10:00:00", "us")
    return TelemetryBatch(X, vehicles, began + np.arange(len(X)).astype("timedelta64[s]"), NAMES)


@cache
def on_healthy_vehicles(version: str, n_estimators: int = 100) -> TrainedModel:
    """Return a version with guards, with readings of its own."""
    X = healthy(N_READINGS, seed=sum(version.encode()))
    return _trained(X, version, GuardParameters(), n_estimators)


@cache
def on_unrelated_sensors(version: str) -> TrainedModel:
    """Return a version with guards that can learn nothing of how sensors depend on each other."""
    return _trained(unrelated(N_READINGS, seed=1), version, GuardParameters(0.01), 100)


@cache
def on_failing_sensors(version: str) -> TrainedModel:
    """Return a version with guards, of readings in which each sensor fails now and then, by itself."""
    X = healthy(N_READINGS, seed=4)
    rows = np.random.default_rng(5).permutation(N_READINGS)[: X.shape[1] * (N_READINGS // 20)]
    for feature, failing in enumerate(np.split(rows, X.shape[1])):
        X[failing, feature] = np.nan
    return _trained(X, version, GuardParameters(0.01), 100)


@cache
def from_before(version: str) -> TrainedModel:
    """Return a version as it was stored before there were guards and percentiles."""
    model = _trained(healthy(300, seed=2), version, None, 100)
    return replace(model, metadata=replace(model.metadata, percentile_readings=None), healthy_scores=None)


def _trained(
    X: NDArray[np.float64], version: str, guards: GuardParameters | None, n_estimators: int
) -> TrainedModel:
    models = InMemoryModels()
    train = TrainModel(models, FixedClock(), ForestParameters(n_estimators, 0.02), guards)
    known = train(TrainModelCommand(batch_of(X), model_version=ModelVersion(version)))
    return models.load(known.model_name, known.model_version)
