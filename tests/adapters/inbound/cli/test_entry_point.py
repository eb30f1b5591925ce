"""The command as people run it: a process of its own, in pipes and on a terminal."""

import errno
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from tests.adapters.inbound.cli.conftest import CommandLine, a_matrix, csv_text
from vehicle_anomaly.adapters.inbound.files.scoring import READINGS_AT_ONCE

READINGS = 3 * READINGS_AT_ONCE
COMMAND = (sys.executable, "-m", "vehicle_anomaly")


@pytest.fixture(scope="module")
def trip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a trip whose verdicts are more than a pipe holds."""
    path = tmp_path_factory.mktemp("trips") / "trip.csv"
    path.write_text(csv_text(a_matrix(READINGS)))
    return path


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment with a store that these tests share."""
    store = tmp_path_factory.mktemp("store")
    return {**os.environ, "MODEL_ARTIFACT_DIR": str(store), "N_ESTIMATORS": "10", "TERM": "xterm"}


@pytest.fixture(scope="module")
def store(trip: Path, environ: dict[str, str]) -> dict[str, str]:
    """Train on the trip; return the environment."""
    ended = run("train", trip, environ=environ)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert msgspec.json.decode(ended.stdout)["record_count"] == READINGS
    return environ


def run(*arguments: str | Path, environ: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], env=environ, capture_output=True, check=False)


def run_on_terminal(
    arguments: Sequence[str | Path], environ: dict[str, str], stdout: int | None = None
) -> tuple[int, str]:
    """Run with a terminal as standard error, and as standard output if there is no other for it.

    Returns:
        The status, and what the terminal got.
    """
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], env=environ, stdout=theirs if stdout is None else stdout, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(mine, 65536):
            shown += piece
    except OSError as error:
        # How Linux says that the other side has closed the terminal.
        if error.errno != errno.EIO:
            raise
    finally:
        os.close(mine)
    return process.wait(), shown.decode()


@contextmanager
def started(*arguments: str | Path, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command with pipes all around it; it does not outlive the block."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*COMMAND, *arguments], env=environ, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_score_ends_well_when_its_reader_has_read_enough(trip: Path, store: dict[str, str]) -> None:
    with started("score", trip, environ=store) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert msgspec.json.decode(process.stdout.readline())["vehicle_id"] == "veh-1"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_a_full_disk_is_told_in_one_line(trip: Path, store: dict[str, str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*COMMAND, "score", trip], env=store, stdout=full, stderr=subprocess.PIPE, check=False
        )
    told = b"vehicle-anomaly: error: standard output: No space left on device\n"
    assert (ended.returncode, ended.stderr) == (1, told)


def test_verdicts_come_while_readings_do_and_an_interrupt_ends_it_in_one_line(
    trip: Path, store: dict[str, str]
) -> None:
    with started("score", "--input-format", "csv", "-", environ=store) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        # The header and as many readings as are scored at once; it is left waiting for more.
        process.stdin.writelines(trip.read_bytes().splitlines(keepends=True)[: READINGS_AT_ONCE + 1])
        process.stdin.flush()
        assert msgspec.json.decode(process.stdout.readline())["vehicle_id"] == "veh-1"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        assert (process.returncode, told) == (1, b"vehicle-anomaly: error: interrupted\n")


def test_a_terminal_shows_progress_and_standard_output_has_only_data(
    trip: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    answer, verdicts = tmp_path / "answer.json", tmp_path / "verdicts.ndjson"
    with answer.open("wb") as out:
        status, shown = run_on_terminal(["train", trip], environ, out.fileno())
    assert status == 0
    assert "Reading" in shown
    assert "Learning from 3,000 readings" in shown
    assert msgspec.json.decode(answer.read_bytes())["record_count"] == READINGS
    with verdicts.open("wb") as out:
        status, shown = run_on_terminal(["score", trip], environ, out.fileno())
    assert status == 0
    assert "Scoring" in shown
    assert "3,000 readings, " in shown
    assert len([msgspec.json.decode(line) for line in verdicts.read_bytes().splitlines()]) == 3000


def test_a_terminal_gets_a_table_and_no_bar_between_verdicts(trip: Path, store: dict[str, str]) -> None:
    status, shown = run_on_terminal(["models", "list"], store)
    assert status == 0
    assert "model" in shown
    assert "┃" in shown
    status, shown = run_on_terminal(["score", trip], store)
    assert status == 0
    assert "Scoring" not in shown
    assert shown.count('"anomaly_score"') == READINGS


def test_a_wrong_environment_is_told_but_not_in_the_way_of_help(environ: dict[str, str]) -> None:
    wrong = {**environ, "CONTAMINATION": "2"}
    ended = run("models", "list", environ=wrong)
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"vehicle-anomaly: error: CONTAMINATION: ")
    assert ended.stderr.count(b"\n") == 1
    helped = run("--help", environ=wrong)
    assert (helped.returncode, helped.stderr) == (0, b"")
    assert b"train" in helped.stdout


@pytest.mark.parametrize("arguments", [["serve"], ["serve", "--workers", "2"]])
@pytest.mark.parametrize("keys", ["", "[]", "/nowhere/keys.json"])
def test_nothing_is_served_without_keys_outside_development(
    environ: dict[str, str], arguments: list[str], keys: str
) -> None:
    ended = run(*arguments, environ={**environ, "ENVIRONMENT": "production", "API_KEYS": keys, "PORT": "0"})
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"vehicle-anomaly: error: API_KEYS: expected ")
    assert ended.stderr.count(b"\n") == 1


@pytest.mark.parametrize("arguments", [["serve"], ["serve", "--workers", "2"], ["work"]])
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret"),
        # The SDK would raise of it when it is imported, and when it is empty.
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"),
    ],
)
def test_a_wrong_variable_of_the_traces_stops_the_start(
    environ: dict[str, str], arguments: list[str], variable: str, value: str
) -> None:
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PORT": "0", variable: value}
    ended = run(*arguments, environ={**environ, **told})
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"vehicle-anomaly: error: {variable}: expected ".encode())
    assert ended.stderr.count(b"\n") == 1
    assert b"s3cret" not in ended.stderr


def test_what_exports_no_spans_does_not_look_at_their_variables(environ: dict[str, str]) -> None:
    wrong = {**environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_SAMPLER": "never"}
    assert run("models", "list", environ=wrong).returncode == 0


def test_files_are_scored_and_models_listed_without_keys(environ: dict[str, str]) -> None:
    assert run("models", "list", environ={**environ, "ENVIRONMENT": "production"}).returncode == 0


@pytest.mark.parametrize(
    "command",
    ["train", "score", "serve", "models", "models list", "models show", "models promote", "keys", "keys new"],
)
def test_every_command_has_a_help_text_with_examples(cli: CommandLine, command: str) -> None:
    ended = cli(*command.split(), "--help")
    assert (ended.status, ended.err) == (0, "")
    assert "Examples:\n    " in ended.out
    assert f"vehicle-anomaly {command}" in ended.out.split("Examples:")[1]


def test_no_command_is_wrong_use_and_shows_the_help(cli: CommandLine) -> None:
    ended = cli()
    assert ended.status == 2
    assert "Commands:" in ended.err


def test_the_version_is_told(cli: CommandLine) -> None:
    assert cli("--version").out.startswith("vehicle-anomaly, version ")
