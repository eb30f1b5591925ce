"""`vehicle-anomaly warm-up`."""

import click

from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.services import Services


@click.command(
    "warm-up",
    epilog=examples(
        "vehicle-anomaly warm-up",
        "NUMBA_CPU_NAME=generic NUMBA_CACHE_DIR=/var/cache/numba vehicle-anomaly warm-up",
    ),
)
@click.pass_obj
def warm_up(services: Services) -> None:
    """Compile what scores and trains now, so that no start has to.

    It is kept beside the package, or in NUMBA_CACHE_DIR, and is good for the processor it was compiled on: an
    image that is to start on others needs NUMBA_CPU_NAME=generic, here and when it serves.
    """
    services.warm_up()
