"""The command `vehicle-anomaly` and how it ends: 0 on success, 2 on wrong use, 1 on failure."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from vehicle_anomaly.adapters.inbound.cli.asyncapi import asyncapi
from vehicle_anomaly.adapters.inbound.cli.failure import Failure
from vehicle_anomaly.adapters.inbound.cli.keys import keys
from vehicle_anomaly.adapters.inbound.cli.models import models
from vehicle_anomaly.adapters.inbound.cli.score import score
from vehicle_anomaly.adapters.inbound.cli.serve import serve
from vehicle_anomaly.adapters.inbound.cli.services import Services
from vehicle_anomaly.adapters.inbound.cli.train import train
from vehicle_anomaly.adapters.inbound.cli.warm_up import warm_up
from vehicle_anomaly.adapters.inbound.cli.work import work
from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine
from vehicle_anomaly.adapters.inbound.wire.pyarrow_extra import ArrowMissing
from vehicle_anomaly.core.errors import (
    DamagedModel,
    InvalidFalseAlarmRate,
    InvalidModelName,
    InvalidModelVersion,
    ModelStoreUnavailable,
    Refusal,
)

NAME = "vehicle-anomaly"


class _App(click.Group):
    """Ends in its own way where click's would be another: before click sees the error."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # Who reads has read enough, as `head` does: that is no failure.
            raise click.exceptions.Exit(0) from error
        except KeyboardInterrupt as error:
            if sys.stderr.isatty():
                click.echo(err=True)  # closes the line in which the terminal shows ^C
            raise click.Abort from error


@click.group(
    name=NAME, cls=_App, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name=NAME)
def app() -> None:
    """Learn what normal vehicle telemetry looks like, and say of new readings whether something is wrong."""


for command in (serve, work, train, score, models, keys, asyncapi, warm_up):
    app.add_command(command)


def run(arguments: Sequence[str], services: Services, failures: tuple[type[Exception], ...] = ()) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name.
        services: What the commands work with.
        failures: Further errors that end a command as `Failure` does.

    Returns:
        The exit status. An error is told in one line on standard error.
    """
    expected = (
        Failure,
        BadLine,
        ArrowMissing,
        Refusal,
        DamagedModel,
        ModelStoreUnavailable,
        OSError,
        click.ClickException,
    )
    status = _run(arguments, services, (*expected, *failures))
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon_standard_output()
    except OSError as error:
        if status == 0:
            _say(f"standard output: {error.strerror}")
        _abandon_standard_output()
        return status or 1
    return status


def _run(arguments: Sequence[str], services: Services, expected: tuple[type[Exception], ...]) -> int:
    try:
        status = app.main(list(arguments), prog_name=NAME, obj=services, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as help_text:
        click.echo(help_text.format_message(), err=True)
        return 2
    except click.Abort:
        _say("interrupted")
        return 1
    except click.UsageError as error:
        _say(f"{error.format_message()} See '{error.ctx.command_path if error.ctx else NAME} --help'.")
        return 2
    except (InvalidFalseAlarmRate, InvalidModelName, InvalidModelVersion) as error:
        # What was typed can never be one.
        _say(f"{error}. See '{NAME} --help'.")
        return 2
    except expected as error:
        _say(_told(error))
        return 1
    return status if isinstance(status, int) else 0


def _abandon_standard_output() -> None:
    # What is left in its buffer can go nowhere, and Python would say so once more at its end.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _told(error: Exception) -> str:
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError):
        return f"{error.filename or 'standard input or output'}: {error.strerror or error}"
    return str(error)


def _say(what: str) -> None:
    click.echo(f"{NAME}: error: {' '.join(what.split())}", err=True)
