"""Telemetry in CSV."""

from pathlib import Path

import numpy as np
import pytest

from tests.adapters.inbound.cli.conftest import CommandLine
from vehicle_anomaly.adapters.inbound.cli.telemetry_files import TelemetryFile
from vehicle_anomaly.adapters.inbound.cli.training_files import read_batch
from vehicle_anomaly.adapters.inbound.files.formats import FileFormat
from vehicle_anomaly.adapters.inbound.files.numbered_lines import MAX_LINE_BYTES
from vehicle_anomaly.core.telemetry import TelemetryBatch

HEADER = b"timestamp,vehicle_id,speed,load\n"
ROW = b"2026-11-22T10:00:00Z,veh-1,50.5,10\n"


def batch_of(path: Path, *contents: bytes) -> TelemetryBatch:
    files = []
    for position, content in enumerate(contents):
        file = path / f"{position}.csv"
        file.write_bytes(content)
        files.append(TelemetryFile(file, FileFormat.CSV))
    return read_batch(files, lambda _: None)


@pytest.mark.parametrize(
    "content",
    [
        HEADER + ROW,
        (HEADER + ROW).removesuffix(b"\n"),
        b"\xef\xbb\xbf" + HEADER + ROW,
        (HEADER + ROW).replace(b"\n", b"\r\n"),
        b"\n" + HEADER + b"\n" + ROW + b"\n\n",
        b'"timestamp","vehicle_id","speed","load"\n"2026-11-22T10:00:00Z","veh-1","50.5","10"\n',
        HEADER + b"2026-11-22T10:00:00Z,veh-1, +5.05E1 ,10.\n",
        HEADER + b"2026-11-22T12:00:00+02:00,veh-1,50.5,1e1\n",
        HEADER + b"2026-11-22T10:00:00,veh-1,50.5,10\n",
    ],
    ids=[
        "plain",
        "no last line end",
        "BOM",
        "CRLF",
        "blank lines",
        "quoted",
        "spaces",
        "offset",
        "no offset",
    ],
)
def test_the_same_reading_is_read_however_it_is_written(tmp_path: Path, content: bytes) -> None:
    batch = batch_of(tmp_path, content)
    assert batch.feature_names == ("speed", "load")
    assert batch.values.tolist() == [[50.5, 10.0]]
    assert batch.vehicle_ids == ["veh-1"]
    assert batch.timestamps.tolist() == [np.datetime64("2026-11-22T10:00:00", "us").item()]


def test_features_keep_the_order_of_the_header_wherever_the_other_columns_stand(tmp_path: Path) -> None:
    batch = batch_of(tmp_path, b"zeta,vehicle_id,alpha,timestamp,mid\n1,veh-1,2,2026-11-22T10:00:00Z,3\n")
    assert batch.feature_names == ("zeta", "alpha", "mid")
    assert batch.values.tolist() == [[1.0, 2.0, 3.0]]


def test_names_and_vehicles_may_hold_commas_quotes_and_line_ends(tmp_path: Path) -> None:
    content = b'timestamp,vehicle_id,"speed, ""true"" (km/h)"\n2026-11-22T10:00:00Z,"veh\n1",5\n'
    batch = batch_of(tmp_path, content)
    assert batch.feature_names == ('speed, "true" (km/h)',)
    assert batch.vehicle_ids == ["veh\n1"]


@pytest.mark.parametrize("cell", [b"", b" ", b'""'])
def test_an_empty_cell_is_a_missing_reading(tmp_path: Path, cell: bytes) -> None:
    batch = batch_of(tmp_path, HEADER + b"2026-11-22T10:00:00Z,veh-1," + cell + b",10\n")
    assert np.isnan(batch.values).tolist() == [[True, False]]


def test_columns_may_stand_in_another_order_in_each_file(tmp_path: Path) -> None:
    other = b"load,speed,vehicle_id,timestamp\n20,60,veh-2,2026-11-22T10:00:01Z\n"
    batch = batch_of(tmp_path, HEADER + ROW, other)
    assert batch.feature_names == ("speed", "load")
    assert batch.values.tolist() == [[50.5, 10.0], [60.0, 20.0]]
    assert batch.vehicle_ids == ["veh-1", "veh-2"]


def test_a_large_file_is_read_whole_and_in_order(tmp_path: Path) -> None:
    rows = b"".join(b"2026-11-22T10:00:00Z,veh-1,%d,0.5\n" % row for row in range(3456))
    assert batch_of(tmp_path, HEADER + rows).values[:, 0].tolist() == list(range(3456))


@pytest.mark.parametrize(
    ("content", "line", "fragments"),
    [
        (HEADER + ROW + b"2026-11-22T10:00:00Z,veh-1,NaN,1\n", 3, ["'speed': expected a number", "'NaN'"]),
        (HEADER + b"2026-11-22T10:00:00Z,veh-1,1,inf\n", 2, ["column 'load': expected a number", "'inf'"]),
        (HEADER + b"2026-11-22T10:00:00Z,veh-1,1,-Infinity\n", 2, ["column 'load'", "'-Infinity'"]),
        (HEADER + b"2026-11-22T10:00:00Z,veh-1,1e400,1\n", 2, ["column 'speed'", "float32", "'1e400'"]),
        (HEADER + b"2026-11-22T10:00:00Z,veh-1,-1e39,1\n", 2, ["column 'speed'", "float32", "'-1e39'"]),
        (HEADER + b"2026-11-22T10:00:00Z,veh-1,fast,1\n", 2, ["column 'speed'", "'fast'"]),
        (HEADER + b"2026-11-22T10:00:00Z,veh-1,1_000,1\n", 2, ["column 'speed'", "'1_000'"]),
        (HEADER + b"2026-11-22T10:00:00Z,veh-1,0x10,1\n", 2, ["column 'speed'", "'0x10'"]),
        (HEADER + "2026-11-22T10:00:00Z,veh-1,\u0661,1\n".encode(), 2, ["column 'speed'", "'\u0661'"]),
        (HEADER + b'2026-11-22T10:00:00Z,veh-1,"1,5",1\n', 2, ["column 'speed'", "'1,5'"]),
        (HEADER + b"2026-11-22T10:00:00Z,veh-1,true,1\n", 2, ["column 'speed'", "'true'"]),
        (HEADER + ROW + ROW + b"2026-11-22T10:00:00Z,veh-1,1\n", 4, ["expected 4 cells", "got 3"]),
        (HEADER + b"2026-11-22T10:00:00Z,veh-1,1,2,3\n", 2, ["expected 4 cells", "got 5"]),
        (HEADER + b"yesterday,veh-1,1,2\n", 2, ["'timestamp': expected an RFC 3339 time", "'yesterday'"]),
        (HEADER + b",veh-1,1,2\n", 2, ["column 'timestamp'"]),
        (HEADER + b"2026-11-22T10:00:00Z,,1,2\n", 2, ["'vehicle_id': expected 1 to 64 characters, got 0"]),
        (HEADER + b"2026-11-22T10:00:00Z," + b"v" * 65 + b",1,2\n", 2, ["column 'vehicle_id'", "got 65"]),
        (HEADER + b'2026-11-22T10:00:00Z,"veh\n1",1,2\n' + b"x,veh-1,1,2\n", 4, ["column 'timestamp'"]),
        (HEADER + b'2026-11-22T10:00:00Z,"veh\n\n1",1\n', 2, ["expected 4 cells"]),
        (HEADER + b'2026-11-22T10:00:00Z,"veh"1,1,2\n', 2, ["not CSV"]),
        (HEADER + ROW + b'2026-11-22T10:00:00Z,"veh\n' + ROW, 3, ["not CSV", "unexpected end"]),
        (HEADER + ROW + b"2026-11-22T10:00:00Z,veh-\xff,1,2\n", 3, ["expected UTF-8, got byte 0xff"]),
        (HEADER.replace(b"\n", b"\r") + ROW, 1, ["a carriage return within the line"]),
        (HEADER + b"1" * (MAX_LINE_BYTES + 1), 2, ["longer than"]),
        (b"", 1, ["expected a header line", "got an empty file"]),
        (b"\n\n", 1, ["expected a header line"]),
        (ROW, 1, ["no column 'timestamp'", "expected a header line"]),
        (b"timestamp;vehicle_id;speed\n", 1, ["no column 'timestamp'", "'timestamp;vehicle_id;speed'"]),
        (b"timestamp,speed\n", 1, ["no column 'vehicle_id'"]),
        (b"timestamp,vehicle_id\n", 1, ["no feature"]),
        (b"timestamp,vehicle_id,speed,load,speed\n", 1, ["column 'speed' stands twice, as columns 3 and 5"]),
        (b"timestamp,vehicle_id,timestamp,load\n", 1, ["'timestamp' stands twice, as columns 1 and 3"]),
        (b"timestamp,vehicle_id,,load\n", 1, ["column 3 of 4 has no name"]),
        (b"timestamp,vehicle_id," + b"n" * 129 + b"\n", 1, ["column 3: expected at most 128 characters"]),
        ("timestamp,vehicle_id,speed\n".encode("utf-16"), 1, ["expected UTF-8"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_line_with_its_place(
    cli: CommandLine, content: bytes, line: int, fragments: list[str]
) -> None:
    Path("trip.csv").write_bytes(content)
    ended = cli("train", "trip.csv")
    ended.assert_failed(f"error: trip.csv:{line}: ", *fragments)
    assert ended.out == ""
    assert cli.models.names() == []


def test_files_of_other_features_are_refused_with_what_differs(cli: CommandLine) -> None:
    Path("a.csv").write_bytes(HEADER + ROW)
    Path("b.csv").write_bytes(b"timestamp,vehicle_id,speed,coolant\n" + ROW)
    told = "b.csv:1: expected the features of a.csv: this file lacks 'load' and adds 'coolant'"
    cli("train", "a.csv", "b.csv").assert_failed(told)
