"""A zero in a verdict has no sign, whatever sign it has in what was read or learnt."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.fakes import NOON, InMemoryModels, a_batch, a_trained_model
from tests.guarded import trained
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand, Verdict
from vehicle_anomaly.core.telemetry import Reading, TelemetryBatch


def _batch() -> TelemetryBatch:
    """Make one with a sensor that is always zero, and one that mostly is; both zeros are negative."""
    values = np.random.default_rng(0).normal(size=(400, 4))
    values[:, 2] = -0.0
    values[::2, 3] = -0.0
    return a_batch(values)


def _numbers(said: object) -> Iterator[float]:
    if isinstance(said, float):
        yield said
    elif isinstance(said, Iterable) and not isinstance(said, str):
        for each in said:
            yield from _numbers(each)


def _said(verdict: Verdict) -> list[float]:
    reasons: list[Any] = [
        (each.observed, each.expected, each.limit, each.deviation) for each in verdict.reasons
    ]
    return list(_numbers([verdict.anomaly_score, verdict.percentile, reasons, verdict.explanation]))


@pytest.mark.parametrize("guarded", [False, True])
def test_a_zero_has_no_sign(guarded: bool) -> None:
    model = trained(_batch()) if guarded else a_trained_model(batch=_batch())
    models = InMemoryModels()
    models.publish(model)
    rows: list[list[float | None]] = [
        [-0.0] * 4,
        [9.0, -0.0, -0.0, -0.0],
        [-0.0, -0.0, 3.0, -0.0],
        [None, -9.0, -0.0, 5.0],
    ]
    score = ScoreTelemetry(models)
    command = ScoreTelemetryCommand([Reading("car-1", NOON, row) for row in rows], explain="always")
    together = score(command).verdicts
    alone = [
        score(ScoreTelemetryCommand([reading], explain="always")).verdicts[0] for reading in command.readings
    ]

    zeros = [number for verdict in (*together, *alone) for number in _said(verdict) if number == 0]
    assert len(zeros) > 40
    assert not any(math.copysign(1, number) < 0 for number in zeros)
    assert any(verdict.reasons for verdict in together)
