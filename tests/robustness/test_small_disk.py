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


def _run_apart(program: str, folder: Path) -> None:
    """Run a program that mounts."""
    if not _may_mount(folder):
        pytest.skip("mounts a small disk, which is not allowed here")
    command = [*APART, sys.executable, "-m", program, str(folder)]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]


def test_nothing_is_lost_and_it_is_said(tmp_path: Path) -> None:
    _run_apart("tests.robustness.small_disk", tmp_path)


def test_workers_live_on_when_the_folder_of_their_counts_is_full(tmp_path: Path) -> None:
    _run_apart("tests.robustness.full_temporary_folder", tmp_path)
