"""`vehicle-anomaly asyncapi`."""

import sys

import click

from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.services import Services


@click.command(
    epilog=examples(
        "vehicle-anomaly asyncapi > asyncapi.json",
    ),
)
@click.pass_obj
def asyncapi(services: Services) -> None:
    """Print the AsyncAPI document of the queues.

    It describes every message that `work` takes and sends; `serve` serves it at /schema/asyncapi.json.
    """
    sys.stdout.buffer.write(services.asyncapi())
