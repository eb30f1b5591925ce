"""Scores over time, in the terminal."""

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.demo.scored import ScoredTrip


def terminal_plot(scored: ScoredTrip, width: int, height: int, *, colour: bool) -> str:
    """Draw one dot a reading, by whether it is flagged: 0 across, the fault's begin and end upright.

    Args:
        scored: A trip with a fault.
        width: Columns.
        height: Lines.
        colour: Whether the terminal takes colours.
    """
    # matplotlib, plotext and httpx are the extra `demo`; the other commands do not have them.
    import plotext  # noqa: PLC0415

    if scored.injection is None:
        raise ValueError("expected a trip with a fault")
    minutes = np.arange(len(scored.scores)) / 60
    flagged = scored.flagged
    plotext.clear_figure()
    plotext.theme("clear")
    # Its own limit would be the size of a terminal that need not be there.
    plotext.limit_size(False, False)
    plotext.plot_size(width, height)
    for label, at, tint in (("nothing wrong", ~flagged, "blue"), ("anomaly", flagged, "red")):
        plotext.scatter(
            minutes[at].tolist(), scored.scores[at].tolist(), label=label, color=tint, marker="braille"
        )
    plotext.hline(0)
    plotext.vline(scored.injection.first / 60)
    plotext.vline(scored.injection.last / 60)
    plotext.yticks(_ticks(scored.scores, 0.05))
    plotext.xticks(np.arange(0, minutes[-1] + 1 / 60, 2).tolist())
    # A title or label that is wider than the plot would be left out.
    plotext.title(f"{scored.trip.vehicle_id}: {scored.injection.fault.name}")
    plotext.xlabel("minutes since the trip began")
    drawn: str = plotext.build()
    return drawn if colour else str(plotext.uncolorize(drawn))


def _ticks(values: NDArray[np.float64], step: float) -> list[float]:
    """Round numbers within the values, and 0: the threshold must have its label."""
    whole = np.arange(np.ceil(min(values.min(), 0) / step), np.floor(max(values.max(), 0) / step) + 1)
    ticks: list[float] = (whole * step).round(6).tolist()
    return ticks
