"""What was found, as a table and in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from vehicle_anomaly.demo.scored import ScoredTrip, false_alarms, outcomes


def findings(scored: Sequence[ScoredTrip]) -> Table:
    """One row per fault. Every figure is counted from the verdicts."""
    table = Table(box=box.SIMPLE_HEAD, title="What the service found", title_justify="left", pad_edge=False)
    table.add_column("Vehicle", no_wrap=True)
    table.add_column("Fault")
    table.add_column("Faulty\nreadings", justify="right")
    table.add_column("of these\nflagged", justify="right")
    table.add_column("sensor\nnamed", justify="right", no_wrap=True)
    table.add_column("healthy\nflagged", justify="right")
    for outcome in outcomes(scored):
        fault = outcome.injection.fault
        told = Text.assemble((fault.name, "bold"), "\n", (fault.injected, "dim"))
        table.add_row(
            outcome.vehicle_id,
            told,
            str(outcome.injection.last - outcome.injection.first),
            Text(f"{outcome.detected:.0%}", style=_colour(outcome.detected)),
            "-" if outcome.named is None else f"{outcome.named:.0%}",
            f"{outcome.flagged_when_healthy:.1%}",
        )
    return table


def reasons(scored: Sequence[ScoredTrip]) -> Table:
    """One row per fault of which something was flagged: what the service says of it."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for outcome in outcomes(scored):
        if outcome.reason:
            table.add_row(f"  {outcome.vehicle_id}", outcome.reason)
    return table


def false_alarm_line(scored: Sequence[ScoredTrip], metadata: Mapping[str, Any]) -> str:
    """How many healthy readings were flagged all together, and how many were asked for.

    Args:
        scored: All trips.
        metadata: Of the version that scored them.
    """
    flagged, healthy = false_alarms(scored)
    line = f"False alarms: {flagged:,} of {healthy:,} healthy readings, {flagged / healthy:.1%}."
    rate = metadata["false_alarm_rate"]
    if rate is None:
        return f"{line} Guards are off: the forest alone has judged."
    return (
        f'{line} {rate:.1%} were asked for (FALSE_ALARM_RATE). "Sensor named" is the share of the flagged '
        "readings whose first reason names a sensor that is at fault."
    )


def _colour(detected: float) -> str:
    if detected >= 0.8:
        return "green"
    return "yellow" if detected >= 0.4 else "red"
