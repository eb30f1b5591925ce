"""How telemetry is written in a file, told by its name."""

from enum import Enum
from pathlib import PurePath
from typing import Final


class FileFormat(Enum):
    """How telemetry and verdicts are written; Parquet is for files of telemetry on this machine only."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


_BY_SUFFIX: Final = {".csv": FileFormat.CSV, ".ndjson": FileFormat.NDJSON, ".jsonl": FileFormat.NDJSON}

SUFFIXES: Final = tuple(_BY_SUFFIX)
"""Ends of the names that tell a format."""


def format_by_name(path: PurePath) -> FileFormat | None:
    """Return the format that a file's name tells; None when it tells none."""
    return _BY_SUFFIX.get(path.suffix.lower())
