"""Tables, on the terminal and as Markdown."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Result:
    """One measured table.

    Attributes:
        name: Name of its file.
        title: What was measured, and on what.
        header: Of the columns.
        rows: Of text.
    """

    name: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def show(result: Result) -> None:
    """Print a table, and write it to `results`."""
    table = Table(*result.header, title=result.title, title_justify="left")
    for row in result.rows:
        table.add_row(*row)
    Console().print(table)
    lines = [
        "| " + " | ".join(row) + " |" for row in (result.header, ("---",) * len(result.header), *result.rows)
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{result.name}.md").write_text("\n".join([result.title, "", *lines, ""]))
