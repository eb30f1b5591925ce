"""Measured rows in words: on the terminal, and as Markdown."""

from collections.abc import Iterable, Sequence

from tests.benchmarks.measure import Bar, Plot, Row, Sample, Table

_HEADER = ("what", "measured", "beside", "its", "ratio", "bar", "")


def line(row: Row) -> str:
    """Say a row in one line."""
    what, measured, peer, theirs, ratio, bars, note = _cells(row)
    beside = f"; {peer}: {theirs}; ratio {ratio}" if theirs else f"; ratio {ratio}" if ratio else ""
    verdict = f" [{bars}]" if bars else ""
    return f"{what}: {measured}{beside}{verdict}{f'  ({note})' if note else ''}".replace("`", "")


def markdown(table: Table, rows: Iterable[Row], plots: Iterable[Plot]) -> str:
    """Write a table, and the plots that belong to it."""
    parts = [f"# {table.title}", "", *_table(rows), ""]
    for plot in plots:
        parts += [f"![{plot.title}]({plot.name}.svg)", "", f"{plot.title}: {plot.bound}", ""]
    return "\n".join(parts)


def readme_table(rows: Iterable[Row]) -> str:
    """Write the rows that have a bar, and the others that the README shows."""
    return "\n".join(_table(row for row in rows if row.bars or row.in_readme))


def missed(rows: Iterable[Row]) -> list[str]:
    """Say which bars were not reached, one line each."""
    return [
        f"{row.what}: {_asked(bar, row)}, {'not measured' if row.ours is None else 'got ' + _got(bar, row)}"
        for row in rows
        for bar in row.missed
    ]


def significant(value: float) -> str:
    """Write a number with three significant digits, and no fewer before the point."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def _table(rows: Iterable[Row]) -> list[str]:
    cells = [_cells(row) for row in rows]
    used = [column for column, _ in enumerate(_HEADER) if any(row[column] for row in cells)]
    header = tuple(_HEADER[column] for column in used)
    body = [tuple(row[column] for column in used) for row in cells]
    return [_row(header), _row(["---"] * len(used)), *(_row(row) for row in body)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.what,
        _measured(row.ours, row.unit) if row.ours else "not measured",
        row.peer,
        _measured(row.theirs, row.unit) if row.theirs else "",
        "" if row.ratio is None else significant(row.ratio),
        ", ".join(f"{_asked(bar, row)} {'✓' if bar.met(row) else '✗'}" for bar in row.bars),
        row.note,
    )


def _measured(sample: Sample, unit: str) -> str:
    spread = f" ± {sample.spread:.0%}" if sample.spread >= 0.005 else ""
    return f"{significant(sample.median)} {unit}{spread}".strip()


def _asked(bar: Bar, row: Row) -> str:
    sign = "≥" if bar.kind == "at least" else "≤"
    return f"{sign} {bar.limit:,g}" + (" ×" if bar.of == "ratio" else f" {row.unit}".rstrip())


def _got(bar: Bar, row: Row) -> str:
    value = row.ratio if bar.of == "ratio" else row.ours.median if row.ours else None
    return "nothing" if value is None else significant(value)
