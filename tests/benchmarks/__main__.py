"""`just bench [NAME…]` and `just bench-quick`.

The whole run writes its tables and plots to `results/`, and the bars into the README. Single tables go to
`results/partial/`, which is not kept: what stands in the README is of one run. The quick form writes nothing,
and fails when a ratio falls below half its bar, or a table cannot be measured, twice.
"""

import argparse
import sys
import traceback
from collections.abc import Sequence
from time import perf_counter

from tests.benchmarks.catalogue import TABLES
from tests.benchmarks.machine import StolenTime, busy, described
from tests.benchmarks.measure import Plot, Row, Table
from tests.benchmarks.report import line, missed
from tests.benchmarks.results_files import PARTIAL, RESULTS, write_summary, write_table

# Half of the bar: what a noisy machine does to a ratio is less.
_QUICK_SLACK = 2.0


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    known = {table.name: table for table in TABLES}
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; all without any")
    parser.add_argument("--quick", action="store_true", help="hold ratios to half their bars, in seconds")
    arguments = parser.parse_args()
    strangers = [name for name in arguments.names if name not in known]
    if strangers:
        parser.error(f"no table {strangers[0]!r}; there are {', '.join(known)}")
    tables = [known[name] for name in arguments.names] or list(TABLES)
    if arguments.quick:
        return hold(tables)
    _measure(tables, whole=not arguments.names)
    return 0


def _measure(tables: Sequence[Table], *, whole: bool) -> None:
    machine, warning = described(), busy()
    if warning:
        machine.append(f"**{warning}**")
    print(*machine, sep="\n")
    stolen = StolenTime()
    began = perf_counter()
    measured: dict[Table, list[Row]] = {}
    for position, table in enumerate(tables, 1):
        took = (perf_counter() - began) / 60
        print(f"\n{position}/{len(tables)}, after {took:.1f} min: {table.title}", flush=True)
        rows, plots = [], []
        for item in table.measure():
            if isinstance(item, Plot):
                plots.append(item)
                print(f"  plot {item.name}: {item.bound}", flush=True)
            else:
                rows.append(item)
                print(f"  {line(item)}", flush=True)
        measured[table] = rows
        write_table(table, rows, plots, RESULTS if whole else PARTIAL)
    machine.append(
        f"{(perf_counter() - began) / 60:.0f} minutes, {stolen.share():.1%} of the time stolen by the host"
    )
    if whole:
        write_summary(measured, machine)
    not_reached = missed([row for rows in measured.values() for row in rows])
    print("\nBars missed:" if not_reached else "\nNo bar missed.", *not_reached, sep="\n  ")


def hold(tables: Sequence[Table]) -> int:
    """Run quick forms, and those that fail once more; return the exit status."""
    failed = [table for table in tables if _below_half(table)]
    # Once more: another process may have taken the machine.
    again = [sentence for table in failed for sentence in _below_half(table)]
    for sentence in again:
        print(f"below half its bar or not measured, twice: {sentence}", file=sys.stderr)
    return 1 if again else 0


def _below_half(table: Table) -> list[str]:
    found = []
    try:
        for row in table.quick() if table.quick else ():
            print(f"{table.name}: {line(row)}", flush=True)
            # Absolute figures are the machine's as much as ours; only ratios are held.
            bars = [bar for bar in row.bars if bar.of == "ratio"]
            if row.ours is not None and not all(bar.met(row, _QUICK_SLACK) for bar in bars):
                found.append(line(row))
    except Exception as error:  # noqa: BLE001 - of any kind: what another process did to this one
        traceback.print_exc()
        found.append(f"{table.name}: {error!r}")
    return found


if __name__ == "__main__":
    sys.exit(main())
