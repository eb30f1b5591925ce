"""The whole demonstration, against the real service."""

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from tests.demo.trips import a_trip
from vehicle_anomaly.demo import client
from vehicle_anomaly.demo import command as demo
from vehicle_anomaly.demo.fleet import Trip
from vehicle_anomaly.demo.service import running_service

ARTIFACTS = {"faults.csv", "reading.json", "scores.png", "today.csv", "training.csv"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def flagged_shares(folder: Path) -> dict[str, str]:
    """Share of each fault's readings that the verdicts on file flag, as the table prints it."""
    verdicts = rows(folder / "verdicts.csv")
    shares = {}
    for fault in rows(folder / "faults.csv"):
        start, end = (datetime.fromisoformat(fault[at]) for at in ("start", "end"))
        flags = [
            verdict["is_anomaly"].lower() == "true"
            for verdict in verdicts
            if verdict["vehicle_id"] == fault["vehicle_id"]
            and start <= datetime.fromisoformat(verdict["timestamp"]) < end
        ]
        shares[fault["vehicle_id"]] = f"{sum(flags) / len(flags):.0%}"
    return shares


def test_what_is_printed_is_what_the_files_and_the_commands_it_proposes_say(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MODEL_")}
    ran = subprocess.run(
        [sys.executable, "-m", "vehicle_anomaly", "demo", "--vehicles", "7", "--output", "my demo"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    folder = tmp_path / "my demo"
    assert {path.name for path in folder.iterdir()} == ARTIFACTS
    assert "my demo/scores.png" in ran.stdout

    steps = ran.stdout.partition("Try next:")[2]
    commands = [line.strip() for line in steps.splitlines() if line.strip() and not line.startswith("  #")]
    alone = [line for line in commands if not line.startswith("curl") and not line.endswith("serve")]
    assert len(alone) == len(commands) - 2
    subprocess.run(
        ["bash", "-euc", "\n".join(alone)], cwd=tmp_path, env=environ, check=True, capture_output=True
    )

    printed = {
        line.split()[0]: re.findall(r"(\d+%) ", line)[0]
        for line in ran.stdout.splitlines()
        if line.lstrip().startswith("vehicle-") and "%" in line
    }
    assert printed == flagged_shares(folder)
    assert len(printed) == 6

    curl = shlex.split(next(line for line in commands if line.startswith("curl")))
    body = (tmp_path / curl[-1].removeprefix("@")).read_bytes()
    with running_service(folder / "models") as url:
        headers = dict([curl[3].split(": ")])
        answer = httpx.post(f"{url}/score", content=body, headers=headers, trust_env=False)
    verdict = answer.json()
    assert answer.status_code == 200
    assert json.dumps(verdict["anomaly_score"]) in ran.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_demonstration_and_its_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: signal.Signals
) -> None:
    urls = []

    def interrupted(http: httpx.Client, _: list[Trip]) -> None:
        urls.append(http.base_url)
        assert http.get("/healthz").status_code == 200
        os.kill(os.getpid(), number)

    monkeypatch.setattr(client, "train", interrupted)
    handler = signal.getsignal(signal.SIGTERM)

    result = CliRunner().invoke(demo.command, ["--vehicles", "1", "--output", str(tmp_path / "out")])

    assert (result.exit_code, result.stdout) == (1, "")
    assert signal.getsignal(signal.SIGTERM) is handler
    with pytest.raises(httpx.ConnectError):
        httpx.get(urls[0], trust_env=False)


def test_without_the_extra_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: None if name == "plotext" else object())

    result = CliRunner().invoke(demo.command, ["--output", str(tmp_path / "out")])

    assert result.exit_code == 1
    assert result.stderr == (
        "Error: demo needs plotext: install the extra with pip install 'vehicle-anomaly[demo]'\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    result = CliRunner().invoke(demo.command, ["--output", str(tmp_path / "file" / "demo")])

    assert result.exit_code == 1
    assert "file" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--vehicles", "0"], ["--vehicles", "25"], ["--seed", "-1"]])
def test_wrong_options_are_refused(arguments: list[str]) -> None:
    assert CliRunner().invoke(demo.command, arguments).exit_code == 2


def test_the_largest_fleet_fits_into_one_request() -> None:
    trips = [a_trip(24, 900)] * 24 * 6
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(len(request.content))
        return httpx.Response(201, json={})

    with httpx.Client(base_url="http://service", transport=httpx.MockTransport(answer)) as http:
        client.train(http, trips)

    assert sent[0] < 32 * 1024 * 1024, "the service's default limit"
