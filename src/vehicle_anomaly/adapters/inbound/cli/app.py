"""The command `vehicle-anomaly` and how it ends: 0 on success, 2 on wrong use, 1 on failure."""

from collections.abc import Sequence

import click

from vehicle_anomaly.adapters.inbound.cli.failure import Failure
from vehicle_anomaly.adapters.inbound.cli.models import models
from vehicle_anomaly.adapters.inbound.cli.score import score
from vehicle_anomaly.adapters.inbound.cli.serve import serve
from vehicle_anomaly.adapters.inbound.cli.services import Services
from vehicle_anomaly.adapters.inbound.cli.train import train
from vehicle_anomaly.core.errors import DamagedModel, ModelStoreUnavailable, Refusal

NAME = "vehicle-anomaly"


@click.group(name=NAME, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name=NAME)
def app() -> None:
    """Learn what normal vehicle telemetry looks like, and say of new readings whether something is wrong."""


for command in (serve, train, score, models):
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
    expected = (Failure, Refusal, DamagedModel, ModelStoreUnavailable, *failures)
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
    except click.ClickException as error:
        _say(error.format_message())
        return 1
    except expected as error:
        _say(str(error))
        return 1
    return status if isinstance(status, int) else 0


def _say(what: str) -> None:
    click.echo(f"{NAME}: error: {' '.join(what.split())}", err=True)
