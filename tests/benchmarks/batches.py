"""`POST /score/batch` of a thousand readings over HTTP, beside decoding and encoding the same bytes."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from tests.benchmarks.http_services import N_FEATURES, train
from tests.benchmarks.load import HEADERS
from tests.benchmarks.measure import Row, Table, at_least
from tests.benchmarks.services import running_service
from tests.benchmarks.timing import side_by_side
from vehicle_anomaly.adapters.inbound.wire.answers import ScoreBatchResponse, VerdictResponse
from vehicle_anomaly.adapters.inbound.wire.requests import ScoreBatchRequest, TelemetryRecord

N_READINGS = 1000
_MOMENT = "2026-11-22T10:00:00Z"

_decode = msgspec.json.Decoder(ScoreBatchRequest[TelemetryRecord]).decode
_VERSION = "20261124000000000000-000000000000"
_VERDICTS = [
    VerdictResponse(
        f"veh-{number}", _MOMENT, "default", _VERSION, 0.07123456789012345, False, (), (), 0.41273
    )
    for number in range(N_READINGS)
]


def measure(repeats: int = 9) -> Iterator[Row]:
    """Measure one caller who sends a batch as soon as the one before is answered."""
    body = _body()
    with TemporaryDirectory() as folder, running_service(Path(folder)) as (address, _):
        train(f"http://{address}")
        connection = HTTPConnection(address)

        def ask() -> None:
            connection.request("POST", "/score/batch", body, HEADERS)
            answer = connection.getresponse()
            told = answer.read()
            if answer.status != 200:
                raise RuntimeError(told.decode())

        answered, floor = side_by_side(ask, lambda: _floor(body), repeats=repeats, calls=50)
        connection.close()
    yield Row.of_times(
        f"`POST /score/batch`, {N_READINGS:,} readings, one caller",
        answered,
        floor,
        peer="strict decode + encode of the same bytes, without HTTP",
        bars=(at_least(0.5),),
    )


def _body() -> bytes:
    rows = np.random.default_rng(1).normal(size=(N_READINGS, N_FEATURES)).tolist()
    records = [
        {"vehicle_id": f"veh-{number}", "timestamp": _MOMENT, "feature_vector": row}
        for number, row in enumerate(rows)
    ]
    return json.dumps({"records": records}).encode()


def _floor(body: bytes) -> None:
    _decode(body)
    msgspec.json.encode(ScoreBatchResponse("default", _VERSION, _VERDICTS))


TABLE = Table("batches", f"A batch of {N_READINGS:,} readings, 200 trees × 8 features", measure)
