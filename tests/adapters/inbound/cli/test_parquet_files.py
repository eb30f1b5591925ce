"""Parquet files for `train` and `score`."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.adapters.inbound.cli.conftest import NAMES, CommandLine


def a_table(n: int, **other: Any) -> pa.Table:
    return pa.table(
        {
            "vehicle_id": pa.array(["veh-1"] * n).dictionary_encode(),
            "timestamp": pa.array([datetime(2026, 11, 22, 10, tzinfo=UTC)] * n, pa.timestamp("us", "UTC")),
            **{name: pa.array([None if i == 3 else i / 7 for i in range(n)]) for name in NAMES},
            **other,
        }
    )


def test_the_same_model_and_verdicts_as_from_csv(cli: CommandLine, tmp_path: Path) -> None:
    table = a_table(40)
    pq.write_table(table, tmp_path / "trip.parquet")
    lines = [
        ",".join(
            [
                "2026-11-22T10:00:00Z",
                "veh-1",
                *("" if row[name] is None else repr(row[name]) for name in NAMES),
            ]
        )
        for row in table.to_pylist()
    ]
    (tmp_path / "trip.csv").write_text("\n".join([f"timestamp,vehicle_id,{','.join(NAMES)}", *lines]))

    for kind in ("parquet", "csv"):
        # One version: other content would be refused.
        cli("train", "--model-version", "both", str(tmp_path / f"trip.{kind}"))
    scored = [cli("score", str(tmp_path / f"trip.{kind}")).verdicts for kind in ("parquet", "csv")]
    assert scored[0] == scored[1]
    assert len(scored[0]) == 40


def test_a_bad_row_is_told_by_its_number(cli: CommandLine, tmp_path: Path) -> None:
    pq.write_table(a_table(3, load=pa.array([1.0, float("nan"), 2.0])), tmp_path / "trip.parquet")
    cli("train", str(tmp_path / "trip.parquet")).assert_failed(
        "trip.parquet:2: column 'load': expected a finite"
    )


def test_what_is_no_parquet_is_refused(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "trip.parquet").write_bytes(b"PAR1 not really PAR1")
    cli("train", str(tmp_path / "trip.parquet")).assert_failed("trip.parquet:0: malformed")


def test_without_pyarrow_it_says_what_to_install(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(a_table(3), tmp_path / "trip.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    cli("train", str(tmp_path / "trip.parquet")).assert_failed("pip install 'vehicle-anomaly[arrow]'")
