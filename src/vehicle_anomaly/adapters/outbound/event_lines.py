"""Events as JSON lines, written by a thread of their own: who tells one waits for nothing."""

import atexit
import os
import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from time import time
from typing import Final

import msgspec

# POSIX: up to here a write to a pipe is not mixed with those of others, such as the other workers.
_WRITTEN_AT_ONCE: Final = 4096
_MOST_WAITING: Final = 20_000
_PAUSE_SECONDS: Final = 0.05
_LAST_SECONDS: Final = 0.5

_encode: Final = msgspec.json.Encoder().encode


class EventLines:
    """A log of frequent events: the fields of an event, its level and the time, as structlog names them.

    Lines wait in memory and are written twenty times a second. When nobody reads them, the oldest
    `_MOST_WAITING` wait and later ones are dropped, and counted in a line of their own once there is room:
    a service does not stand still because its log does.
    """

    def __init__(self, descriptor: int, logger: str) -> None:
        """Write to a file.

        Args:
            descriptor: Of the file.
            logger: Who tells, by name.
        """
        self._descriptor = descriptor
        self._logger = logger
        self._waiting: deque[tuple[str, str, float, Mapping[str, object]]] = deque()
        self._dropped = 0
        self._begun = False
        self._lock = threading.Lock()
        self._told = threading.Event()
        self._ended = threading.Event()
        # A daemon: a log that nobody reads must not hold up the end of the process.
        self._writer = threading.Thread(target=self._write_on, name="event-lines", daemon=True)

    def info(self, event: str, fields: Mapping[str, object]) -> None:
        """Tell an event."""
        if len(self._waiting) >= _MOST_WAITING:
            with self._lock:
                self._dropped += 1
            return
        # Laid out by the writer, many at a time, which takes half as long.
        self._waiting.append((event, "info", time(), fields))
        if not self._told.is_set():
            self._told.set()
            self._begin()

    def close(self) -> None:
        """Write what waits, if it is taken in half a second, and be done."""
        self._ended.set()
        self._told.set()
        if self._begun:
            self._writer.join(_LAST_SECONDS)

    def _begin(self) -> None:
        with self._lock:
            if self._begun:
                return
            self._begun = True
            self._writer.start()
        atexit.register(self.close)

    def _line(self, event: str, level: str, seconds: float, fields: Mapping[str, object]) -> bytes:
        timestamp = datetime.fromtimestamp(seconds, UTC)
        line = {**fields, "event": event, "level": level, "logger": self._logger, "timestamp": timestamp}
        return _encode(line) + b"\n"

    def _write_on(self) -> None:
        while not self._ended.is_set():
            self._told.wait()
            # More come in the meantime, and go with it.
            self._ended.wait(_PAUSE_SECONDS)
            self._told.clear()
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        block = b""
        while self._waiting:
            line = self._line(*self._waiting.popleft())
            if block and len(block) + len(line) > _WRITTEN_AT_ONCE:
                self._write(block)
                block = b""
            block += line
        if self._dropped:
            with self._lock:
                dropped, self._dropped = self._dropped, 0
            block += self._line("events dropped", "warning", time(), {"dropped": dropped})
        if block:
            self._write(block)

    def _write(self, block: bytes) -> None:
        while block:
            try:
                block = block[os.write(self._descriptor, block) :]
            except BlockingIOError:
                # Somebody else made the file so, and has not read on.
                if self._ended.wait(_PAUSE_SECONDS):
                    return
            except OSError:
                # Nobody will ever read on: there is nobody left to tell it to.
                with self._lock:
                    self._dropped += block.count(b"\n")
                return
