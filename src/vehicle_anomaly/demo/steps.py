"""What a person sees of the steps of a demonstration, and how it is stopped."""

import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def step(progress: Progress, description: str) -> Iterator[None]:
    """A task of one step; its clock runs meanwhile."""
    task = progress.add_task(description, total=1)
    yield
    progress.advance(task)


def progress_bars() -> Progress:
    """Bars on standard error, if that is a terminal."""
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
def stopped_by_sigterm() -> Iterator[None]:
    """Leave as on Ctrl-C when told to end: otherwise what was started would outlive us."""

    def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def program() -> str:
    """How to call us again: by name where a shell finds it, else as we were called."""
    if shutil.which("vehicle-anomaly"):
        return "vehicle-anomaly"
    called = Path(sys.argv[0])
    if called.name == "vehicle-anomaly":
        return shlex.quote(str(called))
    return f"{shlex.quote(sys.executable)} -m vehicle_anomaly"
