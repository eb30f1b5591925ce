"""What was found, as a table and in words."""

from collections.abc import Sequence

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
    table.add_column("lowest\nscore", justify="right", no_wrap=True)
    table.add_column("healthy\nflagged", justify="right")
    for outcome in outcomes(scored):
        fault = outcome.injection.fault
        told = Text.assemble((fault.name, "bold"), "\n", (fault.injected, "dim"))
        table.add_row(
            outcome.vehicle_id,
            told,
            str(outcome.injection.last - outcome.injection.first),
            Text(f"{outcome.detected:.0%}", style=_colour(outcome.detected)),
            f"{outcome.lowest_score:.3f}",
            f"{outcome.flagged_when_healthy:.1%}",
        )
    return table


def false_alarm_line(scored: Sequence[ScoredTrip], contamination: float | str) -> str:
    """How many healthy readings were flagged all together, and why it is not none."""
    flagged, healthy = false_alarms(scored)
    line = f"False alarms: {flagged:,} of {healthy:,} healthy readings, {flagged / healthy:.1%}."
    if isinstance(contamination, str):
        return line
    return (
        f"{line} The threshold is where {contamination:.0%} of the training readings, all of them "
        "healthy here, fall below it (contamination). The forest looks at each reading on its own and at all "
        "of its features alike: a fault in one of them can drown among the others."
    )


def _colour(detected: float) -> str:
    if detected >= 0.8:
        return "green"
    return "yellow" if detected >= 0.4 else "red"
