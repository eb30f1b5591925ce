"""Scores over time, as a PNG."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vehicle_anomaly.demo.scored import ScoredTrip, outcomes

_CALM = "#4477aa"
_FLAGGED = "#cc3311"


def write_picture(path: Path, scored: Sequence[ScoredTrip]) -> None:
    """Draw one panel per faulty trip: one dot a reading, red where flagged, the fault shaded.

    Args:
        path: Where to write the PNG.
        scored: Trips; those without a fault are left out.
    """
    # matplotlib, plotext and httpx are the extra `demo`; the other commands do not have them.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    faulty = [trip for trip in scored if trip.injection is not None]
    columns = min(2, len(faulty))
    rows = -(-len(faulty) // columns)
    # A figure of its own: pyplot would keep it in a global list and look for a screen.
    figure = Figure(figsize=(5.6 * columns + 0.6, 2.1 * rows + 1.2), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, trip, outcome in zip(grid.flat, faulty, outcomes(scored), strict=False):
        minutes = np.arange(len(trip.scores)) / 60
        at = trip.flagged
        injection = outcome.injection
        axes.axvspan(injection.first / 60, injection.last / 60, color=_FLAGGED, alpha=0.10, linewidth=0)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.scatter(minutes[~at], trip.scores[~at], s=3, color=_CALM, linewidths=0, label="nothing wrong")
        axes.scatter(minutes[at], trip.scores[at], s=5, color=_FLAGGED, linewidths=0, label="anomaly")
        axes.set_title(
            f"{outcome.vehicle_id}: {injection.fault.name} ({outcome.detected:.0%} flagged)",
            fontsize=9,
            loc="left",
        )
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    for axes in grid.flat[len(faulty) :]:
        axes.set_visible(False)
    figure.suptitle("Verdicts over time; the fault is where it is shaded. Simulated fleet", fontsize=11)
    figure.supxlabel("minutes since the trip began", fontsize=9)
    figure.supylabel("anomaly score", fontsize=9)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower right", ncols=2, fontsize=8, frameon=False, markerscale=3
    )
    figure.savefig(path, dpi=120)
