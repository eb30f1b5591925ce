"""Feeds decoders what atheris comes up with, guided by which code it reaches; a program of its own.

The scanners' kernels run as Python here: so what they branch on is seen too, and where they read beyond an
array an IndexError says so, which compiled code would not. `replayed` has the compiled ones read what was
found.
"""

import importlib
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import atheris
import numba

# Compiled from the bytecode that atheris would change: what scores is not fuzzed, and is imported first.
for kernel in (
    "kernel",
    "single_kernel",
    "guard_kernel",
    "reason_kernel",
    "attribution_kernel",
    "leaf_kernel",
    "expect_kernel",
    "explain_kernel",
    "plan_kernel",
    "sequence_kernel",
):
    importlib.import_module(f"vehicle_anomaly.core.{kernel}")


def _as_python(*_: Any, **__: Any) -> Any:
    return lambda function: function


with patch.object(numba, "njit", _as_python), atheris.instrument_imports(include=["vehicle_anomaly"]):
    from tests.fuzzing.decoder import Decoder
    from tests.fuzzing.decoders import decoders

_LIMITS: Final = ("-timeout=20", "-rss_limit_mb=2048", "-max_len=8192", "-print_final_stats=1")


def run(found: Path, arguments: list[str], names: list[str]) -> dict[str, int]:
    """Fuzz one decoder after the other, each in a process that this one becomes two for.

    Args:
        found: Takes for each decoder a folder of seeds and of what reached further code, and a log; a store
            that some of them need stands beside it.
        arguments: libFuzzer's.
        names: Of the decoders; none: all.

    Returns:
        What each process ended with: 0 where there was no fault.
    """
    # NumPy says so where hashes wrap around; compiled code does not.
    warnings.filterwarnings("ignore", "overflow encountered in scalar", RuntimeWarning)
    ended: dict[str, int] = {}
    # Not one that Python removes at its end: each of the processes would.
    store = found.with_name(f"{found.name}-store")
    store.mkdir()
    known = decoders(store)
    for decoder in known.values():
        for seed in decoder.seeds:
            # What scores is compiled here, where no clock runs.
            decoder.feed(seed)
    for name in names or known:
        process = os.fork()
        if process == 0:
            _fuzz(known[name], found / name, arguments)
        ended[name] = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return ended


def _fuzz(decoder: Decoder, found: Path, arguments: list[str]) -> None:
    found.mkdir(exist_ok=True)
    for number, seed in enumerate(decoder.seeds):
        (found / f"seed-{number}").write_bytes(seed)
    log = os.open(found.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)

    def feed(data: bytes) -> None:
        decoder.feed(data)

    artifacts = f"-artifact_prefix={found.parent}/fault-{found.name}-"
    atheris.Setup([sys.argv[0], str(found), artifacts, *_LIMITS, *arguments], feed)
    atheris.Fuzz()


if __name__ == "__main__":
    told = run(Path(sys.argv[1]), sys.argv[2].split(), sys.argv[3:])
    print(json.dumps(told))  # noqa: T201
