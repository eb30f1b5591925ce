"""How the page of a report is laid out by a real browser, where there is one."""

import html
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pytest

from tests.adapters.inbound.browser import BROWSER, OPTIONS, needs_a_browser
from tests.fakes import a_batch, a_trained_model
from vehicle_anomaly.adapters.inbound.pages.report_page import report_page
from vehicle_anomaly.core.training_report import EarlierVersion
from vehicle_anomaly.demo.sensors import FEATURE_NAMES

pytestmark = needs_a_browser

# Chromium makes no window that is narrower.
NARROWEST: Final = 500
LONG: Final = tuple(f"{name}_of_the_second_of_two_engines" for name in FEATURE_NAMES)

# Into the title, for the browser tells no more than what the page has become.
_TELL: Final = """<script>
const box = (each) => { const { left, top, right, bottom } = each.getBoundingClientRect();
  return { left, top, right, bottom }; };
document.title = JSON.stringify({
  window: window.innerWidth,
  page: document.documentElement.scrollWidth,
  tables: [...document.querySelectorAll(".scroll")].map((each) => [each.scrollWidth, each.clientWidth]),
  labels: [...document.querySelectorAll("svg text")].map(box),
  mark: box(document.querySelector(".mark")),
  bars: box(document.querySelector("svg.wide svg")),
});
</script>"""


class _Box(msgspec.Struct):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "_Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


class _Layout(msgspec.Struct):
    """Lengths in pixels; of tables, how wide they are and how much of it is seen."""

    window: int
    page: int
    tables: list[tuple[int, int]]
    labels: list[_Box]
    mark: _Box
    bars: _Box


def _page(names: tuple[str, ...], limit: float) -> str:
    """Write a report with numbers as long as those of engines are, and the limit where it is asked for."""
    first, second = (
        a_batch(np.random.default_rng(seed).normal(2345.678, 432.1, (3000, len(names))), feature_names=names)
        for seed in range(2)
    )
    before = a_trained_model("v1", batch=first).report
    assert before is not None
    model = a_trained_model("v2", batch=second, before=EarlierVersion("v1", before))
    assert model.report is not None
    scores = replace(model.report.scores, isolation_limit=limit, share_below_limit=0.5)
    return report_page(model.metadata, replace(model.report, scores=scores))


def _laid_out(page: str, width: int, folder: Path) -> _Layout:
    """Let a browser lay a page out in a window."""
    # The page itself lets nothing run: a copy may.
    policy = re.compile('<meta http-equiv="Content-Security-Policy"[^>]*>')
    assert policy.search(page)
    copy = folder / "copy.html"
    copy.write_text(policy.sub("", page).replace("</body>", f"{_TELL}</body>"))
    profile = f"--user-data-dir={folder / 'profile'}"
    ended = subprocess.run(
        [BROWSER, *OPTIONS, "--dump-dom", f"--window-size={width},1200", profile, copy.as_uri()],
        capture_output=True,
        check=True,
        timeout=120,
    )
    told = re.search("<title>({.*})</title>", ended.stdout.decode())
    assert told is not None
    return msgspec.json.decode(html.unescape(told[1]), type=_Layout)


@pytest.mark.parametrize("width", [1000, 1400])
def test_tables_of_usual_names_are_seen_whole(width: int, tmp_path: Path) -> None:
    layout = _laid_out(_page(FEATURE_NAMES, 0.0), width, tmp_path)

    assert layout.page <= layout.window <= width
    assert len(layout.tables) == 2
    for whole, seen in layout.tables:
        assert whole <= seen


@pytest.mark.parametrize("width", [NARROWEST, 900])
def test_what_is_wider_than_the_window_scrolls_in_its_own_box(width: int, tmp_path: Path) -> None:
    layout = _laid_out(_page(LONG, 0.0), width, tmp_path)

    assert layout.page <= layout.window <= width
    for _, seen in layout.tables:
        assert seen < layout.window


@pytest.mark.parametrize("width", [NARROWEST, 1000])
@pytest.mark.parametrize("limit", [-0.6, -0.12345, 0.6])
def test_no_label_of_the_scores_lies_on_another_or_on_a_line(
    width: int, limit: float, tmp_path: Path
) -> None:
    layout = _laid_out(_page(FEATURE_NAMES, limit), width, tmp_path)

    assert len(layout.labels) == 3
    for number, label in enumerate(layout.labels):
        assert layout.bars.left - 1 <= label.left < label.right <= layout.bars.right + 1
        assert not any(label.meets(other) for other in layout.labels[number + 1 :])
        assert not label.meets(layout.mark)
        assert not label.meets(layout.bars)
    # As large as elsewhere on the page, whatever the window.
    assert min(label.bottom - label.top for label in layout.labels) > 10
