"""`vehicle-anomaly serve`."""

import click

from vehicle_anomaly.adapters.inbound.cli.services import Services


@click.command()
@click.pass_obj
def serve(services: Services) -> None:
    """Serve the HTTP API.

    Address, port, store and the rest come from the environment; the README has the table.

    \b
    Example:
      PORT=9000 MODEL_ARTIFACT_DIR=/srv/models vehicle-anomaly serve
    """
    services.serve()
