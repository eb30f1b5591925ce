"""Two services and two workers, each a process of its own, on one store and one pair of queues."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.aws_server import REPOSITORY
from tests.queues import Queues, wait_until
from tests.robustness.process_memory import Held, held

COMMAND: Final = (sys.executable, "-m", "vehicle_anomaly")
LEAKING_COMMAND: Final = (sys.executable, "-m", "tests.robustness.leaking")
_ENDS_WITHIN_SECONDS: Final = 60


class Program:
    """A process that runs and logs to a file, which an hour's lines fill: no pipe, and no memory here."""

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(command, cwd=REPOSITORY, env=dict(environment), stderr=errors)

    def wait_for(self, event: str) -> dict[str, Any]:
        """Wait until it has logged an event; return it."""
        found: list[dict[str, Any]] = []

        def logged() -> bool:
            assert self._process.poll() is None, self._log.read_text("utf-8")
            found.extend(self.events(event))
            return bool(found)

        wait_until(logged)
        return found[0]

    def events(self, *names: str) -> list[dict[str, Any]]:
        """Return what it has logged under these names."""
        with self._log.open(encoding="utf-8") as lines:
            whole = (line for line in lines if line.endswith("\n") and any(name in line for name in names))
            return [told for told in map(json.loads, whole) if told["event"] in names]

    def held(self) -> Held:
        """Return what it holds now."""
        return held(self._process.pid)

    def stop(self) -> int:
        """Tell it to stop; return its exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(_ENDS_WITHIN_SECONDS)

    def kill(self) -> None:
        """End it, whatever became of it."""
        self._process.kill()
        self._process.wait()


@dataclass(frozen=True, slots=True)
class Deployment:
    """What runs.

    Attributes:
        services: `vehicle-anomaly serve`, twice.
        workers: `vehicle-anomaly work`, twice.
        urls: Where the services listen.
    """

    services: tuple[Program, ...]
    workers: tuple[Program, ...]
    urls: tuple[str, ...]

    @property
    def programs(self) -> tuple[Program, ...]:
        """All of them."""
        return self.services + self.workers


@contextmanager
def deployed(
    folder: Path, bucket: str, queues: Queues, aws: Mapping[str, str], command: Sequence[str] = COMMAND
) -> Iterator[Deployment]:
    """Run two services and two workers while the block runs; versions wait to be promoted.

    Args:
        folder: For their logs.
        bucket: Of their models.
        queues: Of the workers.
        aws: Where S3 and SQS are.
        command: What the services run as.
    """
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **aws,
        "MODEL_STORE": "s3",
        "MODEL_BUCKET": bucket,
        # So few that the cache is full before anything is measured.
        "MODEL_CACHE_SIZE": "4",
        "N_ESTIMATORS": "20",
        "AUTO_PROMOTE": "false",
        "PORT": "0",
        **queues.environment(),
    }
    with ExitStack() as running:

        def start(name: str, *words: str) -> Program:
            program = Program(name, words, folder / f"{name}.log", environment)
            running.callback(program.kill)
            return program

        services = tuple(start(f"service-{number}", *command, "serve") for number in range(2))
        workers = tuple(start(f"worker-{number}", *COMMAND, "work") for number in range(2))
        urls = tuple(service.wait_for("listening")["url"] for service in services)
        for worker in workers:
            worker.wait_for("polling")
        yield Deployment(services, workers, urls)
