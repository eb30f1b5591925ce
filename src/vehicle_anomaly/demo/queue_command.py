"""`vehicle-anomaly demo-queue`."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

import click
from rich.console import Console
from rich.progress import Progress

from vehicle_anomaly.demo import queue_messages, queue_report
from vehicle_anomaly.demo.faults import FAULTS, Injection
from vehicle_anomaly.demo.fleet import Trip, simulate_trips
from vehicle_anomaly.demo.local_aws import local_aws
from vehicle_anomaly.demo.queue_messages import Json
from vehicle_anomaly.demo.queue_place import INCOMING, MODELS, TELEMETRY, set_up
from vehicle_anomaly.demo.queue_talk import Talk
from vehicle_anomaly.demo.queue_workers import running_workers
from vehicle_anomaly.demo.service import ServiceFailed
from vehicle_anomaly.demo.steps import program, progress_bars, step, stopped_by_sigterm

_VEHICLES: Final = 4
_TRAINING_TRIPS: Final = 2
_TRIP_SECONDS: Final = 600
_FAULT_SECONDS: Final = (300, 480)
_EXTRA: Final = ("moto", "werkzeug")


@dataclass(frozen=True, slots=True)
class _Shown:
    """What came of it."""

    talk: Talk
    ingested: Json
    seconds: float
    scored: int
    answered: Sequence[int]
    results_object: str
    first_verdict: str


@click.command("demo-queue")
@click.option(
    "--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Of the simulated fleet."
)
@click.option("--workers", type=click.IntRange(1, 8), default=2, show_default=True, help="How many.")
def command(seed: int, workers: int) -> None:
    """Send a fleet's telemetry through queues, and see what comes back.

    Starts an S3 and an SQS on this machine, and workers as `vehicle-anomaly work` runs them, with the models
    in a bucket. A producer trains a model, sends single readings and batches, puts a file into a bucket, and
    sends some requests that are wrong; a consumer reads the results. Nothing leaves this machine.

    \b
    Example:
      vehicle-anomaly demo-queue --workers 2
    """  # noqa: D301 - \b is the character by which click keeps the lines that follow as they are
    if any(find_spec(name) is None for name in _EXTRA):
        raise click.ClickException(
            "demo-queue needs moto: install the extra with pip install 'vehicle-anomaly[demo-queue]'"
        )
    try:
        with stopped_by_sigterm():
            shown = _run(seed, workers)
    except (ServiceFailed, OSError) as error:
        raise click.ClickException(str(error)) from error
    _tell(shown)


def _run(seed: int, n_workers: int) -> _Shown:
    with progress_bars() as progress:
        training: list[Trip] = []
        today: list[Trip] = []
        for number in progress.track(range(1, _VEHICLES + 1), description="Simulate vehicles"):
            *past, trip = simulate_trips(seed, number, _TRAINING_TRIPS + 1, _TRIP_SECONDS)
            training += past
            # Every other vehicle is well.
            today.append(Injection(FAULTS[number - 1], *_FAULT_SECONDS).apply(trip) if number % 2 else trip)
        return _exchange(progress, n_workers, training, today)


def _exchange(progress: Progress, n_workers: int, training: list[Trip], today: list[Trip]) -> _Shown:
    with local_aws() as url:
        with step(progress, "Set up S3 and SQS"):
            talk = Talk(set_up(url))
        with running_workers(n_workers, talk.place.environment) as workers:
            with step(progress, "Train by message"):
                talk.send([queue_messages.training(training)])
                talk.listen()
                [ingested] = talk.answers.values()
                if ingested["type"] != "ingested":
                    raise ServiceFailed(f"the training was refused: {ingested['problem']['detail']}")
            with step(progress, "Score by message"):
                messages = queue_messages.scoring(today)
                before = time.monotonic()
                talk.send(messages)
                talk.listen()
                seconds = time.monotonic() - before
            with step(progress, "Score a file"):
                talk.land("trip 1.csv", queue_messages.as_csv(today[0]))
                talk.listen()
            with step(progress, "Send what is wrong"):
                talk.land("trip 2.csv", queue_messages.as_csv(today[1]).replace(b"\n", b"\nx,", 1))
                talk.send([*queue_messages.to_be_refused(today[0]), *queue_messages.poison()])
                talk.listen()
        [scored] = [told for told in talk.answers.values() if told["type"] == "scored_object"]
        stored = talk.place.s3.get_object(Bucket=TELEMETRY, Key=scored["results_key"])["Body"].read()
        return _Shown(
            talk,
            ingested,
            seconds,
            len(messages),
            [worker.answered for worker in workers],
            f"s3://{TELEMETRY}/{scored['results_key']}",
            stored.partition(b"\n")[0].decode(),
        )


def _tell(shown: _Shown) -> None:
    console = Console(highlight=False)
    ingested, talk = shown.ingested, shown.talk
    console.print(
        f"\nA worker learned from {ingested['record_count']:,} readings of "
        f"{ingested['metadata']['vehicle_count']} simulated vehicles (model {ingested['model_name']}, "
        f"version {ingested['model_version']}, kept in s3://{MODELS}), then the workers answered one more "
        "trip of each; every other vehicle has a fault.\n"
    )
    console.print(queue_report.exchanges(talk))
    console.print(queue_report.refusals(talk))
    console.print(
        f"{shown.scored:,} scoring requests in {shown.seconds:.1f} s: "
        f"{shown.scored / shown.seconds:,.0f} messages a second, with S3, SQS, producer and consumer on the "
        f"same machine. By {queue_report.share_line(shown.answered)}; {talk.repeated} came twice."
    )
    console.print("\nA result, as a consumer receives it:")
    console.print_json(json.dumps(next(one for one in talk.answers.values() if one["type"] == "scored")))
    console.print(f"\nThe first verdict on the file that landed under {INCOMING}, in {shown.results_object}:")
    console.print_json(shown.first_verdict)
    console.print("\nDead letters, untouched:")
    for letter in talk.dead_letters:
        console.print(f"  {letter}", markup=False)
    console.print("\nTry next:")
    console.print(f"  {program()} asyncapi      # every message, described", markup=False)
    console.print(f"  {program()} work --help   # how to answer queues of your own", markup=False)
