"""`vehicle-anomaly work`."""

import click

from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.leaving import leave
from vehicle_anomaly.adapters.inbound.cli.services import Services


@click.command(
    epilog=examples(
        "REQUEST_QUEUE_URL=… RESULT_QUEUE_URL=… vehicle-anomaly work",
    ),
)
@click.pass_obj
def work(services: Services) -> None:
    """Answer the requests of a queue until told to stop.

    REQUEST_QUEUE_URL and RESULT_QUEUE_URL name the queues. SIGTERM or Ctrl-C begins the drain, which ends
    within WORKER_DRAIN_SECONDS; another one ends it at once. What is not finished goes back into the queue.
    """
    services.work()
    leave()
