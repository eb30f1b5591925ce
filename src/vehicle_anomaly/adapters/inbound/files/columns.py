"""Which column of a CSV or Parquet file is which feature."""

from collections.abc import Callable, Sequence
from typing import Protocol

from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine
from vehicle_anomaly.core.model import ModelMetadata


class WithColumns(Protocol):
    """A file whose columns are known.

    Attributes:
        feature_names: The columns that are features.
        header_line: Where errors about them are told.
    """

    @property
    def feature_names(self) -> tuple[str, ...]:
        """In the order of the file."""
        ...

    @property
    def header_line(self) -> int:
        """From 1; 0 in a file that has no lines."""
        ...


class Columns(Protocol):
    """Orders the columns of each file."""

    def __call__(self, file: str, telemetry: WithColumns) -> Sequence[str]:
        """Return the feature names in the order that the readings are to have.

        Args:
            file: Name of the file, for errors.
            telemetry: Its header has been read.

        Raises:
            BadLine: The file has not the columns that it must have.
        """
        ...


class SameColumns:
    """Holds every file to the features of the first, in any order.

    Attributes:
        feature_names: Of the first file; None before it is read.
    """

    def __init__(self) -> None:
        self.feature_names: tuple[str, ...] | None = None
        self._first_file = ""

    def __call__(self, file: str, telemetry: WithColumns) -> Sequence[str]:
        """Return the names in the order of the first file."""
        if self.feature_names is None:
            self.feature_names, self._first_file = telemetry.feature_names, file
        lacking = _without(self.feature_names, telemetry.feature_names)
        added = _without(telemetry.feature_names, self.feature_names)
        if lacking or added:
            parts = [
                f"{word} {_listed(names)}" for word, names in (("lacks", lacking), ("adds", added)) if names
            ]
            reason = f"expected the features of {self._first_file}: this file {' and '.join(parts)}"
            raise BadLine(file, telemetry.header_line, reason)
        return self.feature_names


class ModelColumns:
    """Finds the features of a model by name, or by position when they have no names."""

    def __init__(self, model: ModelMetadata, warn: Callable[[str], None]) -> None:
        """Take a model.

        Args:
            model: What is known of it.
            warn: Told of a file that has no column for a feature.
        """
        self._model = model
        self._warn = warn

    def __call__(self, file: str, telemetry: WithColumns) -> Sequence[str]:
        """Return the names in the order of the model."""
        names, given, line = self._model.feature_names, telemetry.feature_names, telemetry.header_line
        if names is None:
            if len(given) != self._model.n_features:
                reason = f"expected {self._model.n_features} feature columns, as many as the model has, got"
                raise BadLine(file, line, f"{reason} {len(given)}")
            return given
        unknown = _without(given, names)
        if unknown:
            reason = f"the model has no feature {_listed(unknown)}: expected {_listed(names)}"
            raise BadLine(file, line, reason)
        absent = _without(names, given)
        if absent:
            self._warn(f"{file}: no column {_listed(absent)}: scored as missing")
        return names


def _without(names: Sequence[str], others: Sequence[str]) -> list[str]:
    known = frozenset(others)
    return [name for name in names if name not in known]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
