"""Arguments and options that several commands share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from vehicle_anomaly.adapters.inbound.cli.telemetry_files import STANDARD_INPUT, TelemetryFile
from vehicle_anomaly.adapters.inbound.files.formats import FileFormat, format_by_name
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME

Command = TypeVar("Command", bound=Callable[..., Any])

FORMATS = click.Choice([FileFormat.CSV.value, FileFormat.NDJSON.value])
"""Of what is written."""

_READ_FORMATS = click.Choice([each.value for each in FileFormat])


def telemetry_files(*, required: bool = True) -> Callable[[Command], Command]:
    """Add `FILE…` and `--input-format`; see `to_files`."""
    add_files = click.argument(
        "paths",
        metavar="FILE..." if required else "[FILE...]",
        nargs=-1,
        required=required,
        type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    )
    add_format = click.option(
        "--input-format",
        type=_READ_FORMATS,
        help="Format of every FILE; without it, told by the name: .csv, .ndjson, .jsonl or .parquet.",
    )
    return lambda command: add_files(add_format(command))


def model_name(command: Command) -> Command:
    """Add `--model-name`."""
    add = click.option(
        "--model-name",
        default=DEFAULT_MODEL_NAME.value,
        show_default=True,
        help="One per fleet, vehicle model or signal set.",
    )
    return add(command)


def as_json(command: Command) -> Command:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print what the HTTP API answers.")(command)


def to_files(paths: Sequence[Path], input_format: str | None) -> list[TelemetryFile]:
    """Tell the format of each file.

    Raises:
        click.UsageError: A name tells none, or standard input is given twice.
    """
    if list(paths).count(STANDARD_INPUT) > 1:
        raise click.UsageError("- is standard input, which can be read only once.")
    return [TelemetryFile(path, _format(path, input_format)) for path in paths]


def _format(path: Path, input_format: str | None) -> FileFormat:
    found = FileFormat(input_format) if input_format else format_by_name(path)
    if found is None and path.suffix.lower() == ".parquet":
        found = FileFormat.PARQUET
    if found is None:
        name = "standard input" if path == STANDARD_INPUT else repr(str(path))
        raise click.UsageError(
            f"Cannot tell the format of {name}: pass --input-format csv, ndjson or parquet."
        )
    return found
