"""What each feature contributed to the score of a reading."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.model import TrainedModel

Explain = Literal["anomalies", "always", "never"]
"""Which readings are explained: those that are anomalies, all, or none."""

EXPLAIN: Final[tuple[Explain, ...]] = get_args(Explain)


class Contribution(NamedTuple):
    """What one feature contributed to the score of a reading; a tuple, for there are many of them.

    Attributes:
        feature: Name or position of the sensor.
        contribution: In splits of the forest's trees: by how much the feature made the mean path longer, or,
            negative, shorter and the reading more anomalous. Those of all features sum to the path length
            that was gained or lost against the mean of training.
        observed: The sensor's value, in its unit; None when it had none, and counted as the training median.
        expected: The training median: what contributes nothing to speak of. What the other sensors suggest is
            told by reasons.
    """

    feature: int | str
    contribution: float
    observed: float | None
    expected: float


Explanation = tuple[Contribution, ...]
"""One contribution per feature, the largest first, whatever its sign."""


def explanations(model: TrainedModel, X: NDArray[np.float64], rows: Sequence[int]) -> dict[int, Explanation]:
    """Explain readings.

    Args:
        model: What scored them.
        X: Shape (n_readings, n_features); NaN is a missing value.
        rows: The readings to explain, by position.

    Returns:
        By position, what each feature contributed.
    """
    if not len(rows):
        return {}
    observed = X if len(rows) == len(X) else X[rows]
    contributions = model.contributions(observed)
    names: Sequence[int | str] = model.metadata.feature_names or range(model.metadata.n_features)
    medians = model.medians.tolist()
    # Of equal ones, the feature that comes first.
    largest_first = np.argsort(-np.abs(contributions), axis=1, kind="stable")
    told: dict[int, Explanation] = {}
    for row, order, gains, values in zip(
        rows, largest_first.tolist(), contributions.tolist(), observed.tolist(), strict=True
    ):
        told[row] = tuple(
            Contribution(
                names[column],
                gains[column],
                # Not a number is the one that does not equal itself.
                values[column] if values[column] == values[column] else None,
                medians[column],
            )
            for column in order
        )
    return told
