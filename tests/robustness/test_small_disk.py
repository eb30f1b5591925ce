"""A full disk and a read-only folder: a clear error, nothing half there, and what was there answers."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
APART = ["unshare", "--map-root-user", "--mount"]


def _may_mount(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    command = [*APART, "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_nothing_is_lost_and_it_is_said(tmp_path: Path) -> None:
    if not _may_mount(tmp_path):
        pytest.skip("mounts a small disk, which is not allowed here")
    command = [*APART, sys.executable, "-m", "tests.robustness.small_disk", str(tmp_path)]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
