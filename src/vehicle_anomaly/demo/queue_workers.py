"""`vehicle-anomaly work`, in processes of their own."""

import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from vehicle_anomaly.demo.service import ServiceFailed

COMMAND: Final = (sys.executable, "-P", "-m", "vehicle_anomaly", "work")
"""-P: a file in the user's folder that is named as a module must not be taken for it."""

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0


class DemoWorker:
    """One worker.

    Attributes:
        answered: Requests it has answered, as its log tells.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start it."""
        self.answered = 0
        self._last: deque[str] = deque(maxlen=5)
        self._polls_or_ended = threading.Event()
        self._polls = False
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            COMMAND,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        # All the time: a full pipe would stop it.
        self._reader = threading.Thread(target=self._read, name="worker-log", daemon=True)
        self._reader.start()

    def wait_until_polling(self) -> None:
        """Wait until it takes requests.

        Raises:
            ServiceFailed: It does not within a minute.
        """
        self._polls_or_ended.wait(_START_SECONDS)
        if not self._polls:
            raise ServiceFailed("a worker did not start; the last it said:\n" + "\n".join(self._last))

    def begin_to_stop(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def stop(self) -> int:
        """Wait until it has drained; return its exit status."""
        self.begin_to_stop()
        try:
            status = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._reader.join()
        return status

    def _read(self) -> None:
        if self._process.stderr is None:
            raise ValueError("expected a pipe")
        with self._process.stderr as lines:
            for line in lines:
                self._last.append(line.rstrip())
                event = _event(line)
                self.answered += event == "answered"
                if event == "polling":
                    self._polls = True
                    self._polls_or_ended.set()
        self._polls_or_ended.set()


@contextmanager
def running_workers(count: int, environment: Mapping[str, str]) -> Iterator[Sequence[DemoWorker]]:
    """Run workers while the block runs; they drain when it ends, however it ends.

    Raises:
        ServiceFailed: One did not start.
    """
    workers: list[DemoWorker] = []
    try:
        workers += [DemoWorker(environment) for _ in range(count)]
        for worker in workers:
            worker.wait_until_polling()
        yield workers
    finally:
        for worker in workers:
            worker.begin_to_stop()
        for worker in workers:
            worker.stop()


def _event(line: str) -> str | None:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return None
    return str(entry.get("event")) if isinstance(entry, dict) else None
