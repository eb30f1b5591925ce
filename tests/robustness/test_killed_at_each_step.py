"""`kill -9` at each write, fsync, rename and PUT of publishing: no LATEST that is unreadable or dangles."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
ROUNDS = pytest.mark.parametrize(
    "rounds", [1, pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(7200)])]
)


def killed(address: str, rounds: int) -> Any:
    command = [sys.executable, "-m", "tests.robustness.step_killer", address, str(rounds)]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    told = json.loads(ended.stdout)
    assert sum(told["kills"].values()) == sum(told["answered"].values()) == told["steps"] * rounds
    # Killed before the exchange of LATEST and after it.
    assert told["answered"].keys() == {"first", "second"}
    return told


@ROUNDS
def test_in_a_folder(tmp_path: Path, rounds: int) -> None:
    told = killed(str(tmp_path / "models"), rounds)
    for what in ("write", "before fsync", "after fsync", "before rename", "after rename"):
        assert told["kills"][what] >= 2 * rounds, told


@ROUNDS
def test_in_a_bucket(new_bucket: Callable[[], str], rounds: int) -> None:
    told = killed(f"s3://{new_bucket()}", rounds)
    for what in ("before PUT or DELETE", "after PUT or DELETE"):
        assert told["kills"][what] >= 5 * rounds, told
