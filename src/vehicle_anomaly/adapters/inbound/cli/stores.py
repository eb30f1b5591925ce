"""`vehicle-anomaly models copy` and `verify`: from store to store, by address."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.failure import Failure
from vehicle_anomaly.adapters.inbound.cli.printing import print_json, print_table
from vehicle_anomaly.adapters.inbound.cli.services import Services
from vehicle_anomaly.adapters.inbound.cli.user import user_at_host
from vehicle_anomaly.core.copy_version import CopyStep, CopyVersion, CopyVersionCommand
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.ports import ModelArchive
from vehicle_anomaly.core.promotions import Promoter
from vehicle_anomaly.core.verify_versions import VerifiedVersion, VerifyVersions, VerifyVersionsCommand

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class CopiedVersion(msgspec.Struct, frozen=True):
    """What `models copy --json` prints."""

    model_name: str
    model_version: str
    bytes: int
    promoted: bool
    signed: bool


class VerifiedItem(msgspec.Struct, frozen=True):
    """One version in what `models verify --json` prints."""

    model_version: str
    state: str
    bytes: int
    damage: str | None


class VerifiedModel(msgspec.Struct, frozen=True):
    """What `models verify --json` prints."""

    model_name: str
    versions: list[VerifiedItem]


@click.command(
    epilog=examples(
        "vehicle-anomaly models copy file:artifacts s3://my-models/fleet default 2026-11 --promote",
        "vehicle-anomaly models copy s3://staging-models s3://production-models default 2026-11",
        "vehicle-anomaly models copy file:unsigned file:artifacts default 2026-11 --sign",
    ),
)
@click.argument("source")
@click.argument("destination")
@click.argument("name")
@click.argument("version")
@click.option("--promote", is_flag=True, help="Make it the latest version there, too.")
@click.option(
    "--sign", is_flag=True, help="Sign the copy with MODEL_SIGNING_KEY, whether or not SOURCE has it signed."
)
@_json_option
@click.pass_obj
def copy(  # noqa: PLR0913  # an argument each, as click passes them
    services: Services,
    source: str,
    destination: str,
    name: str,
    version: str,
    *,
    promote: bool,
    sign: bool,
    as_json: bool,
) -> None:
    """Copy a version from one store to another, bit by bit, with every hash checked before and after.

    SOURCE and DESTINATION are file:FOLDER or s3://BUCKET/PREFIX. A version that is there already with the
    same content is left as it is; with other content, it is refused. Which version is the latest there stays
    what it is, without --promote.

    With --sign, all but the signature is copied bit by bit. Who signs vouches for the version: SOURCE is then
    not asked for signatures.
    """
    if sign and not services.can_sign():
        raise click.UsageError("--sign: MODEL_SIGNING_KEY is not set, so there is no key to sign with")
    promoter = Promoter(user_at_host(), datetime.now(UTC)) if promote else None
    command = CopyVersionCommand(ModelName(name), ModelVersion(version), promoter, sign)
    open_source = services.open_unsigned_store if sign else services.open_store
    copy_version = CopyVersion(
        _opened(open_source, source, "SOURCE"), _opened(services.open_store, destination, "DESTINATION")
    )
    steps = [step for step in CopyStep if promote or step is not CopyStep.PROMOTING]
    with _bar(f"{name} {version}") as advance:
        files = copy_version(
            command, lambda step: advance(steps.index(step), len(steps), f"{name} {version}: {step.value}")
        )
    if as_json:
        print_json(CopiedVersion(name, version, files.size, promote, sign))
    else:
        click.echo(
            f"{name}: version {version} is in {destination}, {files.size:,} bytes, every hash as in {source}"
            + ("; it is signed" if sign else "")
            + ("; it is now the latest" if promote else "")
        )


@click.command(
    epilog=examples(
        "vehicle-anomaly models verify s3://my-models/fleet default",
        "vehicle-anomaly models verify file:artifacts default 2026-11 --json",
    ),
)
@click.argument("store")
@click.argument("name")
@click.argument("version", required=False)
@_json_option
@click.pass_obj
def verify(services: Services, store: str, name: str, version: str | None, *, as_json: bool) -> None:
    """Read every file of a version, or of all versions, and compare it with what was published.

    STORE is file:FOLDER or s3://BUCKET/PREFIX. Ends with status 1 when something is damaged.
    """
    command = VerifyVersionsCommand(ModelName(name), None if version is None else ModelVersion(version))
    verify_versions = VerifyVersions(_opened(services.open_store, store, "STORE"))
    with _bar(name) as advance:
        found = verify_versions(command, lambda done, total: advance(done, total, f"{name}: reading"))
    if as_json:
        items = [VerifiedItem(each.model_version, _state(each), each.size, each.damage) for each in found]
        print_json(VerifiedModel(name, items))
    else:
        rows = [(each.model_version, _state(each), f"{each.size:,}", each.damage or "") for each in found]
        print_table(("version", "state", "bytes", "damage"), rows)
    damaged = sum(each.damage is not None for each in found)
    if damaged:
        raise Failure(f"{store}: {damaged} of {len(found)} of model {name!r} damaged")


def _state(found: VerifiedVersion) -> str:
    return "whole" if found.damage is None else "damaged"


def _opened(open_store: Callable[[str], ModelArchive], address: str, argument: str) -> ModelArchive:
    try:
        return open_store(address)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=argument) from error


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show, on standard error if it is a terminal, how far a command is.

    Yields:
        What to tell how much is done, of how much, and what is being done.
    """
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        disable=not sys.stderr.isatty(),
    )
    with progress:
        task = progress.add_task(what, total=None)

        def advance(done: int, total: int, description: str) -> None:
            progress.update(task, completed=done, total=total, description=description)

        yield advance
