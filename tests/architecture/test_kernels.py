"""Compiled code that is called for each byte or value."""

import subprocess
import sys
from importlib import import_module

import pytest

from vehicle_anomaly.adapters.inbound.wire import compiled_wire
from vehicle_anomaly.core import compiled

READERS = ("json_kernel", "msgpack_kernel", "nesting_kernel", "scan_kernel", "splice_kernel")
MAKES_ARRAYS = {"number_vehicles"}


@pytest.mark.parametrize(
    "module", [*(f"wire.{name}" for name in READERS), "files.csv_kernel"], ids=lambda name: name
)
def test_what_reads_and_writes_records_counts_no_references(module: str) -> None:
    """Else each call counts those of its arrays: a scan then takes four times as long."""
    kernel = import_module(f"vehicle_anomaly.adapters.inbound.{module}")
    compiled = {
        name: function.targetoptions
        for name, function in vars(kernel).items()
        if hasattr(function, "targetoptions") and function.py_func.__module__ == kernel.__name__
    }
    assert compiled
    assert {name for name, options in compiled.items() if options.get("_nrt", True)} <= MAKES_ARRAYS


def test_what_is_called_is_loaded_and_not_compiled_at_each_start() -> None:
    """A service would start seconds later."""
    program = "from tests.architecture.test_kernels import compiled_again; print(*compiled_again())"
    # The first compiles what nobody has compiled yet.
    _, again = (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        for _ in range(2)
    )
    assert again.stdout.split() == []


def compiled_again() -> list[str]:
    """Return what warming up compiles although it was compiled before."""
    compiled.warm_up()
    compiled_wire.warm_up()
    return sorted(
        f"{name}.{function.py_func.__name__}"
        for name, module in list(sys.modules.items())
        if name.startswith("vehicle_anomaly.")
        for function in vars(module).values()
        if getattr(function, "signatures", ()) and not function.stats.cache_hits
    )
