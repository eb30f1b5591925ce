"""What a benchmark hands over: rows with their bars, and plots.

A module of benchmarks is listed in `catalogue.py` as a `Table`: a name, a title, a function `measure`
that yields `Row` and `Plot` one by one (what is yielded is shown at once), and, if it has ratios that
`just bench-quick` is to hold, a function `quick` that yields `Row` in a few seconds. For example:

    def measure() -> Iterator[Row | Plot]:
        ours, peers = side_by_side(lambda: forest.score(X), lambda: peer.decision_function(X), repeats=7)
        yield Row.of_times(
            "100,000 readings, one thread, each",
            ours / N,
            peers / N,
            peer="scikit-learn's decision_function",
            bars=(at_least(3.0),),
        )
        yield Row("peak memory", Sample.of([210.0]), "MB", bars=(at_most(200.0),))
        yield not_measured("100,000 readings beside isotree", "isotree is not installed")

Peers are imported inside functions, through `peers.py`: one that is not installed makes its row
"not measured", never an error and never silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Literal


@dataclass(frozen=True, slots=True)
class Sample:
    """Several measurements of one thing.

    Attributes:
        median: Of all.
        low: First quartile; the lesser one of two.
        high: Third quartile; the greater one of two.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Sample:
        """Sum up measurements; one is enough."""
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median(values), low, high)

    def __truediv__(self, count: float) -> Sample:
        return Sample(self.median / count, self.low / count, self.high / count)

    def __mul__(self, count: float) -> Sample:
        return Sample(self.median * count, self.low * count, self.high * count)

    @property
    def spread(self) -> float:
        """Half the distance of the quartiles, as a share of the median."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


@dataclass(frozen=True, slots=True)
class Bar:
    """What a row has to reach.

    Attributes:
        of: Whether it holds for the row's ratio or for the measurement itself.
        limit: In no unit, or in the row's.
        kind: Whether the limit is the least or the most.
    """

    of: Literal["ratio", "measured"]
    limit: float
    kind: Literal["at least", "at most"]

    def met(self, row: Row, slack: float = 1.0) -> bool:
        """Say whether a row reaches it; with a slack of 2, whether it reaches half of it."""
        value = row.ratio if self.of == "ratio" else row.ours.median if row.ours else None
        if value is None:
            return False
        return value >= self.limit / slack if self.kind == "at least" else value <= self.limit * slack


def at_least(ratio: float) -> Bar:
    """Ask for a ratio: how many times better than the peer."""
    return Bar("ratio", ratio, "at least")


def at_most_ratio(ratio: float) -> Bar:
    """Ask for a ratio that is a cost: a share of the peer's."""
    return Bar("ratio", ratio, "at most")


def at_most(measured: float) -> Bar:
    """Ask for a measurement, in the row's unit, that does not depend on a peer."""
    return Bar("measured", measured, "at most")


def no_less_than(measured: float) -> Bar:
    """Ask for a measurement, in the row's unit, that is not below a limit."""
    return Bar("measured", measured, "at least")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured.

    Attributes:
        what: Of what, in words that need no title.
        ours: The measurements; none where it could not be measured, and the note says why.
        unit: Theirs: µs, requests/s, MB, …
        peer: Beside what in the same run; empty where there is none.
        theirs: The peer's measurements, in the same unit.
        ratio: Between the two. `of_times` and `of_rates` make it "how many times better".
        bars: What is to be reached. None: the row is there to be known.
        note: A short sentence, such as what bounds it.
        in_readme: Whether the README shows it though it has no bar.
    """

    what: str
    ours: Sample | None
    unit: str = ""
    peer: str = ""
    theirs: Sample | None = None
    ratio: float | None = None
    bars: tuple[Bar, ...] = ()
    note: str = ""
    in_readme: bool = False

    @classmethod
    def of_times(
        cls,
        what: str,
        ours: Sample,
        theirs: Sample,
        *,
        peer: str,
        bars: tuple[Bar, ...] = (),
        note: str = "",
        in_readme: bool = False,
    ) -> Row:
        """Compare times, given in seconds: the ratio is theirs over ours. Shown in ns, µs, ms or s."""
        unit, factor = _time_unit(ours.median)
        ratio = theirs.median / ours.median
        return cls(what, ours * factor, unit, peer, theirs * factor, ratio, bars, note, in_readme)

    @classmethod
    def of_rates(
        cls,
        what: str,
        ours: Sample,
        theirs: Sample,
        *,
        unit: str,
        peer: str,
        bars: tuple[Bar, ...] = (),
        note: str = "",
    ) -> Row:
        """Compare rates, such as requests a second: the ratio is ours over theirs."""
        return cls(what, ours, unit, peer, theirs, ours.median / theirs.median, bars, note)

    @property
    def missed(self) -> tuple[Bar, ...]:
        """The bars that it does not reach; all of them where it was not measured."""
        return tuple(bar for bar in self.bars if not bar.met(self))


def not_measured(what: str, why: str, *, peer: str = "", bars: tuple[Bar, ...] = ()) -> Row:
    """Say that something could not be measured here, and why."""
    return Row(what, None, peer=peer, bars=bars, note=f"not measured: {why}")


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves of one figure.

    Attributes:
        name: Of its file, without a suffix.
        title: What is drawn.
        x: What the abscissa is, with its unit.
        y: What the ordinate is, with its unit.
        curves: Points by the name of their curve.
        bound: One sentence: what bounds it.
        log: Whether both axes are logarithmic.
    """

    name: str
    title: str
    x: str
    y: str
    curves: Mapping[str, Sequence[tuple[float, float]]]
    bound: str
    log: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A module of benchmarks.

    Attributes:
        name: What `just bench NAME` calls it, and the name of its file.
        title: What was measured, and on what.
        measure: Yields what it measures, as soon as it is measured.
        quick: The same in seconds, for ratios that `just bench-quick` holds to half their bars.
    """

    name: str
    title: str
    measure: Callable[[], Iterator[Row | Plot]]
    quick: Callable[[], Iterator[Row]] | None = None


def _time_unit(seconds: float) -> tuple[str, float]:
    scales = ((1.0, "s", 1.0), (1e-3, "ms", 1e3), (1e-6, "µs", 1e6))
    return next(((unit, factor) for least, unit, factor in scales if seconds >= least), ("ns", 1e9))
