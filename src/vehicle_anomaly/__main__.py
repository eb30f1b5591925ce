"""Entry point of the command `vehicle-anomaly`."""

# Ahead of the others, which take a second.
from vehicle_anomaly import stopped_early  # noqa: F401

# isort: split

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from vehicle_anomaly import __version__
from vehicle_anomaly.adapters.inbound.cli.app import app, run
from vehicle_anomaly.adapters.inbound.cli.leaving import leave
from vehicle_anomaly.adapters.inbound.cli.services import Services
from vehicle_anomaly.adapters.inbound.files import scanned_files
from vehicle_anomaly.adapters.inbound.http.run_folder import remove_abandoned
from vehicle_anomaly.adapters.inbound.http.supervisor import Supervisor, WorkersFailed
from vehicle_anomaly.adapters.inbound.http.worker_link import WorkerLink
from vehicle_anomaly.adapters.inbound.sqs.asyncapi import encoded_document
from vehicle_anomaly.adapters.inbound.sqs.errors import QueueUnusable
from vehicle_anomaly.adapters.inbound.wire import compiled_wire
from vehicle_anomaly.container import Container, open_model_store, prove_model_store, tell_worker_metrics
from vehicle_anomaly.core import compiled
from vehicle_anomaly.demo.command import command as demo
from vehicle_anomaly.demo.queue_command import command as demo_queue
from vehicle_anomaly.error_reports import error_reports
from vehicle_anomaly.observability import configure_logging, tracing
from vehicle_anomaly.settings import SettingsError, load_settings, model_store_at
from vehicle_anomaly.trace_variables import settle_trace_variables


def main() -> int:
    """Run the command that the arguments name; return its exit status."""
    app.add_command(demo)
    app.add_command(demo_queue)
    return run(sys.argv[1:], _services(), failures=(SettingsError, QueueUnusable, WorkersFailed))


def _services() -> Services:
    @cache
    def container() -> Container:
        # Not before a command asks: `--help` must work whatever the environment says.
        settings = load_settings(os.environ)
        configure_logging(settings.log_level)
        return Container(settings=settings)

    @contextmanager
    def reporting() -> Iterator[None]:
        settings = container().settings()
        with error_reports(settings) as report:
            configure_logging(settings.log_level, report)
            yield

    def work() -> None:
        settle_trace_variables(os.environ)
        worker = container().worker()
        with reporting(), tracing(os.environ):
            prove_model_store(container().model_store())
            tell_worker_metrics(container().settings(), container().registry())
            worker.run()

    def serve(workers: int | None) -> None:
        # First, and here too where workers will read them for themselves: one line says what is wrong.
        container().keys()
        settle_trace_variables(os.environ)
        settings = container().settings()
        n_workers = workers or settings.workers
        with reporting():
            prove_model_store(container().model_store())
            if n_workers == 1:
                # As the supervisor of several does, though one alone needs no folder.
                remove_abandoned()
                with tracing(os.environ):
                    container().http_server().run()
            else:
                command = (sys.executable, "-m", "vehicle_anomaly", "serve")
                Supervisor(settings.host, settings.port, n_workers, command).run()
        if n_workers == 1:
            leave()

    def warm_up() -> None:
        compiled.warm_up()
        compiled_wire.warm_up()
        scanned_files.warm_up()

    def serve_as_worker(descriptors: Sequence[int]) -> None:
        with reporting(), tracing(os.environ):
            container().http_server().run_as_worker(WorkerLink.of(descriptors))
        leave()

    return Services(
        train_model=lambda: container().train_model(),
        score_telemetry=lambda: container().score_telemetry(),
        models=lambda: container().models(),
        promote_version=lambda: container().promote_version(),
        serve=serve,
        serve_as_worker=serve_as_worker,
        warm_up=warm_up,
        open_store=lambda address: open_model_store(model_store_at(address), container().signatures()),
        open_unsigned_store=lambda address: open_model_store(model_store_at(address)),
        can_sign=lambda: container().signatures().can_sign,
        asyncapi=lambda: encoded_document(__version__),
        work=work,
    )


if __name__ == "__main__":
    sys.exit(main())
