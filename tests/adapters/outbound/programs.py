"""Publishers in processes of their own, to race and to be killed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[3]


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `publishers` with these arguments while the block runs."""
    command = [sys.executable, "-m", "tests.adapters.outbound.publishers", *arguments]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def line_of(running: subprocess.Popen[str]) -> str:
    """Return the next line that a program tells."""
    assert running.stdout is not None
    line = running.stdout.readline()
    assert line, "the program ended"
    return line.strip()
