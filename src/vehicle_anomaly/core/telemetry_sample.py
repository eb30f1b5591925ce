"""Some of the readings that a version was trained on, kept with it to be scored again."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.feature_summary import sample_rows
from vehicle_anomaly.core.telemetry import MAX_FEATURE, TelemetryBatch

MAX_READINGS: Final = 5_000
MAX_VALUES: Final = 1_000_000
"""Of a sample: 8 MB; with 4,096 features, 244 readings."""


@dataclass(frozen=True, slots=True, eq=False)
class TelemetrySample:
    """What sensors read; neither of which vehicle nor when.

    Attributes:
        values: Shape (n_readings, n_features), float64; NaN is a missing reading.
        records: Shape (n_readings,), int64: where each stood in the batch, ascending.

    Raises:
        ValueError: They do not fit each other, or are no readings.
    """

    values: NDArray[np.float64]
    records: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.records.shape != (len(self.values),) or not self.records.size:
            raise ValueError("expected one record number for each reading, and at least one reading")
        if np.any(np.abs(self.values) > MAX_FEATURE):
            raise ValueError("values: expected finite float32 numbers")
        if self.records[0] < 0 or np.any(np.diff(self.records) <= 0):
            raise ValueError("records: expected ascending positions")

    @classmethod
    def of(cls, batch: TelemetryBatch) -> Self:
        """Take all readings of a small batch, and of a large one the same sample each time."""
        n_readings, n_features = batch.values.shape
        rows = sample_rows(n_readings, 1, max(1, min(MAX_READINGS, MAX_VALUES // n_features)))
        records = np.arange(n_readings) if rows is None else np.asarray(rows, np.int64)
        return cls(batch.values[records], records.astype(np.int64))
