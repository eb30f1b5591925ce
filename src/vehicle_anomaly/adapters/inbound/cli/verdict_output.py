"""Verdicts → standard output or a file, as NDJSON or CSV."""

import csv
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import BinaryIO, Final

from vehicle_anomaly.adapters.inbound.files.formats import FileFormat
from vehicle_anomaly.adapters.inbound.files.verdicts import SomeVerdicts
from vehicle_anomaly.adapters.inbound.wire.answers import (
    ContributionResponse,
    ReasonResponse,
    VerdictResponse,
)

CSV_COLUMNS: Final = VerdictResponse.__struct_fields__
"""The fields of a verdict; those that are lists with semicolons between: of reasons, the sentences."""


@contextmanager
def open_output(path: Path | None) -> Iterator[BinaryIO]:
    """Open where the verdicts go.

    A file appears, or takes the place of the one that was there, when it is complete: until then it has
    another name beside it. What is no file, such as a pipe or `/dev/null`, is written to as it is.

    Args:
        path: None is standard output.

    Raises:
        OSError: It cannot be written.
    """
    if path is None:
        yield sys.stdout.buffer
    elif path.exists() and not path.is_file():
        with path.open("wb") as stream:
            yield stream
    else:
        # Through links, so that what they point at is replaced and not the link.
        target = path.resolve()
        partial = target.with_name(f".{target.name[:128]}.{secrets.token_hex(6)}.partial")
        try:
            with partial.open("xb") as stream:
                yield stream
            partial.replace(target)
        except OSError as error:
            if error.filename == str(partial):
                # Under the name that was asked for: nobody knows the other.
                raise OSError(error.errno, error.strerror, str(path)) from error
            raise
        finally:
            # What could not be written is told, not that it could not be removed.
            with suppress(OSError):
                partial.unlink()


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
        return f"{item.feature}: {item.contribution:+.4g}"
    return str(item)
