"""The rectangles of small bar charts, in the units of an SVG's `viewBox`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from vehicle_anomaly.core.histogram import Histogram

# A label of "limit -0.05339" in the middle of this, on a telephone, would hang over the edge.
_EDGE: Final = 0.15


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle; `kind` is its class in the style sheet."""

    x: str
    y: str
    width: str
    height: str
    kind: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line and its label.

    Attributes:
        place: From the left, as a share of the chart's width.
        anchor: Which end of the label stands there, so that none of it is beyond the chart.
    """

    place: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars on a ground line.

    Attributes:
        width: Of the `viewBox`.
        height: Of the `viewBox`; bars stand on its lower edge.
        bars: Those that are there to be seen.
        mark: What stands at the threshold; None for nothing.
    """

    width: int
    height: int
    bars: tuple[Bar, ...]
    mark: Mark | None = None


def histogram_chart(histogram: Histogram, width: int, height: int, threshold: float | None = None) -> Chart:
    """Draw a histogram.

    Args:
        histogram: What to draw.
        width: Of the chart.
        height: Of the chart.
        threshold: What is left of it is drawn as beyond it, and a line stands there.
    """
    low, high, counts = _wide(histogram)
    edges = [low + (high - low) * number / len(counts) for number in range(len(counts) + 1)]
    if threshold is not None:
        # Where all are on one side of it, the line is drawn all the same.
        margin = max(high - low, low - threshold, threshold - high) / 40
        low, high = min(low, threshold - margin), max(high, threshold + margin)
    bars = []
    for count, begin, end, kind in _parts(counts, edges, threshold):
        left, right = ((edge - low) / (high - low) * width for edge in (begin, end))
        bars += _bar(left, right, count / max(counts), height, kind)
    mark = None if threshold is None else _mark((threshold - low) / (high - low))
    return Chart(width, height, tuple(bars), mark)


def pairs_chart(before: Sequence[float], now: Sequence[float], width: int, height: int) -> Chart:
    """Draw two shares for each bin side by side."""
    step, highest = width / len(before), max(*before, *now)
    bars = []
    for number, (earlier, later) in enumerate(zip(before, now, strict=True)):
        left = number * step
        bars += _bar(left, left + 0.42 * step, earlier / highest, height, "before")
        bars += _bar(left + 0.45 * step, left + 0.87 * step, later / highest, height, "now")
    return Chart(width, height, tuple(bars))


def _mark(share: float) -> Mark:
    anchor = "start" if share < _EDGE else "end" if share > 1 - _EDGE else "middle"
    return Mark(f"{_written(100 * share)}%", anchor)


def _wide(histogram: Histogram) -> tuple[float, float, tuple[int, ...]]:
    """Give the one bin of a constant a width, and a place in the middle."""
    if len(histogram.counts) > 1:
        return histogram.low, histogram.high, histogram.counts
    # A half of each, for the difference of two floats can be none.
    margin = max(abs(histogram.low) / 2, 0.5)
    return histogram.low / 2 - margin, histogram.low / 2 + margin, (0, 0, 0, histogram.counts[0], 0, 0, 0)


def _parts(
    counts: Sequence[int], edges: Sequence[float], threshold: float | None
) -> Iterator[tuple[int, float, float, str]]:
    """Part the bins at the threshold: count, begin, end and kind of each bar."""
    for count, begin, end in zip(counts, edges[:-1], edges[1:], strict=True):
        if threshold is None or begin >= threshold:
            yield count, begin, end, "now"
        elif end <= threshold:
            yield count, begin, end, "beyond"
        else:
            yield count, begin, threshold, "beyond"
            yield count, threshold, end, "now"


def _bar(left: float, right: float, share: float, height: int, kind: str) -> list[Bar]:
    if share <= 0:
        return []
    # What is there is seen, however few they are.
    tall = max(share * height, 1.0)
    return [Bar(_written(left), _written(height - tall), _written(right - left), _written(tall), kind)]


def _written(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
