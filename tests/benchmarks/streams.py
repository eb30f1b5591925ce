"""A stream of readings through the real service, beside decoding and encoding the same lines."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import msgspec
import numpy as np

from tests.benchmarks.measure import Row, Sample, Table, at_least, at_most
from tests.benchmarks.services import running_service
from tests.line_streams import streaming
from vehicle_anomaly.adapters.inbound.wire.answers import VerdictResponse
from vehicle_anomaly.adapters.inbound.wire.requests import TelemetryRecord
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.system_clock import SystemClock
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

N_READINGS = 1_000_000
_AT_ONCE = 1000
_MOMENT = "2026-11-22T10:00:00Z"


def measure(n_readings: int = N_READINGS) -> Iterator[Row]:
    """Measure the stream, when its first verdict comes, and what memory it takes."""
    X = np.random.default_rng(0).normal(size=(20_000, 8))
    block = b"".join(
        json.dumps({"vehicle_id": f"veh-{i}", "timestamp": _MOMENT, "feature_vector": row}).encode() + b"\n"
        for i, row in enumerate(X[:_AT_ONCE].tolist())
    )
    with TemporaryDirectory() as folder:
        timestamps = np.full(len(X), np.datetime64("2026-01-01T00:00:00", "us"))
        batch = TelemetryBatch(X, ["veh-1"] * len(X), timestamps)
        train_model = TrainModel(FilesystemModels(Path(folder)), SystemClock(), ForestParameters())
        train_model(TrainModelCommand(batch))
        with running_service(Path(folder)) as (address, pid):
            took, first, sent, grown = _stream(f"http://{address}", pid, block, n_readings // _AT_ONCE)
    floor = min(_floor(block) for _ in range(20)) * n_readings / _AT_ONCE
    yield Row.of_times(
        f"NDJSON stream of {n_readings:,} readings",
        Sample.of([took]),
        Sample.of([floor]),
        peer="strict decode + encode of the same lines, without HTTP",
        bars=(at_least(0.5),),
    )
    share = Sample.of([first / sent])
    yield Row("first verdict, as a share of the time until all is sent", share, "", bars=(at_most(1.0),))
    yield Row("memory above idle, at its peak", Sample.of([grown]), "MB", bars=(at_most(100.0),))


def quick() -> Iterator[Row]:
    """Measure the same on fewer readings."""
    return measure(100_000)


def _stream(url: str, pid: int, block: bytes, n_blocks: int) -> tuple[float, float, float, float]:
    with streaming(url) as warm:
        warm.send(block)
        warm.end()
        idle = max(_memory(pid) for _ in warm.lines())
    sent: list[float] = []
    with streaming(url) as stream:
        began = perf_counter()

        def produce() -> None:
            for _ in range(n_blocks):
                stream.send(block)
            stream.end()
            sent.append(perf_counter() - began)

        producer = threading.Thread(target=produce)
        producer.start()
        answers = stream.chunks()
        n_lines = next(answers).count(b"\n")
        first = perf_counter() - began
        n_lines += sum(chunk.count(b"\n") for chunk in answers)
        took = perf_counter() - began
        producer.join()
    if n_lines != n_blocks * _AT_ONCE:
        raise RuntimeError(f"{n_lines} answers")
    return took, first, sent[0], _memory(pid, "VmHWM") - idle


def _floor(block: bytes) -> float:
    decode = msgspec.json.Decoder(TelemetryRecord).decode
    encode_lines = msgspec.json.Encoder().encode_lines
    version = "20261124000000000000-000000000000"
    verdicts = [
        VerdictResponse(f"veh-{i}", _MOMENT, "default", version, 0.07123456789012345, False, (), (), 0.41273)
        for i in range(_AT_ONCE)
    ]
    began = perf_counter()
    for line in block.splitlines():
        decode(line)
    encode_lines(verdicts)
    return perf_counter() - began


def _memory(pid: int, of: str = "VmRSS") -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(of)) / 1024


TABLE = Table("streams", "A stream of readings, 200 trees × 8 features", measure, quick)
