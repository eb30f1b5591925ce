"""What the commands print on standard output: JSON, or a table."""

import sys
from collections.abc import Sequence

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_json(answer: msgspec.Struct) -> None:
    """Print an answer of the HTTP API: in one line, or indented on a terminal."""
    text = msgspec.json.encode(answer)
    click.echo(msgspec.json.format(text, indent=2) if sys.stdout.isatty() else text)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: ruled on a terminal; elsewhere a line per row with tabs between, for `cut` and `awk`."""
    rows = [[_printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            click.echo("\t".join(row))
        return
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # As text, for brackets in a cell are no markup.
        table.add_row(*map(Text, row))
    Console().print(table)


def _printable(cell: str) -> str:
    # Names come from files: none may send control sequences to a terminal, or break a line.
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in cell)
