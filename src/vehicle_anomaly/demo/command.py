"""`vehicle-anomaly demo`."""

import json
import shlex
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from vehicle_anomaly.demo import client, files, report
from vehicle_anomaly.demo.faults import FAULTS, Injection
from vehicle_anomaly.demo.fleet import Trip, simulate_trips
from vehicle_anomaly.demo.picture import write_picture
from vehicle_anomaly.demo.scored import ScoredTrip, clearest
from vehicle_anomaly.demo.service import ServiceFailed, running_service
from vehicle_anomaly.demo.steps import program, progress_bars, step, stopped_by_sigterm
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
    """Simulate a fleet with faults, and see what is found.

    Starts the real service on a free port with a store of its own, trains it over HTTP on healthy trips,
    puts a named fault into one trip of each of several vehicles, scores those over HTTP and shows what was
    found. The fleet is simulated from a physical model; nothing in it was measured on a real vehicle.

    \b
    Example:
      vehicle-anomaly demo --seed 7 --vehicles 8 --output demo
    """  # noqa: D301 - \b is the character by which click keeps the lines that follow as they are
    missing = [name for name in _EXTRA if find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f"demo needs {', '.join(missing)}: install the extra with pip install 'vehicle-anomaly[demo]'"
        )
    try:
        output.mkdir(parents=True, exist_ok=True)
        with stopped_by_sigterm():
            shown = _run(seed, vehicles, output)
    except (ServiceFailed, client.CallFailed, OSError) as error:
        raise click.ClickException(str(error)) from error
    _tell(shown, output)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What came back from the service."""

    ingested: client.Json
    scored: list[ScoredTrip]
    reading: client.Json
    verdict: client.Json


def _run(seed: int, vehicles: int, output: Path) -> _Shown:
    with progress_bars() as progress:
        training: list[Trip] = []
        today: list[tuple[Trip, Injection | None]] = []
        for number in progress.track(range(1, vehicles + 1), description="Simulate vehicles"):
            *past, trip = simulate_trips(seed, number, _TRAINING_TRIPS + 1, _TRIP_SECONDS)
            training += past
            injection = Injection(FAULTS[number - 1], *_FAULT_SECONDS) if number <= len(FAULTS) else None
            today.append((injection.apply(trip) if injection else trip, injection))
        with step(progress, "Write telemetry"):
            files.write_telemetry(output / "training.csv", training)
            files.write_telemetry(output / "today.csv", (trip for trip, _ in today))
            files.write_faults(output / "faults.csv", [(trip, fault) for trip, fault in today if fault])
        shown = _ask_the_service(progress, training, today)
        with step(progress, "Draw"):
            files.write_reading(output / "reading.json", shown.reading)
            write_picture(output / "scores.png", shown.scored)
    return shown


def _ask_the_service(
    progress: Progress, training: list[Trip], today: list[tuple[Trip, Injection | None]]
) -> _Shown:
    # matplotlib, plotext and httpx are the extra `demo`; the other commands do not have them.
    import httpx  # noqa: PLC0415

    with ExitStack() as stack:
        with step(progress, "Start the service"):
            store = stack.enter_context(tempfile.TemporaryDirectory(prefix="vehicle-anomaly-demo-"))
            url = stack.enter_context(running_service(Path(store)))
            # The service is on this machine: no proxy that the environment names is on the way.
            http = stack.enter_context(httpx.Client(base_url=url, timeout=300, trust_env=False))
        with step(progress, "Train over HTTP"):
            ingested = client.train(http, training)
        scored = [
            client.score_trip(http, trip, injection)
            for trip, injection in progress.track(today, description="Score over HTTP")
        ]
        example = clearest(scored)
        reading = client.named_reading(example.trip, example.lowest_faulty)
        return _Shown(ingested, scored, reading, client.score_reading(http, reading))


def _tell(shown: _Shown, output: Path) -> None:
    console = Console(highlight=False)
    answer = shown.ingested
    console.print(
        f"\nA simulated fleet of {len(shown.scored)} vehicles. The service learned from "
        f"{answer['record_count']:,} healthy readings of {_TRAINING_TRIPS * len(shown.scored)} trips "
        f"(model {answer['model_name']}, version {answer['model_version']}), "
        "then scored one more trip of each vehicle, some of them with a fault.\n"
    )
    console.print(report.findings(shown.scored))
    console.print(report.false_alarm_line(shown.scored, answer["metadata"]))
    console.print("\nWhat it says of each, in its first words:\n")
    console.print(report.reasons(shown.scored))
    console.print("\nScores over time; the fault is between the upright lines.\n")
    plot = terminal_plot(clearest(shown.scored), min(console.width, 110), 18, colour=console.is_terminal)
    console.file.write(plot.rstrip("\n") + "\n")
    console.print("\nThe lowest reading of the fault, as sent to [bold]POST /score[/bold]:")
    console.print_json(json.dumps(shown.reading))
    console.print("The verdict:")
    console.print_json(json.dumps(shown.verdict))
    console.print("\nThe same picture of every fault:")
    console.print(f"  {output / 'scores.png'}", soft_wrap=True, markup=False)
    console.print("\nTry next:")
    console.print(next_steps(output, program()), soft_wrap=True, markup=False)


def next_steps(output: Path, program: str) -> str:
    """Commands to try on the files that were written; each works as it stands, from top to bottom."""
    folder = shlex.quote(str(output))
    return f"""\
  # the same from files, with a store that stays
  export MODEL_ARTIFACT_DIR={folder}/models
  {program} train {folder}/training.csv
  {program} score {folder}/today.csv --output {folder}/verdicts.csv
  {program} models list

  # serve that store, and ask it from another terminal; http://127.0.0.1:8000/schema documents the API
  {program} serve
  curl http://127.0.0.1:8000/score -H 'Content-Type: application/json' -d @{folder}/reading.json

  # what was broken, and when
  cat {folder}/faults.csv"""
