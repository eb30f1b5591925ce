"""A model: its name, its versions, what is known of a version, and what scores."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import silence
from vehicle_anomaly.core.attribution import PathAttribution
from vehicle_anomaly.core.errors import InvalidModelName, InvalidModelVersion
from vehicle_anomaly.core.fitting import Contamination
from vehicle_anomaly.core.forest import Forest
from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.healthy_scores import HealthyScores
from vehicle_anomaly.core.linked_trees import Place
from vehicle_anomaly.core.scoring_threads import SMALLEST_PART, THIS_THREAD, ScoringThreads
from vehicle_anomaly.core.single_readings import Alone, SingleReadings, ToldAlone
from vehicle_anomaly.core.telemetry import MAX_FEATURE, NamedValues, Vector, check_feature_names, matrix
from vehicle_anomaly.core.telemetry_sample import TelemetrySample
from vehicle_anomaly.core.training_report import TrainingReport

MODEL_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
MODEL_VERSION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"

_MODEL_NAME = re.compile(MODEL_NAME_PATTERN.strip("^$"))
_MODEL_VERSION = re.compile(MODEL_VERSION_PATTERN.strip("^$"))
# The store keeps the pointer to the latest version under this name, and some file systems ignore case.
RESERVED_VERSION = "latest"


@dataclass(frozen=True, slots=True)
class ModelName:
    """Name of a model: one per fleet, vehicle model or signal set.

    Raises:
        InvalidModelName: It does not match `MODEL_NAME_PATTERN`.
    """

    value: str

    def __post_init__(self) -> None:
        if not _MODEL_NAME.fullmatch(self.value):
            raise InvalidModelName(
                self.value, f"1 to 64 letters, digits, '.', '_' or '-' ({MODEL_NAME_PATTERN})"
            )

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """Name of an immutable version of a model.

    Raises:
        InvalidModelVersion: It does not match `MODEL_VERSION_PATTERN`, or is `LATEST` in any case.
    """

    value: str

    def __post_init__(self) -> None:
        if not _MODEL_VERSION.fullmatch(self.value):
            expected = f"1 to 128 letters, digits, '.', '_' or '-' ({MODEL_VERSION_PATTERN})"
            raise InvalidModelVersion(self.value, expected)
        if self.value.lower() == RESERVED_VERSION:
            raise InvalidModelVersion(self.value, "another name: this one is reserved for the latest version")

    def __str__(self) -> str:
        return self.value

    @classmethod
    def made_at(cls, moment: datetime) -> Self:
        """Make a version that sorts by `moment` and that no other trainer makes, however many there are."""
        return cls(f"{moment.astimezone(UTC):%Y%m%d%H%M%S%f}-{secrets.token_hex(6)}")


DEFAULT_MODEL_NAME = ModelName("default")

GuardsKind = Literal["none", "ranges", "partial", "full"]
"""What a version has beside its forest: `none`: nothing, `is_anomaly` is the forest's alone. `ranges`: ranges
and gaps, for there were too few readings to compare sensors. `partial`: some sensors are compared with the
others, those that tell most about each other. `full`: all are."""


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What is known of one version.

    Attributes:
        model_name: The model.
        model_version: The version.
        trained_at: When it was trained, aware.
        n_estimators: Trees.
        contamination: Share of the training readings taken as anomalous, or `auto`.
        random_state: Seed.
        max_samples: Readings that each tree was grown on.
        n_features: Features.
        feature_names: One per feature; None when they have only positions.
        record_count: Readings trained on.
        records_with_missing: Readings among them that had a missing value, imputed with the median.
        missing_per_feature: Missing values, one count per feature.
        vehicle_count: Different vehicles among the readings.
        first_timestamp: The earliest reading, aware.
        last_timestamp: The latest reading, aware.
        guards: What stands beside the forest.
        false_alarm_rate: Share of healthy readings that guards and forest together were set to call an
            anomaly; None without guards.
        percentile_readings: Training readings whose scores, by trees that did not see them, percentiles are
            taken from; None where there are no percentiles.
        records_without_values: Readings among them in which no feature had a value.
    """

    model_name: ModelName
    model_version: ModelVersion
    trained_at: datetime
    n_estimators: int
    contamination: Contamination
    random_state: int
    max_samples: int
    n_features: int
    feature_names: tuple[str, ...] | None
    record_count: int
    records_with_missing: int
    missing_per_feature: tuple[int, ...]
    vehicle_count: int
    first_timestamp: datetime
    last_timestamp: datetime
    guards: GuardsKind = "none"
    false_alarm_rate: float | None = None
    percentile_readings: int | None = None
    records_without_values: int = 0

    def __post_init__(self) -> None:
        if (self.guards == "none") != (self.false_alarm_rate is None):
            raise ValueError("false_alarm_rate: expected one with guards, and none without")
        if len(self.missing_per_feature) != self.n_features:
            raise ValueError(f"missing_per_feature: expected {self.n_features} counts")
        if self.feature_names is not None:
            check_feature_names(self.feature_names, self.n_features)

    @property
    def is_silence_unusual(self) -> bool:
        """Whether readings without any value were well below what may be false alarms in training."""
        rate = self.false_alarm_rate or 0.0
        return silence.is_silence_unusual(self.records_without_values, self.record_count, rate)


# What `content_sha256` covers, in this order: listed, so that a field which is added later leaves the hashes
# of stored models as they are. All but `trained_at`.
_CONTENT = (
    "model_name",
    "model_version",
    "n_estimators",
    "contamination",
    "random_state",
    "max_samples",
    "n_features",
    "feature_names",
    "record_count",
    "records_with_missing",
    "missing_per_feature",
    "vehicle_count",
    "first_timestamp",
    "last_timestamp",
)


@dataclass(frozen=True, slots=True, eq=False)
class TrainedModel:
    """One version of a model: what scores, and what is known of it.

    Attributes:
        metadata: What is known of it.
        forest: What scores.
        medians: Shape (n_features,), float64: what stands in for a missing reading.
        estimator: The scikit-learn estimator the forest was taken from, to be stored for notebooks; None in a
            model that was loaded, which never reads it.
        report: What is to be stored of the training; None in a model that was loaded, which does not read it.
        guards: What stands beside the forest; None when nothing does.
        healthy_scores: What percentiles are looked up in; None in versions from before there were any, and
            in those that learned too little.
        sample: What is to be stored of the readings that were learned from; None as for `report`.
    """

    metadata: ModelMetadata
    forest: Forest
    medians: NDArray[np.float64]
    estimator: Any = None
    report: TrainingReport | None = None
    guards: Guards | None = None
    healthy_scores: HealthyScores | None = None
    sample: TelemetrySample | None = None
    _attribution: PathAttribution | None = field(default=None, init=False, repr=False)
    _single: SingleReadings = field(init=False, repr=False)
    _single_unguarded: SingleReadings = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if (self.guards is None) != (self.metadata.guards == "none"):
            raise ValueError(f"guards: expected {self.metadata.guards}")
        if (self.healthy_scores is None) != (self.metadata.percentile_readings is None):
            raise ValueError(
                f"healthy_scores: expected those of {self.metadata.percentile_readings} readings"
            )
        if self.guards is not None and self.guards.n_features != self.metadata.n_features:
            raise ValueError(
                f"expected guards on {self.metadata.n_features} features, got {self.guards.n_features}"
            )
        if self.forest.n_features != self.metadata.n_features:
            raise ValueError(
                f"expected a forest on {self.metadata.n_features} features, got {self.forest.n_features}"
            )
        if self.forest.n_trees != self.metadata.n_estimators:
            raise ValueError(f"expected {self.metadata.n_estimators} trees, got {self.forest.n_trees}")
        if self.forest.max_samples != self.metadata.max_samples:
            raise ValueError(
                f"expected max_samples {self.metadata.max_samples}, got {self.forest.max_samples}"
            )
        if self.medians.dtype != np.float64 or self.medians.shape != (self.metadata.n_features,):
            raise ValueError(f"medians: expected {self.metadata.n_features} float64 numbers")
        if not np.all(np.abs(self.medians) <= MAX_FEATURE):
            raise ValueError("medians: expected finite float32 numbers")
        unguarded = SingleReadings(self.forest, self.medians, None)
        object.__setattr__(self, "_single_unguarded", unguarded)
        guarded = unguarded if self.guards is None else SingleReadings(self.forest, self.medians, self.guards)
        object.__setattr__(self, "_single", guarded)

    def placed(self, place: Place) -> "TrainedModel":
        """Return the same model with the arrays of its forest where `place` puts them."""
        return replace(self, forest=self.forest.placed(place))

    def matrix(self, readings: Sequence[Vector | NamedValues]) -> NDArray[np.float64]:
        """Lay readings out in the order of this model's features; see `telemetry.matrix`."""
        return matrix(readings, self.metadata.n_features, self.metadata.feature_names)

    def score(self, X: NDArray[np.float64], threads: ScoringThreads = THIS_THREAD) -> NDArray[np.float64]:
        """Give each reading its anomaly score; a missing value counts as the training median.

        Args:
            X: Shape (n_readings, n_features); NaN is a missing reading.
            threads: Where it is computed.

        Returns:
            Shape (n_readings,); negative is anomalous.
        """
        if X.shape[0] <= SMALLEST_PART:
            return self.forest.score(X, self.medians)
        scores = np.empty(X.shape[0])

        def score_part(part: slice) -> None:
            scores[part] = self.forest.score(X[part], self.medians)

        threads.share(X.shape[0], score_part)
        return scores

    def attribution(self) -> PathAttribution:
        """Return what puts down each reading's path length to its features."""
        attribution = self._attribution
        if attribution is None:
            # Derived when it is first asked for, in a few milliseconds; twice at the same time does no harm.
            attribution = PathAttribution.of(self.forest)
            object.__setattr__(self, "_attribution", attribution)
        return attribution

    def score_alone(self, values: Vector | NamedValues, *, guarded: bool) -> Alone | None:
        """Give one reading its anomaly score, and tell whether it is an anomaly, sooner than `score`.

        Args:
            values: In the model's order, or by name.
            guarded: Whether the model's guards take part, if it has any.

        Returns:
            None if it has no value, or is to be refused.
        """
        # To ask whether a list is a sequence takes longer than to pack it.
        if type(values) is not list and not isinstance(values, Sequence):
            names = self.metadata.feature_names
            if names is None:
                return None
            vector = [values.get(name) for name in names]
            # A name that is not known is refused: it may stand where one is missing.
            if (len(values) != len(names) or None in vector) and not values.keys() <= set(names):
                return None
            values = vector
        return (self._single if guarded else self._single_unguarded).score(values)

    def missing(self, values: Vector | NamedValues) -> tuple[str, ...] | tuple[int, ...]:
        """Return the features that have no value: their names, or their positions when they have no names."""
        positions = [
            place
            for place, value in enumerate(self.vector(values))
            if value is None or value != value  # noqa: PLR0124  # it is NaN
        ]
        names = self.metadata.feature_names
        return tuple(positions) if names is None else tuple([names[place] for place in positions])

    def vector(self, values: Vector | NamedValues) -> Vector:
        """Return values in this model's order, whichever way they are given; checks nothing."""
        if isinstance(values, Mapping):
            return [values.get(name) for name in self.metadata.feature_names or ()]
        return values

    def tell_alone(self, values: Vector, score: float, explain: str, *, guarded: bool) -> ToldAlone:
        """Give the reasons and the explanation of one reading that `score_alone` gave a score.

        Args:
            values: In the model's order.
            score: The score.
            explain: As for `SingleReadings.tell`.
            guarded: As for `score_alone`.
        """
        single = self._single if guarded else self._single_unguarded
        return single.tell(values, score, explain, self.attribution)

    def content_sha256(self) -> str:
        """Hash of everything that makes this version what it is, but for when it was trained.

        Two trainings of one batch, at different times, have the same content.
        """
        content = hashlib.sha256()
        for name in _CONTENT:
            content.update(f"{name}={getattr(self.metadata, name)!s}\n".encode())
        _add_arrays(content, {**self.forest.arrays(), "medians": self.medians})
        content.update(f"offset={self.forest.offset!r}".encode())
        if self.healthy_scores is not None:
            content.update(f"percentile_readings={self.metadata.percentile_readings}\n".encode())
            _add_arrays(content, self.healthy_scores.arrays())
        if self.guards is not None:
            self._add_guards(content, self.guards)
        if self.metadata.records_without_values:
            # Only then: without, the hash is that of before they were counted.
            content.update(f"records_without_values={self.metadata.records_without_values}\n".encode())
        return content.hexdigest()

    def _add_guards(self, content: "hashlib._Hash", guards: Guards) -> None:
        known = self.metadata
        content.update(f"guards={known.guards} false_alarm_rate={known.false_alarm_rate!r}\n".encode())
        _add_arrays(content, {**guards.trees.arrays(), **guards.arrays()})
        content.update(f"depth={guards.trees.depth} limit={guards.isolation_limit!r}".encode())


def _add_arrays(content: "hashlib._Hash", arrays: Mapping[str, NDArray[np.generic]]) -> None:
    for name, array in arrays.items():
        content.update(f"{name}:{array.dtype.str}{array.shape}\n".encode())
        content.update(np.ascontiguousarray(array).tobytes())


def newest_first(versions: Sequence[ModelMetadata]) -> list[ModelMetadata]:
    """Order versions by when they were trained, the newest first."""
    return sorted(versions, key=lambda known: (known.trained_at, known.model_version.value), reverse=True)
