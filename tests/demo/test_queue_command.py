"""The demonstration of the queues, with real workers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from vehicle_anomaly.demo import queue_command


def table_rows(printed: str) -> dict[tuple[str, str], list[str]]:
    """Read the first table: figures by request and what it came to."""
    part = printed.partition("What came of the requests")[2].partition("Refused, and why")[0]
    rows = [re.split(r"\s{2,}", line.strip()) for line in part.splitlines() if re.search(r"\d", line)]
    return {(row[0], row[1]): row[2:] for row in rows}


def test_every_request_comes_to_what_it_should(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "vehicle_anomaly", "demo-queue", "--workers", "2"],
        cwd=tmp_path,
        # What a deployment sets must not be touched.
        env={
            **os.environ,
            "COLUMNS": "100",
            "REQUEST_QUEUE_URL": "http://127.0.0.1:1/1/x",
            "MODEL_BUCKET": "x",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
    rows = table_rows(ran.stdout)
    assert {key: row[0] for key, row in rows.items()} == {
        ("ingest", "ingested"): "1",
        ("score", "scored"): "200",
        ("score", "refused"): "2",
        ("score_batch", "scored_batch"): "40",
        ("score_batch", "refused"): "1",
        ("(event of S3)", "scored_object"): "1",
        ("(event of S3)", "refused"): "1",
        ("(no JSON)", "dead letter"): "1",
        ("(unknown type)", "dead letter"): "1",
    }
    assert [rows[key][1] for key in (("score", "scored"), ("score_batch", "scored_batch"))] == [
        "200",
        "2,400",
    ]
    assert all(int(row[2]) > 0 for row in rows.values() if len(row) == 3)
    assert "messages a second" in ran.stdout
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_command, "find_spec", lambda name: None if name == "moto" else object())

    result = CliRunner().invoke(queue_command.command)

    assert result.exit_code == 1
    assert result.stderr == (
        "Error: demo-queue needs moto: install the extra with pip install 'vehicle-anomaly[demo-queue]'\n"
    )


@pytest.mark.parametrize("arguments", [["--workers", "0"], ["--workers", "9"], ["--seed", "-1"]])
def test_wrong_options_are_refused(arguments: list[str]) -> None:
    assert CliRunner().invoke(queue_command.command, arguments).exit_code == 2
