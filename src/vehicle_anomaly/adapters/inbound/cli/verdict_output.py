"""Verdicts → NDJSON or CSV."""

import csv
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Final

from vehicle_anomaly.adapters.inbound.files.formats import FileFormat
from vehicle_anomaly.adapters.inbound.files.verdicts import SomeVerdicts
from vehicle_anomaly.adapters.inbound.wire.answers import (
    ContributionResponse,
    ReasonResponse,
    VerdictResponse,
)

CSV_COLUMNS: Final = VerdictResponse.__struct_fields__
"""The fields of a verdict; those that are lists with semicolons between: of reasons, the sentences."""


def header(output_format: FileFormat) -> bytes:
    """Return what comes before all verdicts."""
    return _csv([CSV_COLUMNS]) if output_format is FileFormat.CSV else b""


def text_of(output_format: FileFormat) -> Callable[[SomeVerdicts], bytes]:
    """Return what makes text of verdicts."""
    if output_format is FileFormat.CSV:
        return lambda verdicts: _csv([_cells(verdict) for verdict in verdicts.responses()])
    return lambda verdicts: verdicts.lines()


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = StringIO()
    # LF alone, against RFC 4180: what comes next in a pipe mostly takes a CR for a part of the last cell.
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _cells(verdict: VerdictResponse) -> list[object]:
    return [_cell(getattr(verdict, column)) for column in CSV_COLUMNS]


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(map(_text, value)) if isinstance(value, tuple) else value


def _text(item: object) -> str:
    if isinstance(item, ReasonResponse):
        return item.message
    if isinstance(item, ContributionResponse):
        # A zero is neither more nor less.
        told = f"{item.contribution:+.4g}" if item.contribution else "0"
        return f"{item.feature}: {told}"
    return str(item)
