"""Whatever a decoder of what comes from outside is fed, it reads or refuses: nothing else ever happens."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fuzzing.decoder import Decoder
from tests.fuzzing.decoders import NAMES, decoders

REPOSITORY = Path(__file__).parents[2]
A_MINUTE_OR_TWO = 112
"""Seconds for each decoder in the long form: an hour for all of them."""

with_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris has wheels for Python 3.11 on Linux and x86-64 only",
)


def _run(module: str, *arguments: object, timeout: float) -> Any:
    command = [sys.executable, "-m", f"tests.fuzzing.{module}", *map(str, arguments)]
    ended = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=timeout
    )
    assert ended.returncode == 0, f"{ended.returncode}: {ended.stderr[-4000:]}"
    return json.loads(ended.stdout)


def _fuzz(found: Path, arguments: str, timeout: float) -> None:
    found.mkdir()
    ended = _run("guided", found, arguments, timeout=timeout)
    faults = {name: _tail(found / f"{name}.log") for name, status in ended.items() if status != 0}
    assert not faults, "\n".join(f"{name}: {log}" for name, log in faults.items())
    assert sorted(ended) == sorted(NAMES)
    # What was found is read by compiled code, too.
    told = _run("replayed", 0, found, timeout=timeout)
    for name in NAMES:
        assert sum(told[name].values()) > len(list((found / name).iterdir())), name


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


def test_every_decoder_reads_what_is_right_and_refuses_nothing_else() -> None:
    """On every Python: seeds, and two hundred changes of them each."""
    told = _run("replayed", 200, timeout=200)
    assert sorted(told) == sorted(NAMES)
    for name, counted in told.items():
        # Both ways out were taken, but by those that have one only.
        assert counted["taken"] > 0, name
        assert counted["refused"] > 0 or name in ("batch-scanned", "lines"), name


def test_a_fault_is_found(tmp_path: Path) -> None:
    """What is not a refusal by design is let through."""
    known = decoders(tmp_path)["promote-json"]
    refused = known.refusals
    assert not known.feed(b"{")
    with pytest.raises(refused):
        Decoder(known.decode, (), known.seeds).feed(b"{")


@with_atheris
@pytest.mark.timeout(600)
def test_guided_by_what_is_reached(tmp_path: Path) -> None:
    _fuzz(tmp_path / "found", "-seed=20261127 -runs=1500", timeout=500)


@with_atheris
@pytest.mark.soak
@pytest.mark.timeout(2 * A_MINUTE_OR_TWO * len(NAMES))
def test_guided_by_what_is_reached_for_an_hour(tmp_path: Path) -> None:
    timeout = 1.5 * A_MINUTE_OR_TWO * len(NAMES)
    _fuzz(tmp_path / "found", f"-max_total_time={A_MINUTE_OR_TWO}", timeout=timeout)
