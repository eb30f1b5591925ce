"""`vehicle-anomaly serve`."""

import click

from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.services import Services


@click.command(
    epilog=examples(
        "PORT=9000 MODEL_ARTIFACT_DIR=/srv/models vehicle-anomaly serve",
    ),
)
@click.pass_obj
def serve(services: Services) -> None:
    """Serve the HTTP API.

    Address, port, store and the rest come from the environment; the README has the table.
    """
    services.serve()
