"""`vehicle-anomaly demo`."""

import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from vehicle_anomaly.demo import client, files, report
from vehicle_anomaly.demo.faults import FAULTS, Injection
from vehicle_anomaly.demo.fleet import Trip, simulate_trips
from vehicle_anomaly.demo.picture import write_picture
from vehicle_anomaly.demo.scored import ScoredTrip, clearest
from vehicle_anomaly.demo.service import ServiceFailed, running_service
from vehicle_anomaly.demo.terminal_plot import terminal_plot

_TRAINING_TRIPS = 6
_TRIP_SECONDS = 900
_FAULT_SECONDS = (420, 660)

_EXTRA = ("httpx", "matplotlib", "plotext")


@click.command("demo")
@click.option(
    "--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Of the simulated fleet."
)
@click.option(
    "--vehicles",
    type=click.IntRange(1, 24),
    default=8,
    show_default=True,
    help=f"How many; the first {len(FAULTS)} get a fault.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for the picture and the telemetry; made when it is not there.",
)
def command(seed: int, vehicles: int, output: Path) -> None:
    r"""Simulate a fleet, break some of it, and see what the service finds.

    Starts the real service on a free port with a store of its own, trains it over HTTP on healthy trips,
    puts a named fault into one trip of each of several vehicles, scores those over HTTP and shows what was
    found. The fleet is simulated from a physical model; nothing in it was measured on a real vehicle.

    \b
    Example:
      vehicle-anomaly demo --seed 7 --vehicles 8 --output demo
    """
    missing = [name for name in _EXTRA if find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f"demo needs {', '.join(missing)}: install the extra with pip install 'vehicle-anomaly[demo]'"
        )
    try:
        output.mkdir(parents=True, exist_ok=True)
        with _stopped_by_sigterm():
            _run(seed, vehicles, output)
    except (ServiceFailed, client.CallRefused, OSError) as error:
        raise click.ClickException(str(error)) from error


def _run(seed: int, vehicles: int, output: Path) -> None:
    # matplotlib, plotext and httpx are the extra `demo`; the other commands do not have them.
    import httpx  # noqa: PLC0415

    training: list[Trip] = []
    today: list[tuple[Trip, Injection | None]] = []
    scored: list[ScoredTrip] = []
    with _progress() as progress:
        for number in progress.track(range(1, vehicles + 1), description="Simulate vehicles"):
            *past, trip = simulate_trips(seed, number, _TRAINING_TRIPS + 1, _TRIP_SECONDS)
            training += past
            injection = Injection(FAULTS[number - 1], *_FAULT_SECONDS) if number <= len(FAULTS) else None
            today.append((injection.apply(trip) if injection else trip, injection))
        files.write_telemetry(output / "training.csv", training)
        files.write_telemetry(output / "today.csv", (trip for trip, _ in today))
        files.write_faults(
            output / "faults.csv", [(trip, injection) for trip, injection in today if injection]
        )
        starting = progress.add_task("Start the service", total=1)
        with (
            tempfile.TemporaryDirectory(prefix="vehicle-anomaly-demo-") as store,
            running_service(Path(store)) as url,
            # The service is on this machine: no proxy that the environment names is on the way.
            httpx.Client(base_url=url, timeout=120, trust_env=False) as http,
        ):
            progress.advance(starting)
            learning = progress.add_task("Train over HTTP", total=1)
            ingested = client.train(http, training)
            progress.advance(learning)
            for trip, injection in progress.track(today, description="Score over HTTP"):
                scored.append(client.score_trip(http, trip, injection))
            shown = clearest(scored)
            reading = client.named_reading(shown.trip, int(shown.scores.argmin()))
            verdict = client.score_reading(http, reading)
        files.write_reading(output / "reading.json", reading)
        drawing = progress.add_task("Draw", total=1)
        write_picture(output / "scores.png", scored)
        progress.advance(drawing)
    _tell(scored, ingested, reading, verdict, output)


def _tell(
    scored: list[ScoredTrip], ingested: client.Json, reading: client.Json, verdict: client.Json, output: Path
) -> None:
    console = Console(highlight=False)
    n_trips = _TRAINING_TRIPS * len(scored)
    console.print(
        f"\nA simulated fleet of {len(scored)} vehicles. The service learned from {ingested['record_count']:,} "
        f"healthy readings of {n_trips} trips (model {ingested['model_name']}, version {ingested['model_version']}), "
        f"then scored one more trip of each vehicle.\n"
    )
    console.print(report.findings(scored))
    console.print(report.false_alarm_line(scored, ingested["metadata"]["contamination"]))
    console.print()
    width = min(console.width, 110)
    console.file.write(terminal_plot(clearest(scored), width, 18, colour=console.is_terminal) + "\n")
    console.print("\nOne reading of it, as sent to [bold]POST /score[/bold]:")
    console.print_json(json.dumps(reading))
    console.print("and the verdict:")
    console.print_json(json.dumps(verdict))
    console.print(f"\nPicture of every fault: [bold]{output / 'scores.png'}[/bold]", soft_wrap=True)
    console.print(_next_steps(output), soft_wrap=True, markup=False)


def _next_steps(output: Path) -> str:
    return f"{output}"


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description:<18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Leave as on Ctrl-C when told to end: otherwise the service would outlive us."""

    def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(command())
