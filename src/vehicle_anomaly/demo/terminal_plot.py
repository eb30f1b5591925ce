"""Scores over time, in the terminal."""

import numpy as np

from vehicle_anomaly.demo.scored import ScoredTrip


def terminal_plot(scored: ScoredTrip, width: int, height: int, *, colour: bool) -> str:
    """Draw one dot a reading: the threshold across, the fault's begin and end upright.

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
    faulty = scored.faulty
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(width, height)
    for label, at, tint in (("healthy", ~faulty, "blue"), ("faulty", faulty, "red")):
        plotext.scatter(
            minutes[at].tolist(), scored.scores[at].tolist(), label=label, color=tint, marker="braille"
        )
    plotext.hline(0)
    plotext.vline(scored.injection.first / 60)
    plotext.vline(scored.injection.last / 60)
    plotext.title(
        f"{scored.trip.vehicle_id}: {scored.injection.fault.name}. Score over time, below 0 is flagged"
    )
    plotext.xlabel("minutes since the trip began")
    drawn: str = plotext.build()
    return drawn if colour else str(plotext.uncolorize(drawn))
