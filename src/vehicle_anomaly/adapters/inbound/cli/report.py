"""`vehicle-anomaly models report`."""

import os
import tempfile
import webbrowser
from pathlib import Path

import click

from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.failure import Failure
from vehicle_anomaly.adapters.inbound.cli.options import as_json as json_option
from vehicle_anomaly.adapters.inbound.cli.output import closing_output, open_output
from vehicle_anomaly.adapters.inbound.cli.printing import print_json, print_table
from vehicle_anomaly.adapters.inbound.cli.progress import working
from vehicle_anomaly.adapters.inbound.cli.services import Services
from vehicle_anomaly.adapters.inbound.pages.guards_told import deciding_limit, guards_told
from vehicle_anomaly.adapters.inbound.pages.numbers import number, percent
from vehicle_anomaly.adapters.inbound.pages.report_page import report_page
from vehicle_anomaly.adapters.inbound.wire.reports import report_item
from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion
from vehicle_anomaly.core.training_report import TrainingReport


@click.command(
    epilog=examples(
        "vehicle-anomaly models report default",
        "vehicle-anomaly models report default 2026-11 --output report.html",
        "vehicle-anomaly models report default --open",
        "vehicle-anomaly models report default --json | jq -r '.warnings[].message'",
    ),
)
@click.argument("name")
@click.argument("version", required=False)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path),
    help="Write the page into this file; - is standard output.",
)
@click.option("--open", "to_open", is_flag=True, help="Show the page in a browser.")
@json_option
@click.pass_obj
def report(  # noqa: PLR0913  # an argument each, as click passes them
    services: Services, name: str, version: str | None, output: Path | None, *, to_open: bool, as_json: bool
) -> None:
    """Tell what a version learned: its features, warnings about the batch, and what changed.

    Of the latest version when none is named. Without an option, it prints what there is to act on. The page
    is one file that needs no network.
    """
    if as_json and (output or to_open):
        raise click.UsageError("--json goes with neither --output nor --open.")
    if to_open and output == Path("-"):
        raise click.UsageError("--open needs a file: --output - is none.")
    with working("Reading the report"):
        store, model_name = services.models(), ModelName(name)
        model_version = store.latest(model_name) if version is None else ModelVersion(version)
        known, told = store.metadata(model_name, model_version), store.report(model_name, model_version)
    if output or to_open:
        page = report_page(known, told)
        if output == Path("-"):
            click.echo(page)
            return
        written = _write(page, output)
        click.echo(str(written))
        if to_open and not webbrowser.open(written.absolute().as_uri()):
            raise Failure(f"there is no browser to open {written} in")
        return
    if told is None:
        raise Failure(
            f"version {model_version} of model {name!r} was published without a report: train it again"
        )
    if as_json:
        print_json(report_item(told))
    else:
        _print(known, told)


def _write(page: str, output: Path | None) -> Path:
    if output is None:
        # It stays when this command ends: the browser may not have read it yet.
        descriptor, name = tempfile.mkstemp(prefix="vehicle-anomaly-report-", suffix=".html")
        output, opened = Path(name), closing_output(os.fdopen(descriptor, "wb"), name)
    else:
        opened = open_output(output)
    with opened as file:
        file.write(page.encode())
    return output


def _print(known: ModelMetadata, told: TrainingReport) -> None:
    rate = "none" if known.false_alarm_rate is None else percent(known.false_alarm_rate)
    rows: list[tuple[str, str, str, str]] = [("guards", "", known.guards, guards_told(known.guards))]
    rows.append(("rate", "", "", f"false alarms asked for: {rate}"))
    rows += [("warning", _name(each.feature), each.code, each.message) for each in told.warnings]
    rows.append(("scores", "", "", f"{_below(known, told)}, from {_range(told)}"))
    if told.change is None:
        rows.append(("change", "", "", "there was no version before with a report to compare with"))
    else:
        rows += [
            (
                "change",
                _name(each.feature),
                each.reading,
                f"PSI {each.psi:.3f} against {told.change.since_version}",
            )
            for each in sorted(told.change.features, key=lambda each: -each.psi)
        ]
        rows += [("change", _name(each), "added", "") for each in told.change.added]
        rows += [("change", _name(each), "removed", "") for each in told.change.removed]
    print_table(("what", "feature", "kind", "told"), rows)


def _below(known: ModelMetadata, told: TrainingReport) -> str:
    limit, share = deciding_limit(known, told), told.scores.share_below_limit
    if limit is None or share is None:
        # From before limits were told: what lies below 0 is known all the same.
        limit, share = 0.0, told.scores.share_anomalous
        decides = ", which decides" if known.guards == "none" else "; the limit that decides was not kept"
    else:
        decides = ", the forest's limit"
    return f"{percent(share)} of the training readings score below {number(limit)}{decides}"


def _range(told: TrainingReport) -> str:
    return f"{number(told.scores.minimum)} to {number(told.scores.maximum)}"


def _name(feature: int | str | None) -> str:
    return "" if feature is None else str(feature)
