"""Named columns of readings → the order in which a model has its features."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.errors import Flaw, UnknownFeature, WrongFeatureCount
from vehicle_anomaly.core.telemetry import MAX_FLAWS

_MAX_EXPECTED_NAMES = 20


def in_order(
    values: NDArray[np.float64],
    names: Sequence[str] | None,
    n_features: int,
    feature_names: Sequence[str] | None,
) -> NDArray[np.float64]:
    """Put named columns into the order of the features; one that is not there is missing throughout.

    Args:
        values: Shape (n_readings, len(names)).
        names: Of the columns; None: they are in the features' order.
        n_features: Columns wanted.
        feature_names: Their names; None takes the columns as they stand.

    Raises:
        WrongFeatureCount: Features without names are not as many.
        UnknownFeature: A column is no feature.
    """
    if feature_names is None or names is None:
        n_columns = values.shape[1]
        if n_columns != n_features:
            reason = f"expected {n_features} columns that are features, got {n_columns}"
            raise WrongFeatureCount([Flaw("features", reason)])
        return values
    if tuple(names) == tuple(feature_names):
        return values
    column = {name: position for position, name in enumerate(names)}
    known = frozenset(feature_names)
    unknown = [name for name in names if name not in known]
    if unknown:
        listed = ", ".join(feature_names[:_MAX_EXPECTED_NAMES])
        reason = f"unknown name, expected one of {listed}"
        raise UnknownFeature([Flaw("features", reason, item=name) for name in unknown[:MAX_FLAWS]])
    X = np.full((len(values), n_features), np.nan)
    for position, name in enumerate(feature_names):
        if name in column:
            X[:, position] = values[:, column[name]]
    return X
