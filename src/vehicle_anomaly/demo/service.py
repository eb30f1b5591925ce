"""The real service, in a process of its own."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_START_SECONDS = 60.0
"""Compiling the scoring for the first time takes some of them."""

_STOP_SECONDS = 30.0

NOT_INHERITED = (
    "ALLOWED_HOSTS",
    "API_KEYS",
    "AUTH",
    "CORS_ORIGINS",
    "MODEL_BUCKET",
    "MODEL_PREFIX",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "REQUEST_QUEUE_URL",
    "RESULT_QUEUE_URL",
)
"""What a deployment sets and would make the demonstration touch it, or refuse its own calls."""

COMMAND = (sys.executable, "-P", "-m", "vehicle_anomaly", "serve")
"""-P: a file in the user's folder that is named as a module must not be taken for it."""


class ServiceFailed(Exception):
    """The service did not start, or died; the message holds its last log lines."""


@contextmanager
def running_service(store: Path, command: Sequence[str] = COMMAND) -> Iterator[str]:
    """Run the service on a free port of this machine; stop it when the block is left, however it is left.

    Args:
        store: Folder for its models.
        command: What to run.

    Yields:
        Its address, such as `http://127.0.0.1:43121`.

    Raises:
        ServiceFailed: It did not listen within a minute, or ended while it was needed.
    """
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        env=environment(os.environ, store),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    log = _Log(process.stderr)
    try:
        yield log.wait_for_address()
    except Exception as error:
        if not isinstance(error, ServiceFailed) and _has_ended(process):
            # What went wrong in the block, a broken connection say, is only a consequence.
            raise ServiceFailed(log.story("ended while it was needed")) from error
        raise
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def environment(environ: Mapping[str, str], store: Path) -> dict[str, str]:
    """What the service gets: the caller's own, cut off from any deployment."""
    own = {name: value for name, value in environ.items() if name not in NOT_INHERITED}
    return own | {
        "AUTH": "off",
        "ENVIRONMENT": "demo",
        "HOST": "127.0.0.1",
        "LOG_LEVEL": "INFO",
        "MODEL_ARTIFACT_DIR": str(store),
        "MODEL_STORE": "filesystem",
        "PORT": "0",
    }


def _has_ended(process: subprocess.Popen[str]) -> bool:
    try:
        # A connection breaks a moment before its process can be seen to have ended.
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        return False
    return True


class _Log:
    """Reads the service's log all the time: a full pipe would stop it."""

    def __init__(self, stream: IO[str] | None) -> None:
        if stream is None:
            raise ValueError("expected a pipe")
        self._stream = stream
        self._last: deque[str] = deque(maxlen=5)
        self._addresses: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, name="service-log", daemon=True)
        self._thread.start()

    def wait_for_address(self) -> str:
        try:
            address = self._addresses.get(timeout=_START_SECONDS)
        except queue.Empty:
            raise ServiceFailed(self.story(f"did not listen within {_START_SECONDS:.0f} seconds")) from None
        if address is None:
            raise ServiceFailed(self.story("ended before it listened"))
        return address

    def close(self) -> None:
        self._thread.join()
        self._stream.close()

    def _read(self) -> None:
        for line in self._stream:
            self._last.append(line.rstrip())
            address = _address(line)
            if address is not None:
                self._addresses.put(address)
        self._addresses.put(None)

    def story(self, what: str) -> str:
        lines = "\n".join(self._last) or "(nothing)"
        return f"the service {what}; the last it said:\n{lines}"


def _address(line: str) -> str | None:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return None
    if isinstance(entry, dict) and entry.get("event") == "listening":
        return str(entry["url"])
    return None
