"""`vehicle-anomaly serve` as a process, and its log."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60
SERVE = (sys.executable, "-m", "vehicle_anomaly", "serve")


def environment(store: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a service with a small forest and a free port."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**inherited, "PORT": "0", "N_ESTIMATORS": "10", "MODEL_ARTIFACT_DIR": str(store), **variables}


class Process:
    """A service that runs, and its log."""

    def __init__(self, started: subprocess.Popen[str]) -> None:
        self.started = started
        self.log: list[dict[str, Any]] = []

    def wait_for(self, event: str) -> dict[str, Any]:
        """Read the log up to an event; every line of it must be JSON."""
        assert self.started.stderr is not None
        for line in self.started.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == event:
                return self.log[-1]
        pytest.fail(f"the service ended before {event!r}: {self.log}")

    def read_on(self) -> None:
        """Read the log to its end, which must be JSON too."""
        assert self.started.stderr is not None
        self.log += [json.loads(line) for line in self.started.stderr]

    def status(self) -> int:
        """Wait for its end."""
        self.read_on()
        return self.started.wait(SECONDS)


@contextmanager
def serving(store: Path, **variables: str) -> Iterator[Process]:
    """Run a service while the block runs, whatever became of it."""
    own = environment(store, **variables)
    with subprocess.Popen(
        SERVE, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        try:
            yield Process(started)
        finally:
            started.kill()
