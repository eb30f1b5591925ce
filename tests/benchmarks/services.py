"""The real command, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread


@contextmanager
def running_service(folder: Path, **variables: str) -> Iterator[tuple[str, int]]:
    """Serve a store while the block runs; yield host and port, and the process id."""
    environment = {
        **os.environ,
        "PORT": "0",
        "MODEL_ARTIFACT_DIR": str(folder),
        "MAX_BODY_BYTES": str(256 * 1024 * 1024),
        **variables,
    }
    command = [sys.executable, "-m", "vehicle_anomaly", "serve"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        if process.stderr is None:
            raise RuntimeError("no pipe")
        events = (json.loads(line) for line in process.stderr)
        drain = Thread(target=lambda: list(events))
        try:
            url: str = next(event["url"] for event in events if event["event"] == "listening")
            # Read on, or the service would stand still once the pipe is full.
            drain.start()
            yield url.removeprefix("http://"), process.pid
        finally:
            process.terminate()
            drain.join()
