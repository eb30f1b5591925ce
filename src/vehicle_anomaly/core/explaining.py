"""What each feature contributed to the score of a reading."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import explain_kernel
from vehicle_anomaly.core.attribution import PathAttribution
from vehicle_anomaly.core.expectation import nothing_but
from vehicle_anomaly.core.forest import LEAF, Forest
from vehicle_anomaly.core.judging import Reasons
from vehicle_anomaly.core.model import TrainedModel

Explain = Literal["anomalies", "always", "never"]
"""Which readings are explained: those that are anomalies, all, or none."""

EXPLAIN: Final[tuple[Explain, ...]] = get_args(Explain)


_NONE: Final = np.empty((0, 2), np.int64)


class Contribution(NamedTuple):
    """What one feature contributed to the score of a reading; a tuple, for there are many of them.

    Attributes:
        feature: Name or position of the sensor.
        contribution: In splits of the forest's trees: by how much the feature made the mean path longer, or,
            negative, shorter and the reading more anomalous. Those of all features sum to the path length
            that was gained or lost against the mean of training.
        observed: The sensor's value, in its unit; None when it had none, and counted as the training median.
        expected: What the other sensors lead one to expect of it, in its unit; the training median where they
            tell nothing of it, or without guards.
        deviation: How much higher than `expected` it is, in spreads: half the range of the middle 68 % of
            what was to be expected, but no less than a thirty-second of that in training; of training where
            the others tell nothing. None without a value or a spread.
    """

    feature: int | str
    contribution: float
    observed: float | None
    expected: float
    deviation: float | None


Explanation = tuple[Contribution, ...]
"""One contribution per feature, the largest first, whatever its sign."""

_Told = tuple[int | str, float, float | None, float, float | None]

# What `Contribution(...)` does, but for a call of Python's own: there are as many of them as features.
_contribution: Final[Callable[[_Told], Contribution]] = partial(tuple.__new__, Contribution)


def explanations(
    model: TrainedModel,
    X: NDArray[np.float64],
    rows: Sequence[int],
    reasons: Mapping[int, Reasons],
    *,
    guarded: bool = True,
) -> dict[int, Explanation]:
    """Explain readings.

    Args:
        model: What scored them.
        X: Shape (n_readings, n_features); NaN is a missing value.
        rows: The readings to explain, by position.
        reasons: By position, why readings are anomalies. What is said there of a sensor is said here, too;
            and a sensor that contradicts the others tells nothing of them.
        guarded: Whether the model's guards take part, if it has any.

    Returns:
        By position, what each feature contributed.
    """
    if not len(rows):
        return {}
    observed = np.ascontiguousarray(X if len(rows) == len(X) else X[rows], np.float64)
    names: Sequence[int | str] = model.metadata.feature_names or range(model.metadata.n_features)
    # By row and column, what is told already.
    known = [
        (row, names.index(reason.feature), reason)
        for row, position in enumerate(rows)
        for reason in reasons.get(position, ())
        if reason.feature is not None
    ]
    # What is out of range, or missing, tells nothing of others anyway.
    doubted = [(row, column) for row, column, reason in known if reason.code == "inconsistent"]
    guards = model.guards if guarded else None
    expecting = nothing_but(model.medians) if guards is None else guards.expecting
    order: NDArray[np.int64] = np.empty(observed.shape, np.int64)
    told = np.empty((*observed.shape, 4))
    places = np.array(doubted) if doubted else _NONE
    trees = model.attribution().trees
    explain_kernel.explain(observed, model.medians, trees, expecting, places, order, told)
    said: list[list[list[float]]] = told.tolist()
    columns: list[list[int]] = order.tolist()
    for row, column, reason in known:
        entry = said[row][columns[row].index(column)]
        entry[2] = entry[2] if reason.expected is None else reason.expected
        entry[3] = math.nan if reason.deviation is None else reason.deviation
    return {
        row: contributions(names, of_row, entries)
        for row, of_row, entries in zip(rows, columns, said, strict=True)
    }


def contributions(
    names: Sequence[int | str], order: Iterable[int], told: Iterable[Sequence[float]]
) -> Explanation:
    """Make an explanation of what was compiled to be fast: features, and numbers of each.

    Args:
        names: Of the features, or their positions.
        order: Features, the largest contribution first.
        told: What each contributed, what was read and expected, and its deviation; NaN for none.
    """
    return tuple(
        [
            # Not a number is the one that does not equal itself; to ask `math.isnan` takes longer.
            _contribution(
                (
                    names[column],
                    contribution,
                    read if read == read else None,  # noqa: PLR0124
                    expected,
                    away if away == away else None,  # noqa: PLR0124
                )
            )
            for column, (contribution, read, expected, away) in zip(order, told, strict=True)
        ]
    )


def warm_up() -> None:
    """Compile what explains, or load it compiled."""
    leaf, one = np.full(1, LEAF, np.int32), np.ones(1)
    forest = Forest(1, 1, 0.0, np.array([0, 1]), leaf, np.zeros(1), leaf, leaf, one)
    trees = PathAttribution.of(forest).trees
    order, told = np.empty((1, 1), np.int64), np.empty((1, 1, 4))
    explain_kernel.explain(np.zeros((1, 1)), one, trees, nothing_but(one), _NONE, order, told)
