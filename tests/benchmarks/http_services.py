"""HTTP services as processes of their own, and what they are asked."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tests.benchmarks.load import HEADERS

N_FEATURES: Final = 8
_START_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs: its address, and its process."""

    url: str
    pid: int


def reading() -> bytes:
    """Return a request to score."""
    row = np.random.default_rng(1).normal(size=N_FEATURES).round(4).tolist()
    told = {"vehicle_id": "veh-017", "timestamp": "2026-11-22T10:00:00Z", "feature_vector": row}
    return json.dumps(told).encode()


def train(url: str, n_readings: int = 10_000) -> None:
    """Train the service's default forest, 200 trees, over HTTP."""
    X = np.random.default_rng(0).normal(size=(n_readings, N_FEATURES)).round(4).tolist()
    records = [
        {"vehicle_id": f"veh-{n % 50}", "timestamp": "2026-11-01T00:00:00Z", "feature_vector": row}
        for n, row in enumerate(X)
    ]
    body = json.dumps({"records": records}).encode()
    asked = urllib.request.Request(f"{url}/ingest", body, HEADERS)
    urllib.request.urlopen(asked, timeout=60).close()


def free_port() -> int:
    """Return a port that nobody listens on; not every server can say which one it took itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def process(command: Sequence[str], folder: Path, port: int, **variables: str) -> Iterator[Service]:
    """Run a service while the block runs.

    Its log goes to a file, as it would in service: a pipe would have to be emptied by this process.

    Args:
        command: That serves.
        folder: Of the models; the log lies beside it.
        port: Where it listens.
        variables: Of its environment.
    """
    environment: Mapping[str, str] = {
        **os.environ,
        "PORT": str(port),
        "MODEL_ARTIFACT_DIR": str(folder),
        **variables,
    }
    url = f"http://127.0.0.1:{port}"
    with (
        (folder.parent / f"{port}.log").open("w+") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as running,
    ):
        try:
            _wait(url, running)
            yield Service(url, running.pid)
        finally:
            running.terminate()


def floor_service(folder: Path, **variables: str) -> AbstractContextManager[Service]:
    """Run the service that also has the routes beside which `/score` is measured."""
    return process([sys.executable, "-m", "tests.benchmarks.floor_service"], folder, free_port(), **variables)


def _wait(url: str, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if running.poll() is not None:
            raise RuntimeError(f"{running.args!r} ended with {running.returncode}")
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{running.args!r} does not answer")
