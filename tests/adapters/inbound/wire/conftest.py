"""What is compiled is compiled before any test measures time; and what bodies are scored by, and compared."""

from typing import Any

import numpy as np
import pytest

from tests.fakes import FixedClock, InMemoryModels
from vehicle_anomaly.adapters.inbound.wire import compiled_wire
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.core.errors import Refusal
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

NAMES = ("speed", "rpm")


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    compiled_wire.warm_up()


@pytest.fixture(scope="module", params=[NAMES, None], ids=["named", "unnamed"])
def score_telemetry(request: pytest.FixtureRequest) -> ScoreTelemetry:
    """Scores by two features, with names and without."""
    models = InMemoryModels()
    X = np.random.default_rng(0).normal(size=(300, 2))
    times = np.full(len(X), np.datetime64("2026-01-01", "us"))
    batch = TelemetryBatch(X, ["veh-1"] * len(X), times, request.param)
    TrainModel(models, FixedClock(), ForestParameters(10))(TrainModelCommand(batch))
    return ScoreTelemetry(models)


def outcome(work: Any) -> Any:
    """Return what comes of work: its result, or what is wrong and where."""
    try:
        return work()
    except MalformedMessage as error:
        return [str(wrong) for wrong in error.wrong]
    except Refusal as refusal:
        return (type(refusal), str(refusal))
