"""What a person at a terminal sees while a command works."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from vehicle_anomaly.adapters.inbound.cli.telemetry_files import TelemetryFile


@contextmanager
def reading_progress(
    what: str, files: Sequence[TelemetryFile], *, shown: bool
) -> Iterator[Callable[[int], None]]:
    """Show, on standard error, how much of the files has been read.

    Args:
        what: What is being done, such as `Reading`.
        files: They count together.
        shown: False shows nothing.

    Yields:
        What to tell of further bytes that have been read.
    """
    sizes = [file.size for file in files]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    # Standard output is data: nothing of it may pass through the console of the bar.
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        disable=not shown,
    )
    with progress:
        task = progress.add_task(what, total=total)

        def advance(size: int) -> None:
            progress.advance(task, size)

        yield advance


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show, on standard error if it is a terminal, that something is going on that has no measure."""
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(what):
        yield
