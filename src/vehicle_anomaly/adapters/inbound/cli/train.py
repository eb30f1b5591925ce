"""`vehicle-anomaly train`."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.failure import Failure
from vehicle_anomaly.adapters.inbound.cli.options import model_name as model_name_option
from vehicle_anomaly.adapters.inbound.cli.options import telemetry_files, to_files
from vehicle_anomaly.adapters.inbound.cli.printing import print_json
from vehicle_anomaly.adapters.inbound.cli.progress import reading_progress, working
from vehicle_anomaly.adapters.inbound.cli.services import Services
from vehicle_anomaly.adapters.inbound.cli.training_files import read_batch
from vehicle_anomaly.adapters.inbound.cli.user import user_at_host
from vehicle_anomaly.adapters.inbound.files.sourced import wrong_in_record
from vehicle_anomaly.adapters.inbound.wire.answers import ingest_response
from vehicle_anomaly.core.errors import FeatureWithoutValues
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.train_model import TrainModelCommand


@click.command(
    epilog=examples(
        "vehicle-anomaly train trips/*.csv",
        "vehicle-anomaly train --model-name vans --model-version 2026-11 vans.ndjson",
        "zcat trips.csv.gz | vehicle-anomaly train --input-format csv -",
    ),
)
@telemetry_files()
@model_name_option
@click.option("--model-version", help="Name of the new version; made from the time when not given.")
@click.option(
    "--false-alarm-rate",
    type=float,
    help="Share of healthy readings that may be called an anomaly, 0.0001 to 0.5; FALSE_ALARM_RATE when not "
    "given.",
)
@click.pass_obj
def train(  # noqa: PLR0913, PLR0917  # click passes one argument per option
    services: Services,
    paths: Sequence[Path],
    input_format: str | None,
    model_name: str,
    model_version: str | None,
    false_alarm_rate: float | None,
) -> None:
    """Learn from telemetry files what is normal, as a new version.

    All files make one batch and are of one format: CSV with a header that names timestamp, vehicle_id and the
    features, in any order (an empty cell is a missing reading); or NDJSON, one record a line as over HTTP;
    or Parquet with the same columns (needs the extra: pip install 'vehicle-anomaly[arrow]').
    `-` is standard input. Prints what POST /ingest answers.
    """
    files = to_files(paths, input_format)
    other = next((file for file in files if file.format is not files[0].format), None)
    if other is not None:
        formats = f"{files[0].name} is {files[0].format.value}, {other.name} is {other.format.value}"
        raise click.UsageError(f"All files of a training have one format: {formats}.")
    name = ModelName(model_name)
    version = None if model_version is None else ModelVersion(model_version)
    train_model = services.train_model()
    with reading_progress("Reading", files, shown=sys.stderr.isatty()) as advance:
        batch = read_batch(files, advance)
    try:
        with working(f"Learning from {len(batch.values):,} readings"):
            by = user_at_host()
            published = train_model.published(TrainModelCommand(batch, name, version, false_alarm_rate, by))
    except FeatureWithoutValues as error:
        raise Failure("; ".join(str(wrong_in_record(flaw)) for flaw in error.flaws)) from error
    print_json(ingest_response(published))
