"""The report on a training as a page."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.fakes import a_batch, a_trained_model
from vehicle_anomaly.adapters.inbound.pages.charts import histogram_chart, pairs_chart
from vehicle_anomaly.adapters.inbound.pages.numbers import number, numbers, percent
from vehicle_anomaly.adapters.inbound.pages.report_page import content_security_policy, report_page
from vehicle_anomaly.core.histogram import Histogram
from vehicle_anomaly.core.model import TrainedModel
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.training_report import EarlierVersion

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "{{ 7 * 7 }}", "</style><b>", "a&b")


class _Elements(HTMLParser):
    """What a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def _hostile_batch(seed: int) -> TelemetryBatch:
    batch = a_batch(n_readings=60, n_features=5, seed=seed, feature_names=HOSTILE)
    batch.values[:, 0] = 1.0
    return replace(batch, vehicle_ids=["<i>veh</i>"] * 40 + ["b", "c"] * 10)


def _model(version: str = "v2", before: EarlierVersion | None = None) -> TrainedModel:
    return a_trained_model(version, batch=_hostile_batch(len(version)), before=before)


def _page() -> str:
    first = _model("v1").report
    assert first is not None
    model = _model("v2", EarlierVersion("v1", first))
    return report_page(model.metadata, model.report)


def test_what_somebody_sent_is_text_wherever_it_stands() -> None:
    page = _Elements(_page())

    for name in HOSTILE:
        assert page.text.count(name) >= 2
    assert "'<i>veh</i>'" in page.text
    assert not {"script", "img", "i", "iframe", "object"} & set(page.tags)
    assert page.tags.count("b") == page.tags.count("li")
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_it_needs_nothing_but_itself_and_holds_to_its_own_policy() -> None:
    text = _page()
    page = _Elements(text)

    links = [value for name, value in page.attributes if name in ("src", "href", "xlink:href", "action")]
    assert links == ["data:,"]
    assert "style" not in dict(page.attributes)
    assert "url(" not in text
    assert "@import" not in text
    style = re.search("<style>(.*)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in content_security_policy()
    assert ("content", content_security_policy()) in page.attributes
    assert "default-src 'none'" in content_security_policy()


def test_it_tells_warnings_scores_changes_and_features() -> None:
    text = _Elements(_page()).text

    assert "default, version v2" in text
    assert "Compared with version v1" in text
    assert "is 1 wherever it has a value" in text
    assert "lie below the limit, 0" in text
    assert "off: the forest alone" in text
    for heading in (
        "Warnings about the batch",
        "Scores of the training readings",
        "What changed",
        "Features",
    ):
        assert heading in text


def test_plots_are_told_in_words_and_numbers_too() -> None:
    page = _Elements(_page())

    named = [name for name, _ in page.attributes if name in ("aria-label", "aria-labelledby")]
    assert page.tags.count("svg") == 12
    assert len(named) >= 11
    assert {"title", "desc", "details", "th"} <= set(page.tags)


def _of_guards(limit: float | None) -> str:
    model = _model("v1")
    assert model.report is not None
    known = replace(model.metadata, guards="partial", false_alarm_rate=0.002)
    share = None if limit is None else 0.0123
    scores = replace(model.report.scores, isolation_limit=limit, share_below_limit=share)
    return report_page(known, replace(model.report, scores=scores))


def test_with_guards_it_shows_the_limit_that_decides_and_what_was_asked_for() -> None:
    page = _of_guards(-0.0871)
    text = _Elements(page).text

    assert "1.2 % of them lie below the limit, -0.0871" in text
    assert ">limit -0.0871</text>" in page
    assert "some sensors against the others" in text
    assert "0.2 %" in text


def test_of_a_limit_that_nobody_told_no_line_is_drawn() -> None:
    page = _of_guards(None)

    assert "is not in this report" in _Elements(page).text
    assert 'class="mark"' not in page


def test_without_a_version_before_it_says_so() -> None:
    model = _model()

    assert "no version before with a report" in _Elements(report_page(model.metadata, model.report)).text


def test_without_a_report_it_tells_what_is_known() -> None:
    text = _Elements(report_page(_model().metadata, None)).text

    assert "published without a report" in text
    assert "60" in text


def test_of_hundreds_of_features_those_that_changed_come_first_and_stable_ones_fold() -> None:
    names = [f"signal-{number:03}" for number in range(200)]
    before = a_batch(n_readings=2000, n_features=200, seed=1, feature_names=names)
    now = a_batch(n_readings=2000, n_features=200, seed=2, feature_names=names)
    now.values[:, 150] += 3
    first = a_trained_model("v1", batch=before).report
    assert first is not None
    model = a_trained_model("v2", batch=now, before=EarlierVersion("v1", first))

    text = _Elements(report_page(model.metadata, model.report)).text

    changes = text[text.index("What changed") :]
    assert changes.index("signal-150") < changes.index("more, all stable") < changes.index("Features")
    assert "185 more, all stable" in changes


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (1470.0, "1,470"),
        (12345.678, "12,346"),
        (29_123_456.0, "29,123,456"),
        (1_700_000_000.0, "1,700,000,000"),
        (88.0, "88"),
        (0.0314159, "0.03142"),
        (-2.5, "-2.5"),
        (3.4e38, "3.4e+38"),
        (1e-5, "1e-05"),
    ],
)
def test_numbers_are_written_for_people(value: float, written: str) -> None:
    assert number(value) == written


@pytest.mark.parametrize(
    ("values", "spread", "written"),
    [
        ([101_315.03, 101_325.0, 101_334.98], 18.0, ["101,315", "101,325", "101,335"]),
        ([0.999999, 1.0, 1.000001], 2e-6, ["0.999999", "1", "1.000001"]),
        ([29_100_000.0, 29_123_456.0], 20_000.0, ["29,100,000", "29,123,456"]),
        ([-40.0, 88.76123, 88.7613], 100.0, ["-40", "88.76", "88.76"]),
        ([7.5, 7.5], 0.0, ["7.5", "7.5"]),
    ],
)
def test_numbers_that_are_compared_can_be_told_apart(
    values: list[float], spread: float, written: list[str]
) -> None:
    assert numbers(values, spread) == written


def test_figures_of_a_sensor_that_hardly_moves_can_be_told_apart() -> None:
    batch = a_batch(n_readings=60, n_features=3)
    batch.values[:, 1] = 1 + np.linspace(-1e-6, 1e-6, 60)
    batch.values[:, 2] = np.linspace(29_100_000, 29_123_456, 60)
    model = a_trained_model("v1", batch=batch)

    page = report_page(model.metadata, model.report)

    assert "<td>0.999999</td>" in page
    assert "<td>1.000001</td>" in page
    assert "<td>29,100,000</td>" in page
    assert "<td>29,123,456</td>" in page


@pytest.mark.parametrize(
    ("share", "written"),
    [(0, "0 %"), (1, "100 %"), (0.051, "5.1 %"), (1e-6, "< 0.1 %"), (0.99999, "> 99.9 %")],
)
def test_what_is_nearly_none_is_not_none(share: float, written: str) -> None:
    assert percent(share) == written


@pytest.mark.parametrize(
    "histogram",
    [
        Histogram(0.1, 0.1, (5,)),
        Histogram(0.3, 0.3 + 1e-12, (1, 2, 3)),
        Histogram(-0.3, -0.1, (1, 2, 3)),
        Histogram(-0.1, 0.3, (0, 2, 3)),
        Histogram(-3e38, 3e38, (1, 0, 1)),
    ],
)
@pytest.mark.parametrize("threshold", [None, 0.0])
def test_bars_stay_in_their_chart(histogram: Histogram, threshold: float | None) -> None:
    chart = histogram_chart(histogram, 100, 30, threshold)

    assert chart.bars
    for bar in chart.bars:
        x, y, width, height = map(float, (bar.x, bar.y, bar.width, bar.height))
        assert np.isfinite([x, y, width, height]).all()
        assert -0.01 <= x <= x + width <= 100.02
        assert y + height == pytest.approx(30, abs=0.02)
    if threshold is not None:
        assert chart.mark is not None
        assert 0 < float(chart.mark.place.removesuffix("%")) < 100


def test_pairs_stand_side_by_side() -> None:
    chart = pairs_chart((0.5, 0.5, 0.0), (0.1, 0.1, 0.8), 90, 30)

    assert [bar.kind for bar in chart.bars] == ["before", "now", "before", "now", "now"]
    assert float(chart.bars[-1].height) == 30
