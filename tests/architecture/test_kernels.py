"""Compiled code that is called for each byte or value."""

from importlib import import_module

import pytest

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
