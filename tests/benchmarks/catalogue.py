"""Which benchmarks there are, in the order in which they are shown."""

from dataclasses import replace

from tests.benchmarks import (
    asgi_servers,
    batches,
    exactness,
    files,
    growth,
    guards_cost,
    http_path,
    latency_while_training,
    processes,
    queue_throughput,
    scoring,
    streams,
    training,
    training_report,
)
from tests.benchmarks.measure import Table

TABLES: tuple[Table, ...] = (
    scoring.TABLE,
    exactness.TABLE,
    growth.TABLE,
    training.TABLE,
    training_report.TABLE,
    guards_cost.TABLE,
    http_path.TABLE,
    batches.TABLE,
    # It takes no bar: not in the quick form.
    replace(files.TABLE, quick=None),
    streams.TABLE,
    asgi_servers.TABLE,
    latency_while_training.TABLE,
    processes.TABLE,
    queue_throughput.TABLE,
)
