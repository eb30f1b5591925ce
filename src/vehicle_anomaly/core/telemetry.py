"""What a valid reading and a valid batch of readings are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import kernel
from vehicle_anomaly.core.errors import (
    EmptyBatch,
    Flaw,
    InvalidFeatureNames,
    InvalidReading,
    UnknownFeature,
    UnnamedFeatures,
    WrongFeatureCount,
)

MAX_FEATURE = float(np.finfo(np.float32).max)
"""Largest magnitude of a value: scikit-learn's trees compare in float32; anything beyond is infinite."""

MAX_VEHICLE_ID_LENGTH = 64

MAX_FEATURES = 4096
"""Features of a model at most. Vehicles send tens of signals; this bounds what a model can cost."""

MAX_FEATURE_NAME_LENGTH = 128

MAX_FLAWS = 100
"""Places a refusal names at most: enough to see the pattern, bounded whatever is sent."""

_MAX_EXPECTED_NAMES = 20
_PLAIN_VECTORS: Final = frozenset({list, tuple})

Vector = Sequence[float | None]
"""One value per feature, in the model's order; None is a missing reading."""

NamedValues = Mapping[str, float | None]
"""Values by feature name; a name left out, or None, is a missing reading."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one vehicle measured at one time.

    Attributes:
        vehicle_id: 1 to 64 characters.
        timestamp: Aware.
        values: In the model's order, or by name.
    """

    vehicle_id: str
    timestamp: datetime
    values: Vector | NamedValues

    def __post_init__(self) -> None:
        if not 1 <= len(self.vehicle_id) <= MAX_VEHICLE_ID_LENGTH:
            reason = f"expected 1 to {MAX_VEHICLE_ID_LENGTH} characters, got {len(self.vehicle_id)}"
            raise InvalidReading([Flaw("vehicle_id", reason)])
        if self.timestamp.tzinfo is None:
            raise InvalidReading([Flaw("timestamp", "expected a time with an offset from UTC")])


@dataclass(frozen=True, slots=True, eq=False)
class TelemetryBatch:
    """Readings to learn from, column by column.

    Attributes:
        values: Shape (n_readings, n_features), float64; NaN is a missing reading.
        vehicle_ids: One per reading.
        timestamps: Shape (n_readings,), datetime64[us] in UTC.
        feature_names: One per feature, unique; None when the features have only positions.

    Raises:
        EmptyBatch: There is no reading.
        WrongFeatureCount: There is no feature, or more than `MAX_FEATURES`.
        InvalidFeatureNames: The names do not name each position once.
        InvalidReading: A value is infinite or beyond float32.
    """

    values: NDArray[np.float64]
    vehicle_ids: Sequence[str]
    timestamps: NDArray[np.datetime64]
    feature_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.dtype != np.float64:
            raise ValueError(f"values: expected a float64 matrix, got {self.values.dtype}{self.values.shape}")
        n_readings, n_features = self.values.shape
        if n_readings == 0:
            raise EmptyBatch
        check_n_features(n_features)
        if len(self.vehicle_ids) != n_readings or self.timestamps.shape != (n_readings,):
            raise ValueError("values, vehicle_ids and timestamps differ in length")
        if self.feature_names is not None:
            check_feature_names(self.feature_names, n_features)
        flaws = [
            Flaw("feature_vector", reason, row, column)
            for row, column, reason in _beyond_float32(self.values)
        ]
        if flaws:
            raise InvalidReading(flaws)


def check_n_features(n_features: int) -> None:
    """Refuse no features, and more than a model may have.

    Raises:
        WrongFeatureCount: There are none, or more than `MAX_FEATURES`.
    """
    if not 1 <= n_features <= MAX_FEATURES:
        reason = f"expected 1 to {MAX_FEATURES} features, got {n_features}"
        raise WrongFeatureCount([Flaw("records", reason)])


def check_feature_names(names: Sequence[str], n_features: int | None = None) -> None:
    """Refuse names that do not name each position once.

    Raises:
        InvalidFeatureNames: Too few or too many for `n_features`, one that is empty or longer than
            `MAX_FEATURE_NAME_LENGTH`, or one that stands twice.
    """
    flaws = []
    if n_features is not None and len(names) != n_features:
        flaws.append(Flaw("feature_names", f"expected {n_features} names, one per feature, got {len(names)}"))
    first_position: dict[str, int] = {}
    for position, name in enumerate(names):
        if not 1 <= len(name) <= MAX_FEATURE_NAME_LENGTH:
            reason = f"expected 1 to {MAX_FEATURE_NAME_LENGTH} characters, got {len(name)}"
            flaws.append(Flaw("feature_names", reason, item=position))
        elif name in first_position:
            reason = f"{name!r} stands already at position {first_position[name]}"
            flaws.append(Flaw("feature_names", reason, item=position))
        first_position.setdefault(name, position)
    if flaws:
        raise InvalidFeatureNames(flaws[:MAX_FLAWS])


def matrix(
    readings: Sequence[Vector | NamedValues],
    n_features: int,
    feature_names: Sequence[str] | None,
    first_record: int = 0,
) -> NDArray[np.float64]:
    """Lay readings out as rows in the order of the features.

    Args:
        readings: Vectors, named values, or both.
        n_features: Columns.
        feature_names: Name of each column, when they have any.
        first_record: Position of the first reading, for errors.

    Returns:
        Shape (len(readings), n_features), float64; NaN where a reading is missing.

    Raises:
        WrongFeatureCount: A vector is not `n_features` long.
        UnknownFeature: A reading names a feature that is not in `feature_names`.
        UnnamedFeatures: A reading names features, which have no names.
        InvalidReading: A value is infinite or beyond float32.
    """
    if set(map(type, readings)) <= _PLAIN_VECTORS and set(map(len, readings)) <= {n_features}:
        # Nothing to look up and nothing to refuse: as most batches are.
        rows: Sequence[Vector] = cast("Sequence[Vector]", readings)
    else:
        rows = _rows(readings, n_features, feature_names, first_record)
    X = _laid_out(rows, n_features)
    beyond = _beyond_float32(X)
    if beyond:
        raise InvalidReading(
            [
                Flaw("features", reason, first_record + row, feature_names[column])
                if feature_names is not None and isinstance(readings[row], Mapping)
                else Flaw("feature_vector", reason, first_record + row, column)
                for row, column, reason in beyond
            ]
        )
    return X


def _rows(
    readings: Sequence[Vector | NamedValues],
    n_features: int,
    feature_names: Sequence[str] | None,
    first_record: int,
) -> list[Vector]:
    """Order the values of readings as the features; raises as `matrix`."""
    rows: list[Vector] = []
    wrong_count: list[Flaw] = []
    unknown: list[Flaw] = []
    known = None if feature_names is None else frozenset(feature_names)
    for record, values in enumerate(readings, first_record):
        if not isinstance(values, Mapping):
            if len(values) != n_features:
                reason = f"expected {n_features} numbers, got {len(values)}"
                wrong_count.append(Flaw("feature_vector", reason, record))
            rows.append(values)
        elif known is None or feature_names is None:
            reason = "expected feature_vector: the features have no names, only positions"
            raise UnnamedFeatures([Flaw("features", reason, record)])
        else:
            if not values.keys() <= known:
                strangers = sorted(values.keys() - known)[:MAX_FLAWS]
                reason = f"unknown name, expected one of {_some(feature_names)}"
                unknown += [Flaw("features", reason, record, name) for name in strangers]
            rows.append([values.get(name) for name in feature_names])
        if len(wrong_count) + len(unknown) >= MAX_FLAWS:
            break
    if wrong_count:
        raise WrongFeatureCount(wrong_count[:MAX_FLAWS])
    if unknown:
        raise UnknownFeature(unknown[:MAX_FLAWS])
    return rows


def _laid_out(rows: Sequence[Vector], n_features: int) -> NDArray[np.float64]:
    try:
        values = np.fromiter(chain.from_iterable(rows), np.float64, len(rows) * n_features)
    except TypeError:
        # There is a None among them, which takes NumPy a while longer.
        values = np.array(rows, np.float64)
    return values.reshape(len(rows), n_features)


def _beyond_float32(X: NDArray[np.float64]) -> list[tuple[int, int, str]]:
    """Find values that the trees cannot compare: row, column and what is wrong, for `MAX_FLAWS` at most."""
    # NaN compares false, so a missing reading passes.
    if not kernel.any_beyond(X, MAX_FEATURE):
        return []
    rows, columns = np.nonzero(np.abs(X) > MAX_FEATURE)
    return [
        (row, column, f"{X[row, column]} is not a finite float32")
        for row, column in zip(rows[:MAX_FLAWS].tolist(), columns[:MAX_FLAWS].tolist(), strict=True)
    ]


def _some(names: Sequence[str]) -> str:
    # A model may have thousands of names, and a refusal repeats them at each of its places.
    listed = ", ".join(names[:_MAX_EXPECTED_NAMES])
    more = len(names) - _MAX_EXPECTED_NAMES
    return f"{listed} and {more} more" if more > 0 else listed
