"""The telemetry as files, so that the other commands can be tried on it."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from vehicle_anomaly.demo.client import Json
from vehicle_anomaly.demo.faults import Injection
from vehicle_anomaly.demo.fleet import Trip
from vehicle_anomaly.demo.sensors import FEATURE_NAMES


def write_telemetry(path: Path, trips: Iterable[Trip]) -> None:
    """CSV with the header `timestamp,vehicle_id,<features>`, one reading a line."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("timestamp", "vehicle_id", *FEATURE_NAMES))
        for trip in trips:
            for moment, vector in zip(trip.timestamps, trip.values.tolist(), strict=True):
                rows.writerow((f"{moment}Z", trip.vehicle_id, *vector))


def write_faults(path: Path, faulty: Sequence[tuple[Trip, Injection]]) -> None:
    """CSV of what is true: which vehicle has which fault, from when (inclusive) to when (exclusive)."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("vehicle_id", "fault", "sensors", "injected", "start", "end"))
        for trip, injection in faulty:
            start, end = (f"{trip.start + second}Z" for second in (injection.first, injection.last))
            fault = injection.fault
            rows.writerow((trip.vehicle_id, fault.name, " ".join(fault.sensors), fault.injected, start, end))


def write_reading(path: Path, reading: Json) -> None:
    """The body of one `POST /score`."""
    path.write_text(json.dumps(reading, indent=2) + "\n", encoding="utf-8")
