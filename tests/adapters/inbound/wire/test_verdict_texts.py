"""Spliced verdicts are, byte for byte, what msgspec writes."""

import json

import msgspec
import numpy as np
import pytest

from vehicle_anomaly.adapters.inbound.wire.answers import verdict_responses
from vehicle_anomaly.adapters.inbound.wire.scanned import Scan, Scanned, Shape, as_array
from vehicle_anomaly.adapters.inbound.wire.verdict_texts import Inserted, verdict_texts
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.reasons import isolation
from vehicle_anomaly.core.score_telemetry import Scores

_SCORES = [0.1, -0.25, 5e-324, -0.0, 1e22, 0.30000000000000004]


def _scanned() -> Scanned:
    text = b"".join(
        json.dumps({"vehicle_id": f"@score@{n}", "timestamp": moment, "feature_vector": [n]}).encode() + b"\n"
        for n, moment in enumerate(["2026-11-22T10:00:00Z", "2026-11-22T10:00:00"] * 3)
    )
    scan = Scan(as_array(text), Shape(1), 6)
    assert scan.lines()
    return scan.scanned()


@pytest.mark.parametrize("percentiles", [None, [0.5, 0.0, 1.0, 0.25, 1e-7, 0.9999999999999999]])
def test_they_are_what_the_encoder_writes(percentiles: list[float] | None) -> None:
    scanned = _scanned()
    scores = Scores(
        ModelName("default"),
        ModelVersion("v.1"),
        _SCORES,
        {0: (0,), 4: (0,)},
        {1: (isolation(-0.25, 0.0),), 4: (isolation(1e22, 0.0),)},
        percentiles,
        {},
    )
    records = range(len(scanned))
    told = verdict_responses(scores, map(scanned.vehicle_id, records), map(scanned.timestamp, records))
    assert verdict_texts(scanned, scores, b"\n") == msgspec.json.Encoder().encode_lines(told)
    first, *others = map(msgspec.json.encode, told)
    inserted = Inserted([b"before", b"between", b"after"], [0, 1, 6])
    expected = b",".join([b"before", first, b"between", *others, b"after", b""])
    assert verdict_texts(scanned, scores, b",", inserted) == expected


def test_no_record_has_no_verdict() -> None:
    scanned = Scan(as_array(b""), Shape(1), 0).scanned()
    scores = Scores(ModelName("default"), ModelVersion("v"), [], {}, {}, None, {})
    assert verdict_texts(scanned, scores, b"\n") == b""
    assert np.array_equal(scanned.timestamps, [])
