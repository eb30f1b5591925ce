"""`vehicle-anomaly score` on large files, beside reading the same files into columns and nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.measure import Row, Sample, Table
from vehicle_anomaly.adapters.inbound.files.blocks import Blocks
from vehicle_anomaly.adapters.inbound.files.csv_files import CsvTelemetry
from vehicle_anomaly.adapters.inbound.files.numbered_lines import NumberedLines
from vehicle_anomaly.adapters.inbound.files.scanned_files import ReadBlock, csv_blocks, ndjson_blocks
from vehicle_anomaly.adapters.inbound.wire.scanned import Scanned
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.system_clock import SystemClock
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import ModelMetadata
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

N_READINGS = 10_000_000
_DIFFERENT = 20_000
_NAMES = tuple(f"signal_{number}" for number in range(8))
_MOMENT = "2026-11-22T10:00:00Z"


def measure(n_readings: int = N_READINGS) -> Iterator[Row]:
    """Measure files of CSV and NDJSON; verdicts go nowhere."""
    X = np.random.default_rng(0).normal(size=(_DIFFERENT, len(_NAMES)))
    with TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        times = np.full(len(X), np.datetime64("2026-01-01", "us"))
        batch = TelemetryBatch(X, ["veh-1"] * len(X), times, _NAMES)
        train = TrainModel(FilesystemModels(models), SystemClock(), ForestParameters())
        known = train(TrainModelCommand(batch))
        for suffix, write in (("csv", _write_csv), ("ndjson", _write_ndjson)):
            file = Path(folder) / f"readings.{suffix}"
            write(file, X, n_readings // _DIFFERENT)
            scoring = _score(file, models)
            read, scan = _read(file, known)
            what = f"`vehicle-anomaly score` on {n_readings:,} readings in {suffix.upper()}"
            for theirs, peer in (
                (scan, "reading the same file into columns, one thread, nothing else"),
                (read, "reading the bytes of the same file, nothing else"),
            ):
                yield Row.of_times(what, scoring, theirs, peer=peer, in_readme=True)
            file.unlink()


def quick() -> Iterator[Row]:
    """Measure the same on fewer readings."""
    return measure(200_000)


def _write_csv(file: Path, X: NDArray[np.float64], repeats: int) -> None:
    rows = "".join(
        f"veh-{position % 500:03},{_MOMENT},{','.join(map(repr, row))}\n"
        for position, row in enumerate(X.tolist())
    )
    with file.open("w") as stream:
        stream.write(f"vehicle_id,timestamp,{','.join(_NAMES)}\n")
        for _ in range(repeats):
            stream.write(rows)


def _write_ndjson(file: Path, X: NDArray[np.float64], repeats: int) -> None:
    lines = "".join(
        json.dumps({"vehicle_id": f"veh-{position % 500:03}", "timestamp": _MOMENT, "feature_vector": row})
        + "\n"
        for position, row in enumerate(X.tolist())
    )
    with file.open("w") as stream:
        for _ in range(repeats):
            stream.write(lines)


def _score(file: Path, models: Path) -> Sample:
    command = [sys.executable, "-m", "vehicle_anomaly", "score", "--output", os.devnull, str(file)]
    environment = os.environ | {"MODEL_STORE": "filesystem", "MODEL_ARTIFACT_DIR": str(models)}
    begun = perf_counter()
    subprocess.run(command, check=True, env=environment)
    return Sample.of([perf_counter() - begun])


def _read(file: Path, model: ModelMetadata) -> tuple[Sample, Sample]:
    """Return how long the bytes of a file take, and how long they take into columns."""
    begun = perf_counter()
    with file.open("rb") as stream:
        for _ in Blocks(stream, file.name, lambda _: None):
            pass
    bytes_alone = perf_counter() - begun
    begun = perf_counter()
    with file.open("rb") as stream:
        first = 1
        read: ReadBlock = ndjson_blocks(model)
        if file.suffix == ".csv":
            telemetry = CsvTelemetry(NumberedLines(stream, file.name, lambda _: None))
            first, read = telemetry.lines_read + 1, csv_blocks(telemetry, telemetry.feature_names)
        for block in Blocks(stream, file.name, lambda _: None, first):
            for readings in read(block):
                if not isinstance(readings, Scanned):
                    raise TypeError("a usual line was read by itself")
    return Sample.of([bytes_alone]), Sample.of([perf_counter() - begun])


TABLE = Table(
    "files", f"Files of {N_READINGS:,} readings, 200 trees × {len(_NAMES)} features", measure, quick
)
