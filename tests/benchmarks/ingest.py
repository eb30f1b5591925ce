"""What it takes to get a batch out of the body of a request, beside the fit of it."""

from collections.abc import Iterator
from functools import partial

import msgspec
import numpy as np

from tests.benchmarks.measure import Row, Table, at_most_ratio
from tests.benchmarks.timing import times
from vehicle_anomaly.adapters.inbound.wire.commands import train_model_command
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.requests import IngestRequest, TelemetryRecord
from vehicle_anomaly.core import fitting
from vehicle_anomaly.core.fitting import ForestParameters

N_READINGS = 1_000_000
N_FEATURES = 10


def measure() -> Iterator[Row]:
    """Measure both encodings, and what msgspec's own strict decoding of the same bytes takes."""
    X = np.random.default_rng(0).normal(size=(N_READINGS, N_FEATURES))
    fit = times(lambda: fitting.fit(X, ForestParameters()), repeats=3)
    records = [
        {"vehicle_id": f"veh-{i % 50}", "timestamp": "2026-11-22T10:00:00Z", "feature_vector": row}
        for i, row in enumerate(X.tolist())
    ]
    for encoding, encode, kind in (
        (Encoding.JSON, msgspec.json.encode, msgspec.json.Decoder),
        (Encoding.MSGPACK, msgspec.msgpack.encode, msgspec.msgpack.Decoder),
    ):
        body = encode({"records": records})
        whole = kind(IngestRequest[TelemetryRecord])
        ours = times(partial(train_model_command, body, encoding), repeats=3)
        floor = times(partial(whole.decode, body), repeats=3)
        name = f"{encoding.name}, 1,000,000 × 10: decode and lay out"
        ratio = ours.median / fit.median
        yield Row(name, ours, "s", "the fit", fit, ratio, (at_most_ratio(1 / 3),))
        yield Row(
            f"{name}, beside msgspec", ours, "s", "strict decode alone", floor, ours.median / floor.median
        )


TABLE = Table("ingest", "From a body to a batch, one thread", measure)
