"""What callers are told of a training."""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from vehicle_anomaly.core.batch_warnings import BatchWarning, Code
from vehicle_anomaly.core.feature_summary import QUANTILE_LEVELS
from vehicle_anomaly.core.stability import Reading
from vehicle_anomaly.core.training_report import TrainingReport

_Feature = Annotated[int | str, Meta(description="Its name, or its position.")]
_Share = Annotated[float, Meta(ge=0, le=1)]


class HistogramItem(msgspec.Struct, frozen=True):
    """Counts in bins of one width from `low` to `high`; the outermost also have what lies beyond them."""

    low: float
    high: float
    counts: list[int]


class FeatureItem(msgspec.Struct, frozen=True):
    """What the training readings say of one feature."""

    feature: _Feature
    minimum: float
    maximum: float
    median: Annotated[float, Meta(description="What stands in for a missing value.")]
    quantiles: Annotated[list[float], Meta(description="At the report's `quantile_levels`.")]
    distinct: Annotated[int, Meta(ge=1, description="Different values in the sample.")]
    missing: Annotated[int, Meta(ge=0)]
    missing_share: _Share
    histogram: HistogramItem


class ScoresItem(msgspec.Struct, frozen=True):
    """Scores of a sample of the training readings."""

    sampled_readings: Annotated[int, Meta(ge=1)]
    minimum: float
    median: float
    maximum: float
    share_anomalous: Annotated[float, Meta(ge=0, le=1, description="Share below 0.")]
    histogram: HistogramItem
    isolation_limit: Annotated[
        float | None,
        Meta(
            description="Score below which the forest is a reason: 0 without guards, and with `GUARDS=off`; "
            "null in reports from before it was told."
        ),
    ]
    share_below_limit: Annotated[
        float | None, Meta(description="Share below `isolation_limit`, 0 to 1; null as that is.")
    ]


class WarningItem(msgspec.Struct, frozen=True):
    """Something about the batch that makes the model worse."""

    code: Code
    feature: Annotated[int | str | None, Meta(description="Null when it is about the whole batch.")]
    message: Annotated[str, Meta(description="What was found, and what to do.")]


class StabilityItem(msgspec.Struct, frozen=True):
    """How much the readings of a feature differ from those of the version before."""

    feature: _Feature
    psi: Annotated[
        float, Meta(ge=0, description="Population stability index on deciles of the version before.")
    ]
    by_chance: Annotated[
        float,
        Meta(
            ge=0,
            description="What `psi` stays under 95 times in 100 when nothing changed, for independent ones.",
        ),
    ]
    reading: Annotated[Reading, Meta(description="Below 0.1 or not above chance; up to 0.25; above 0.25.")]
    median_before: float
    missing_share_before: _Share
    cuts: Annotated[list[float], Meta(description="What the bins end in; the last has no end.")]
    shares_before: list[float]
    shares_now: list[float]


class ChangeItem(msgspec.Struct, frozen=True):
    """What changed against the version that was the latest before."""

    since_version: str
    features: list[StabilityItem]
    added: list[int | str]
    removed: list[int | str]


class ReportItem(msgspec.Struct, frozen=True):
    """What was said of a version when it was trained."""

    sampled_readings: Annotated[
        int, Meta(ge=1, description="Readings that quantiles and histograms are taken from.")
    ]
    quantile_levels: list[float]
    features: list[FeatureItem]
    scores: ScoresItem
    warnings: list[WarningItem]
    change: Annotated[ChangeItem | None, Meta(description="Null when there was none before.")]


def warning_items(warnings: Iterable[BatchWarning]) -> list[WarningItem]:
    """Say what about a batch makes a model worse."""
    return [WarningItem(each.code, each.feature, each.message) for each in warnings]


def report_item(report: TrainingReport) -> ReportItem:
    """Say what was said of a training."""
    told: dict[str, Any] = {
        "sampled_readings": report.sampled_readings,
        "quantile_levels": list(QUANTILE_LEVELS),
        "features": report.features,
        "scores": report.scores,
        "warnings": report.warnings,
        "change": report.change,
    }
    return msgspec.convert(told, ReportItem, from_attributes=True)
