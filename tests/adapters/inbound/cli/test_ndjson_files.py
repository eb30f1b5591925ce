"""Telemetry in NDJSON."""

from pathlib import Path

import numpy as np
import pytest

from tests.adapters.inbound.cli.conftest import NAMES, CommandLine, a_matrix, ndjson_text
from vehicle_anomaly.adapters.inbound.cli.telemetry_files import TelemetryFile
from vehicle_anomaly.adapters.inbound.cli.training_files import read_batch
from vehicle_anomaly.adapters.inbound.files.formats import FileFormat

GOOD = b'{"vehicle_id":"veh-1","timestamp":"2026-11-22T10:00:00Z","feature_vector":[1,2]}\n'


def vector(numbers: bytes) -> bytes:
    return GOOD.replace(b"[1,2]", numbers)


@pytest.mark.parametrize("names", [None, NAMES])
def test_vectors_and_names_are_read_alike(tmp_path: Path, names: tuple[str, ...] | None) -> None:
    X = a_matrix(2500)
    X[7, 1] = np.nan
    file = tmp_path / "trip.ndjson"
    file.write_text(ndjson_text(X, names))
    batch = read_batch([TelemetryFile(file, FileFormat.NDJSON)], lambda _: None)
    np.testing.assert_array_equal(batch.values, X)
    assert batch.feature_names == names


def test_a_name_that_first_occurs_late_is_missing_before(tmp_path: Path) -> None:
    file = tmp_path / "trip.ndjson"
    late = ndjson_text(np.array([[5.0, 6.0]]), ("load", "speed"))
    file.write_text(ndjson_text(np.ones((1500, 1)), ("speed",)) + late)
    batch = read_batch([TelemetryFile(file, FileFormat.NDJSON)], lambda _: None)
    assert batch.feature_names == ("speed", "load")
    assert batch.values[-1].tolist() == [6.0, 5.0]
    assert np.isnan(batch.values[:-1, 1]).all()
    assert (batch.values[:-1, 0] == 1).all()


def test_blank_lines_crlf_and_a_byte_order_mark_are_no_matter(cli: CommandLine) -> None:
    content = b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + b"\r\n  \n" + vector(b"[3,4]")
    Path("trip.jsonl").write_bytes(content)
    assert cli("train", "trip.jsonl").answer["record_count"] == 2


@pytest.mark.parametrize(
    ("content", "line", "told"),
    [
        (GOOD + b"\n" + b"{", 3, "body: "),
        (GOOD + b"[1]\n", 2, "body: expected an object, got an array"),
        (vector(b'[1,"2"]'), 1, "feature_vector[1]: expected a number or null, got a string"),
        (vector(b"[true,2]"), 1, "feature_vector[0]: expected a number or null, got a boolean"),
        (vector(b"[1,NaN]"), 1, "feature_vector[1]: "),
        (vector(b"[1,1e400]"), 1, "feature_vector[1]: expected a finite number"),
        (vector(b"[]"), 1, "feature_vector: expected at least 1 item"),
        (GOOD + GOOD + vector(b"[1,2,3]"), 3, "feature_vector: expected 2 numbers, got 3"),
        (GOOD.replace(b"veh-1", b"v" * 65), 1, "vehicle_id: expected at most 64 characters"),
        (GOOD.replace(b"2026", b"soon"), 1, "timestamp: expected an RFC 3339 time"),
        (GOOD.replace(b"feature_vector", b"vector"), 1, "vector: unknown field"),
        (GOOD.replace(b"veh-1", b"\xff"), 1, "expected UTF-8"),
        (b"[" * 100_000, 1, "body: "),
        (
            GOOD.replace(b'"feature_vector":[1,2]', b'"features":{"speed":"x"}'),
            1,
            "features.speed: expected a number or null, got a string",
        ),
        (
            GOOD.replace(b'"feature_vector":[1,2]', b'"features":{"speed":1}') + GOOD,
            2,
            "feature_vector: expected features by name, as in the first record",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_its_place(
    cli: CommandLine, content: bytes, line: int, told: str
) -> None:
    Path("trip.ndjson").write_bytes(content)
    cli("train", "trip.ndjson").assert_failed(f"trip.ndjson:{line}: ", told)


def test_a_reading_that_does_not_fit_is_found_in_the_second_file(cli: CommandLine) -> None:
    Path("a.ndjson").write_bytes(GOOD * 1100)
    Path("b.ndjson").write_bytes(GOOD * 3 + b"\n" + vector(b"[1]"))
    cli("train", "a.ndjson", "b.ndjson").assert_failed(
        "b.ndjson:5: feature_vector: expected 2 numbers, got 1"
    )
