"""Curves as SVG files."""

from pathlib import Path

from tests.benchmarks.measure import Plot


def draw(plot: Plot, folder: Path) -> None:
    """Draw a plot into `<name>.svg`, the same bytes for the same figures."""
    import matplotlib as mpl  # noqa: PLC0415 - the quick form draws nothing

    # No clock and no random names in the file.
    mpl.rcParams.update({"svg.hashsalt": plot.name, "svg.fonttype": "none", "font.size": 9})
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for name, points in plot.curves.items():
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", markersize=3, label=name)
    if plot.log:
        axes.set_xscale("log")
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(plot.x)
    axes.set_ylabel(plot.y)
    axes.set_title(plot.title, fontsize=10, loc="left")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(plot.curves) > 1:
        axes.legend(frameon=False)
    figure.savefig(folder / f"{plot.name}.svg", metadata={"Date": None})
