"""What several processes on one port answer, and what they take."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import httpx
import msgspec
import numpy as np

from tests.benchmarks import load
from tests.benchmarks.measure import Plot, Row, Sample, Table, at_most
from tests.benchmarks.services import running_service
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.system_clock import SystemClock
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

PROCESSES = (1, 2, 4)
SECONDS = 3.0
STARTS = 5
READING = {"vehicle_id": "veh-1", "timestamp": "2026-11-22T10:00:00Z", "feature_vector": [0.1] * 8}


def measure() -> Iterator[Row | Plot]:
    """Measure starts, memory and requests a second, with a model of 200 trees × 8 features."""
    body = msgspec.json.encode(READING)
    with TemporaryDirectory() as folder:
        _train(Path(folder))
        yield from _starts(Path(folder), body)
        points = []
        for n_processes in PROCESSES:
            with running_service(Path(folder), WORKERS=str(n_processes)) as (address, pid):
                url = f"http://{address}/score"
                load.post(url, body, 1)
                told = load.post(url, body, SECONDS)
                own = [pid] if n_processes == 1 else _children(pid)
                resident = max(_kilobytes(each, "status", "VmRSS") for each in own) / 1024
                proportional = sum(_kilobytes(each, "smaps_rollup", "Pss") for each in {pid, *own}) / 1024
            points.append((n_processes, told.per_second))
            yield Row(
                f"`/score`, {load.CONNECTIONS} connections, a model without guards, processes: {n_processes}",
                Sample.of([told.per_second]),
                "requests/s",
                in_readme=True,
            )
            if n_processes == 1:
                yield Row(
                    "memory of a serving process, one model",
                    Sample.of([resident]),
                    "MB",
                    bars=(at_most(200.0),),
                )
            yield Row(
                f"memory of all together (PSS), processes: {n_processes}",
                Sample.of([proportional]),
                "MB",
                note="" if n_processes == 1 else f"of {n_processes + 1}: one more supervises them",
            )
    yield Plot(
        "processes",
        "Requests a second against processes",
        "processes",
        "requests a second",
        {"/score": points},
        f"Bound by {os.cpu_count()} processors, which the load generator shares.",
        log=False,
    )


def _train(folder: Path) -> None:
    X = np.random.default_rng(0).normal(size=(20_000, 8))
    batch = TelemetryBatch(X, ["veh-1"] * len(X), np.full(len(X), np.datetime64("2026-01-01", "us")))
    TrainModel(FilesystemModels(folder), SystemClock(), ForestParameters())(TrainModelCommand(batch))


def _starts(folder: Path, body: bytes) -> Iterator[Row]:
    healthy, scored = [], []
    for _ in range(STARTS):
        began = monotonic()
        with running_service(folder) as (address, _pid), httpx.Client(trust_env=False) as client:
            client.get(f"http://{address}/healthz").raise_for_status()
            healthy.append(monotonic() - began)
            headers = {"Content-Type": "application/json"}
            client.post(f"http://{address}/score", content=body, headers=headers).raise_for_status()
            scored.append(monotonic() - began)
    yield Row("process start to first 200 on /healthz", Sample.of(healthy), "s", bars=(at_most(1.5),))
    yield Row("process start to first verdict, stored model", Sample.of(scored), "s", bars=(at_most(2.5),))


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _kilobytes(pid: int, file: str, name: str) -> float:
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


TABLE = Table("processes", "Starts, memory and processes", measure)
