"""`vehicle-anomaly models compare`."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.failure import Failure
from vehicle_anomaly.adapters.inbound.cli.options import as_json as json_option
from vehicle_anomaly.adapters.inbound.cli.options import telemetry_files, to_files
from vehicle_anomaly.adapters.inbound.cli.printing import print_json, print_table
from vehicle_anomaly.adapters.inbound.cli.progress import reading_progress, working
from vehicle_anomaly.adapters.inbound.cli.services import Services
from vehicle_anomaly.adapters.inbound.cli.telemetry_files import TelemetryFile
from vehicle_anomaly.adapters.inbound.cli.training_files import read_batch
from vehicle_anomaly.adapters.inbound.files.sourced import wrong_in_record
from vehicle_anomaly.adapters.inbound.pages.numbers import percent
from vehicle_anomaly.adapters.inbound.wire.comparisons import CompareResponse, compare_response
from vehicle_anomaly.core.compare_versions import CompareVersions, CompareVersionsCommand
from vehicle_anomaly.core.errors import InvalidTelemetry
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.telemetry import TelemetryBatch

_LATEST = "latest"


@click.command(
    epilog=examples(
        "vehicle-anomaly models compare default 2026-11",
        "vehicle-anomaly models compare default 2026-11 --with 2026-09 trips/*.csv",
        "vehicle-anomaly models compare default 2026-11 --json | jq .differing",
    ),
)
@click.argument("name")
@click.argument("version")
@telemetry_files(required=False)
@click.option(
    "--with", "other", default=_LATEST, show_default=True, help="The version that it is compared with."
)
@json_option
@click.pass_obj
def compare(  # noqa: PLR0913, PLR0917  # click passes one argument per option
    services: Services,
    name: str,
    version: str,
    paths: Sequence[Path],
    input_format: str | None,
    other: str,
    as_json: bool,
) -> None:
    """Tell which verdicts would differ if VERSION answered in place of another.

    Both score the readings of the files, which are read as by train; without a file, a sample of those that
    VERSION was trained on, which it has kept.
    """
    model_name, model_version = ModelName(name), ModelVersion(version)
    other_version = None if other == _LATEST else ModelVersion(other)
    batch = _batch(services, model_name, model_version, to_files(paths, input_format)) if paths else None
    command = CompareVersionsCommand(model_name, model_version, other_version, batch)
    try:
        with working("Scoring with both"):
            found = CompareVersions(services.score_telemetry(), services.models())(command)
    except InvalidTelemetry as error:
        raise Failure("; ".join(str(wrong_in_record(flaw)) for flaw in error.flaws)) from error
    answer = compare_response(found, naming="with `--with`")
    if as_json:
        print_json(answer)
    else:
        _print(answer)


def _batch(
    services: Services, name: ModelName, version: ModelVersion, files: Sequence[TelemetryFile]
) -> TelemetryBatch:
    known = services.models().metadata(name, version)
    with reading_progress("Reading", files, shown=sys.stderr.isatty()) as advance:
        batch = read_batch(files, advance)
    # Columns of a file always have names, which mean nothing to features without.
    return batch if known.feature_names is not None else replace(batch, feature_names=None)


def _print(answer: CompareResponse) -> None:
    version, other = answer.model_version, answer.other_version
    source = "of its training" if answer.source == "training_sample" else "of the files"
    shift = answer.score_shift
    rows = [
        ("readings", str(answer.readings), source),
        ("differing", str(answer.differing), percent(answer.differing / answer.readings)),
        ("newly anomalous", str(answer.newly_anomalous), f"by {version} alone"),
        ("no longer anomalous", str(answer.no_longer_anomalous), f"by {other} alone"),
        ("both anomalous", str(answer.both_anomalous), ""),
        ("both normal", str(answer.both_normal), ""),
        ("anomalies", percent(answer.share_anomalous), f"by {version}"),
        ("anomalies", percent(answer.other_share_anomalous), f"by {other}"),
        ("score shift", f"{shift.mean:+.4f}", f"{shift.lowest:+.4f} to {shift.highest:+.4f}"),
    ]
    rows += [("feature", each, f"only in {version}") for each in answer.added_features]
    rows += [("feature", each, f"only in {other}") for each in answer.removed_features]
    rows += [
        (
            each.difference.replace("_", " "),
            f"record {each.record}" + (f", {each.vehicle_id} {each.timestamp}" if each.vehicle_id else ""),
            f"{each.other_anomaly_score:.4f} → {each.anomaly_score:.4f}: "
            + " ".join(reason.message for reason in each.reasons),
        )
        for each in answer.examples
    ]
    if answer.hint is not None:
        rows.insert(0, ("hint", "", answer.hint))
    if answer.guards == "off":
        rows.append(("guards", "off", "the forest alone has judged (GUARDS)"))
    print_table(("what", "value", "told"), rows)
