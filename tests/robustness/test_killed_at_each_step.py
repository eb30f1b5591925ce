"""`kill -9` at each write, fsync, rename and PUT of publishing: no LATEST that is unreadable or dangles.

And a service that is started on what is left answers within 5 seconds.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
# A service is started after every seventeenth step, or after each of them.
ROUNDS = pytest.mark.parametrize(
    ("rounds", "served_every"),
    [(1, 17), pytest.param(200, 1, marks=[pytest.mark.soak, pytest.mark.timeout(7200)])],
)


def killed(address: str, rounds: int, served_every: int) -> Any:
    command = [sys.executable, "-m", "tests.robustness.step_killer", address, str(rounds), str(served_every)]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    told = json.loads(ended.stdout)
    assert sum(told["kills"].values()) == sum(told["answered"].values()) == told["steps"] * rounds
    assert told["served"] == -(-told["steps"] // served_every)
    # Killed before the exchange of LATEST and after it.
    assert told["answered"].keys() == {"first", "second"}
    return told


@ROUNDS
def test_in_a_folder(tmp_path: Path, rounds: int, served_every: int) -> None:
    told = killed(str(tmp_path / "models"), rounds, served_every)
    for what in ("write", "before fsync", "after fsync", "before rename", "after rename"):
        assert told["kills"][what] >= 2 * rounds, told


@ROUNDS
def test_in_a_bucket(new_bucket: Callable[[], str], rounds: int, served_every: int) -> None:
    told = killed(f"s3://{new_bucket()}", rounds, served_every)
    for what in ("before PUT or DELETE", "after PUT or DELETE"):
        assert told["kills"][what] >= 5 * rounds, told
