"""What the README says of speed is what `just bench` wrote."""

import pytest

from tests.benchmarks.catalogue import TABLES
from tests.benchmarks.measure import Row, Sample, at_least, at_most, not_measured
from tests.benchmarks.report import missed, readme_table
from tests.benchmarks.results_files import BEGIN, END, README, RESULTS, SUMMARY, with_section


def test_the_readme_has_what_was_measured() -> None:
    if not SUMMARY.exists():
        pytest.skip("nothing measured: `just bench` writes it")
    section = README.read_text().partition(BEGIN)[2].partition(END)[0].strip()
    assert section
    assert section in SUMMARY.read_text()


def test_the_readme_names_every_plot() -> None:
    plots = {path.relative_to(README.parent).as_posix() for path in RESULTS.glob("*.svg")}
    assert {plot for plot in plots if f"]({plot})" not in README.read_text()} == set()


def test_writing_the_readme_again_changes_the_section_and_nothing_else() -> None:
    text = README.read_text()
    written = with_section(text, "measured\n")
    assert f"{BEGIN}\n\nmeasured\n\n{END}" in written
    assert written.partition(BEGIN)[0] == text.partition(BEGIN)[0]
    assert written.partition(END)[2] == text.partition(END)[2]


def test_a_bar_that_is_missed_or_not_measured_is_said() -> None:
    ours, theirs = Sample.of([2e-6]), Sample.of([5e-6])
    rows = [
        Row.of_times("met", ours, theirs, peer="p", bars=(at_least(2.5),)),
        Row.of_times("slow", ours, theirs, peer="p", bars=(at_least(3.0), at_most(1.0))),
        not_measured("absent", "no compiler", bars=(at_least(3.0),)),
        Row("known", ours),
        Row("shown", ours, in_readme=True),
    ]
    assert missed(rows) == [
        "slow: ≥ 3 ×, got 2.50",
        "slow: ≤ 1 µs, got 2.00",
        "absent: ≥ 3 ×, not measured",
    ]
    table = readme_table(rows)
    assert "| met | 2.00 µs | p | 5.00 µs | 2.50 | ≥ 2.5 × ✓ |" in table
    assert "| absent | not measured |" in table
    assert "no compiler" in table
    assert "known" not in table
    assert "| shown |" in table


def test_half_a_bar_is_held() -> None:
    (bar,) = (at_least(3.0),)
    row = Row.of_rates("r", Sample.of([1.5]), Sample.of([1.0]), unit="1/s", peer="p", bars=(bar,))
    assert not bar.met(row)
    assert bar.met(row, slack=2.0)
    assert not bar.met(row, slack=1.9)


def test_tables_have_names_of_their_own() -> None:
    assert len({table.name for table in TABLES}) == len(TABLES)
