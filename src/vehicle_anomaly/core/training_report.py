"""What a model learned from: its features, their flaws, its scores, and what changed since the one before."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.batch_warnings import BatchWarning, batch_warnings
from vehicle_anomaly.core.copies import copies
from vehicle_anomaly.core.feature_summary import FeatureSummary, bin_shares, sample_rows, summaries
from vehicle_anomaly.core.forest import Forest
from vehicle_anomaly.core.histogram import Histogram
from vehicle_anomaly.core.sequences import sequences
from vehicle_anomaly.core.stability import Change, FeatureStability, stability
from vehicle_anomaly.core.telemetry import TelemetryBatch

MAX_SCORED: Final = 5_000
"""Training readings that are scored for the report at most."""

_SCORE_BINS: Final = 40


@dataclass(frozen=True, slots=True)
class ScoreDistribution:
    """Scores of a sample of the training readings. Negative is what scikit-learn's forest calls anomalous.

    Attributes:
        sampled_readings: How many.
        minimum: The most anomalous.
        median: Half of them score lower.
        maximum: The most normal.
        share_anomalous: Share below 0, 0 to 1.
        histogram: All of them.
        isolation_limit: Score below which the forest is a reason: that of the guards, and 0 without. None in
            reports from before it was told.
        share_below_limit: Share below `isolation_limit`, 0 to 1; None as that is.
    """

    sampled_readings: int
    minimum: float
    median: float
    maximum: float
    share_anomalous: float
    histogram: Histogram
    isolation_limit: float | None = None
    share_below_limit: float | None = None

    def __post_init__(self) -> None:
        if not self.minimum <= self.median <= self.maximum or not math.isfinite(self.maximum - self.minimum):
            raise ValueError("expected finite scores, the median between minimum and maximum")
        if not 0 <= self.share_anomalous <= 1:
            raise ValueError(f"share_anomalous: expected 0 to 1, got {self.share_anomalous}")
        if (self.isolation_limit is None) != (self.share_below_limit is None):
            raise ValueError("share_below_limit: expected one with isolation_limit, and none without")
        if self.isolation_limit is not None and not math.isfinite(self.isolation_limit):
            raise ValueError(f"isolation_limit: expected a finite number, got {self.isolation_limit}")
        if self.share_below_limit is not None and not 0 <= self.share_below_limit <= 1:
            raise ValueError(f"share_below_limit: expected 0 to 1, got {self.share_below_limit}")


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What can be said of a version when it is trained.

    Attributes:
        sampled_readings: Readings that quantiles and histograms of features are taken from.
        features: One entry a feature, in the model's order.
        scores: Of the training readings.
        warnings: What about the batch makes the model worse, and what to do.
        change: What changed against the version that was the latest before; None when there was none, or one
            without a report.
    """

    sampled_readings: int
    features: tuple[FeatureSummary, ...]
    scores: ScoreDistribution
    warnings: tuple[BatchWarning, ...]
    change: Change | None

    def __post_init__(self) -> None:
        if not self.features or self.sampled_readings < 1:
            raise ValueError("expected at least one feature and one reading")


@dataclass(frozen=True, slots=True)
class EarlierVersion:
    """What a new version is compared with."""

    model_version: str
    report: TrainingReport


def training_report(  # noqa: PLR0913, PLR0917  # all that became of a batch
    batch: TelemetryBatch,
    medians: NDArray[np.float64],
    forest: Forest,
    before: EarlierVersion | None,
    isolation_limit: float = 0.0,
    about_guards: tuple[BatchWarning, ...] = (),
) -> TrainingReport:
    """Report on a training; what it costs is small beside the fit.

    Args:
        batch: What was learnt; each feature has at least one value.
        medians: Shape (n_features,): what stands in for a missing value.
        forest: What was grown.
        before: The version before, with its report.
        isolation_limit: Score below which the forest is a reason.
        about_guards: What guards could not learn from the batch.
    """
    values, n_readings = batch.values, len(batch.values)
    labels: Sequence[int | str] = batch.feature_names or range(values.shape[1])
    rows = sample_rows(n_readings, values.shape[1])
    sampled = n_readings if rows is None else len(rows)
    known_before = {} if before is None else {each.feature: each for each in before.report.features}
    features, stabilities = [], []
    for summary, ordered in summaries(values, medians, labels):
        features.append(summary)
        earlier = known_before.get(summary.feature)
        if before is not None and earlier is not None:
            shares = bin_shares(ordered, earlier.cuts)
            stabilities.append(stability(earlier, summary, shares, before.report.sampled_readings, sampled))
    return TrainingReport(
        sampled_readings=sampled,
        features=tuple(features),
        scores=_scores(values, medians, forest, isolation_limit),
        warnings=about_guards
        + batch_warnings(n_readings, sequences(batch), features, copies(values, medians)),
        change=None if before is None else _change(before, features, stabilities),
    )


def _scores(
    values: NDArray[np.float64], medians: NDArray[np.float64], forest: Forest, isolation_limit: float
) -> ScoreDistribution:
    rows = sample_rows(len(values), 1, MAX_SCORED)
    taken = values if rows is None else values[rows]
    scores = np.sort(forest.score(np.where(np.isnan(taken), medians, taken)))
    low, high = float(scores[0]), float(scores[-1])
    return ScoreDistribution(
        sampled_readings=len(scores),
        minimum=low,
        median=float(scores[len(scores) // 2]),
        maximum=high,
        share_anomalous=int(np.count_nonzero(scores < 0)) / len(scores),
        histogram=Histogram.of(scores, low, high, _SCORE_BINS),
        isolation_limit=isolation_limit,
        share_below_limit=int(np.count_nonzero(scores < isolation_limit)) / len(scores),
    )


def _change(
    before: EarlierVersion, features: Sequence[FeatureSummary], stabilities: Sequence[FeatureStability]
) -> Change:
    def names(of: Sequence[FeatureSummary], but: Sequence[FeatureSummary]) -> Iterator[int | str]:
        known = {each.feature for each in but}
        return (each.feature for each in of if each.feature not in known)

    return Change(
        since_version=before.model_version,
        features=tuple(stabilities),
        added=tuple(names(features, before.report.features)),
        removed=tuple(names(before.report.features, features)),
    )
