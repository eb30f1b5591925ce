"""`vehicle-anomaly score`."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.options import FORMATS, telemetry_files, to_files
from vehicle_anomaly.adapters.inbound.cli.options import model_name as model_name_option
from vehicle_anomaly.adapters.inbound.cli.output import open_output
from vehicle_anomaly.adapters.inbound.cli.progress import reading_progress
from vehicle_anomaly.adapters.inbound.cli.services import Services
from vehicle_anomaly.adapters.inbound.cli.telemetry_files import STANDARD_INPUT, score_files
from vehicle_anomaly.adapters.inbound.cli.verdict_output import header, text_of
from vehicle_anomaly.adapters.inbound.files.block_scoring import BlockScoring
from vehicle_anomaly.adapters.inbound.files.columns import ModelColumns
from vehicle_anomaly.adapters.inbound.files.formats import FileFormat, format_by_name
from vehicle_anomaly.adapters.inbound.files.scoring import Tally
from vehicle_anomaly.core.explaining import EXPLAIN, Explain
from vehicle_anomaly.core.model import ModelName, ModelVersion


@click.command(
    epilog=examples(
        "vehicle-anomaly score trip.csv | jq 'select(.is_anomaly)'",
        "vehicle-anomaly score --model-name vans --output verdicts.csv trips/*.csv",
        "vehicle-anomaly score --input-format ndjson - < readings.ndjson",
    ),
)
@telemetry_files()
@model_name_option
@click.option("--model-version", help="Version to score with; the latest when not given.")
@click.option(
    "--output-format", type=FORMATS, help="Format of the verdicts: told by --output's name, or ndjson."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path),
    help="File for the verdicts, which appears when it is complete; standard output when not given.",
)
@click.option(
    "--explain",
    type=click.Choice(EXPLAIN),
    help="Which verdicts say what each feature contributed; EXPLAIN, or else anomalies, when not given.",
)
@click.option("--verbose", is_flag=True, help="Sum up on standard error even when it is no terminal.")
@click.pass_obj
def score(  # noqa: PLR0913, PLR0917  # click passes one argument per option
    services: Services,
    paths: Sequence[Path],
    input_format: str | None,
    model_name: str,
    model_version: str | None,
    output_format: str | None,
    output: Path | None,
    explain: Explain | None,
    verbose: bool,
) -> None:
    """Score telemetry files: a verdict per reading, in order.

    Reads CSV, NDJSON and Parquet as train does. Columns are matched by name with the model's features (by
    position when those have no names). Verdicts have the fields of POST /score's answer, one JSON object a
    line; as CSV, the features that are missing, the reasons, and the contributions of an explanation, have
    semicolons between. One version scores the whole run.
    """
    started = time.monotonic()
    files = to_files(paths, input_format)
    name = ModelName(model_name)
    models = services.models()
    version = ModelVersion(model_version) if model_version is not None else models.latest(name)
    model = models.load(name, version).metadata
    if output == STANDARD_INPUT:
        output = None
    # A bar on the terminal that the verdicts go to would be lost between them.
    shown = sys.stderr.isatty() and (output is not None or not sys.stdout.isatty())
    tally = Tally()
    with open_output(output) as stream, reading_progress("Scoring", files, shown=shown) as advance:
        told_as = _output_format(output_format, output)
        scoring = BlockScoring(services.score_telemetry(), model, text_of(told_as), explain)
        stream.write(header(told_as))
        for verdicts, text in score_files(files, scoring, ModelColumns(model, _warn), advance):
            stream.write(text)
            # Who reads along sees verdicts as soon as they are there.
            stream.flush()
            tally.add(verdicts)
    if verbose or sys.stderr.isatty():
        elapsed = time.monotonic() - started
        summary = f"{tally.readings:,} readings, {tally.anomalies:,} anomalies, {elapsed:.1f} s"
        click.echo(f"{summary}, model {name} {version}", err=True)


def _output_format(output_format: str | None, output: Path | None) -> FileFormat:
    if output_format is not None:
        return FileFormat(output_format)
    return (format_by_name(output) if output is not None else None) or FileFormat.NDJSON


def _warn(what: str) -> None:
    click.echo(f"vehicle-anomaly: warning: {what}", err=True)
