"""`vehicle-anomaly serve`."""

import click

from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.services import Services


@click.command(
    epilog=examples(
        "PORT=9000 MODEL_ARTIFACT_DIR=/srv/models vehicle-anomaly serve",
        "vehicle-anomaly serve --workers 4",
    ),
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes that serve the port; WORKERS when not given."
)
# How a supervisor starts a worker: the sockets that it inherits.
@click.argument("descriptors", type=click.IntRange(0), nargs=-1, metavar="")
@click.pass_obj
def serve(services: Services, workers: int | None, descriptors: tuple[int, ...]) -> None:
    """Serve the HTTP API.

    Address, port, store and the rest come from the environment; the README has the table. Several workers
    share the models' memory on Linux; one that dies is replaced, and /metrics sums them up.
    """
    if descriptors:
        services.serve_as_worker(descriptors)
    else:
        services.serve(workers)
