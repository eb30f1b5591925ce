"""The files say what was simulated."""

import csv
import json
from pathlib import Path

import numpy as np

from tests.demo.trips import a_trip
from vehicle_anomaly.demo import files
from vehicle_anomaly.demo.client import named_reading
from vehicle_anomaly.demo.faults import FAULTS, Injection
from vehicle_anomaly.demo.fleet import simulate_trips
from vehicle_anomaly.demo.sensors import FEATURE_NAMES


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_telemetry_reads_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.csv"
    trips = simulate_trips(1, 1, 2, 30)

    files.write_telemetry(path, trips)

    read = rows(path)
    assert list(read[0]) == ["timestamp", "vehicle_id", *FEATURE_NAMES]
    assert {row["vehicle_id"] for row in read} == {"vehicle-01"}
    assert read[0]["timestamp"] == f"{trips[0].start}Z"
    values = [[float(row[name]) for name in FEATURE_NAMES] for row in read]
    np.testing.assert_array_equal(values, np.concatenate([trip.values for trip in trips]))


def test_faults_are_told_with_where_they_begin_and_end(tmp_path: Path) -> None:
    path = tmp_path / "faults.csv"

    files.write_faults(path, [(a_trip(), Injection(FAULTS[0], 2, 5))])

    (row,) = rows(path)
    assert row["fault"] == FAULTS[0].name
    assert row["sensors"].split() == list(FAULTS[0].sensors)
    assert (row["start"], row["end"]) == ("2026-03-02T06:30:02Z", "2026-03-02T06:30:05Z")


def test_a_reading_names_its_values(tmp_path: Path) -> None:
    path = tmp_path / "reading.json"

    files.write_reading(path, named_reading(a_trip(), 1))

    n_features = len(FEATURE_NAMES)
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "vehicle_id": "vehicle-01",
        "timestamp": "2026-03-02T06:30:01Z",
        "features": dict(zip(FEATURE_NAMES, range(n_features, 2 * n_features), strict=True)),
    }
