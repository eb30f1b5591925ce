"""`forest.npz` made wrong, with hash and signature made to match: refused, or scored within bounds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="bounds memory by /proc")
@pytest.mark.parametrize("mutations", [400, pytest.param(10_000, marks=pytest.mark.soak)])
def test_nothing_but_refusals_and_scores_within_bounds(mutations: int) -> None:
    command = [sys.executable, "-m", "tests.robustness.forest_mutator", str(mutations), "20261126"]
    ended = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60 + mutations / 2
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    told = json.loads(ended.stdout)
    assert told["refused"] + told["scored"] == mutations
    # Both ways out were taken, many times.
    assert min(told.values()) > mutations / 20, told
