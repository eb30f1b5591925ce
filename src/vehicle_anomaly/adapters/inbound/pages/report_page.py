"""The report on a training as a page of its own: no script, nothing from elsewhere, light and dark."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from vehicle_anomaly.adapters.inbound.pages.charts import Chart, histogram_chart, pairs_chart
from vehicle_anomaly.adapters.inbound.pages.guards_told import deciding_limit, guards_told
from vehicle_anomaly.adapters.inbound.pages.numbers import number, numbers, percent
from vehicle_anomaly.core.batch_warnings import BatchWarning
from vehicle_anomaly.core.feature_summary import QUANTILE_LEVELS, FeatureSummary
from vehicle_anomaly.core.model import ModelMetadata
from vehicle_anomaly.core.stability import FeatureStability
from vehicle_anomaly.core.training_report import ScoreDistribution, TrainingReport

if TYPE_CHECKING:
    from jinja2 import Template

_PAGES: Final = "vehicle_anomaly.adapters.inbound.pages"
_SCORES: Final = (720, 180)
_FEATURE: Final = (132, 30)
_SHOWN_AT_FIRST: Final = 15


def report_page(known: ModelMetadata, report: TrainingReport | None) -> str:
    """Write the page.

    Args:
        known: Of the version.
        report: On its training; None for one that was published without, of which the page tells the rest.
    """
    return _template().render(
        known=known,
        report=report,
        style=_style(),
        policy=content_security_policy(),
        changes=_changes(report),
        limit=deciding_limit(known, report),
    )


@cache
def content_security_policy() -> str:
    """Return the policy that the page holds to: its own style sheet, and nothing else at all."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


@dataclass(frozen=True, slots=True)
class _Changes:
    """What changed, with what it is now: what is looked at first, and others, all of them stable."""

    first: list[tuple[FeatureStability, FeatureSummary]]
    others: list[tuple[FeatureStability, FeatureSummary]]


def _changes(report: TrainingReport | None) -> _Changes:
    if report is None or report.change is None:
        return _Changes([], [])
    now = {each.feature: each for each in report.features}
    by_size = sorted(report.change.features, key=lambda each: each.psi, reverse=True)
    # A change that may be chance can be larger than one that is none.
    unstable = [(each, now[each.feature]) for each in by_size if each.reading != "stable"]
    stable = [(each, now[each.feature]) for each in by_size if each.reading == "stable"]
    shown = max(0, _SHOWN_AT_FIRST - len(unstable))
    return _Changes(unstable + stable[:shown], stable[shown:])


@cache
def _template() -> "Template":
    # Imported here: most processes never show a page.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    # All that is put in is escaped: names of features and vehicles are what somebody sent.
    environment = Environment(
        loader=PackageLoader(_PAGES, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "number": number,
        "figures": _figures,
        "medians": _medians,
        "percent": percent,
        "moment": _moment,
        "feature_name": _feature_name,
        "kind": _kind,
        "chart_of_feature": _chart_of_feature,
        "chart_of_scores": _chart_of_scores,
        "guards_told": guards_told,
        "chart_of_change": _chart_of_change,
        "bins": _bins,
    }
    environment.filters.update(filters)
    return environment.get_template("report.html")


@cache
def _style() -> str:
    return files(_PAGES).joinpath("templates/report.css").read_text(encoding="utf-8").strip()


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _feature_name(feature: int | str) -> str:
    return feature if isinstance(feature, str) else f"feature {feature}"


def _kind(warning: BatchWarning) -> str:
    return warning.code.replace("_", " ")


def _figures(feature: FeatureSummary) -> list[str]:
    by_level = dict(zip(QUANTILE_LEVELS, feature.quantiles, strict=True))
    low, lower, upper, high = (by_level[level] for level in (0.01, 0.25, 0.75, 0.99))
    return numbers([feature.minimum, low, lower, feature.median, upper, high, feature.maximum], high - low)


def _medians(now: FeatureSummary, before: float) -> list[str]:
    return numbers([before, now.median], now.quantiles[-1] - now.quantiles[0])


def _chart_of_feature(feature: FeatureSummary) -> Chart:
    return histogram_chart(feature.histogram, *_FEATURE)


def _chart_of_scores(scores: ScoreDistribution, limit: float | None) -> Chart:
    return histogram_chart(scores.histogram, *_SCORES, threshold=limit)


def _chart_of_change(change: FeatureStability) -> Chart:
    return pairs_chart(change.shares_before, change.shares_now, *_FEATURE)


def _bins(scores: ScoreDistribution) -> list[tuple[float, float, int]]:
    low, counts = scores.histogram.low, scores.histogram.counts
    width = (scores.histogram.high - low) / len(counts)
    return [(low + at * width, low + (at + 1) * width, count) for at, count in enumerate(counts)]
