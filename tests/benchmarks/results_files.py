"""Where results are written: files of their own, and the README."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.measure import Plot, Row, Table
from tests.benchmarks.plots import draw
from tests.benchmarks.report import markdown, missed, readme_table

RESULTS: Final = Path(__file__).parent / "results"
PARTIAL: Final = RESULTS / "partial"
README: Final = Path(__file__).parents[2] / "README.md"
SUMMARY: Final = RESULTS / "README.md"
BEGIN: Final = "<!-- bench: written by `just bench` -->"
END: Final = "<!-- end of bench -->"


def write_table(table: Table, rows: Sequence[Row], plots: Sequence[Plot], folder: Path) -> None:
    """Write one table and its plots."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{table.name}.md").write_text(markdown(table, rows, plots))
    for plot in plots:
        draw(plot, folder)


def write_summary(measured: Mapping[Table, Sequence[Row]], machine: Sequence[str]) -> None:
    """Write what the whole run gave, and put the same into the README."""
    rows = [row for of_table in measured.values() for row in of_table]
    not_reached = missed(rows)
    parts = [*(f"- {sentence}" for sentence in machine), "", readme_table(rows), ""]
    if not_reached:
        parts += ["Missed in this run:", "", *(f"- {sentence}" for sentence in not_reached), ""]
    parts += ["", ""]
    section = "\n".join(parts).strip() + "\n"
    tables = "\n".join(f"- [{table.title}]({table.name}.md)" for table in measured)
    SUMMARY.write_text(f"# What `just bench` measured\n\n{section}\n## All tables\n\n{tables}\n")
    text = README.read_text()
    README.write_text(with_section(text, section))


def with_section(text: str, section: str) -> str:
    """Return a README with the measured section in its place.

    Raises:
        ValueError: It has no such place.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README has no {BEGIN} … {END}")
    return f"{before}{begin}\n\n{section}\n{end}{after}"
