"""Which benchmarks there are, in the order in which they are shown."""

from tests.benchmarks import (
    asgi_servers,
    growth,
    http_path,
    latency_while_training,
    queue_throughput,
    scoring,
    training,
)
from tests.benchmarks.measure import Table

TABLES: tuple[Table, ...] = (
    scoring.TABLE,
    growth.TABLE,
    training.TABLE,
    http_path.TABLE,
    asgi_servers.TABLE,
    latency_while_training.TABLE,
    queue_throughput.TABLE,
)
