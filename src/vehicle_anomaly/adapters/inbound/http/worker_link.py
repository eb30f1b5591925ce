"""What a worker process gets from the process that started it."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

SHARED_FOLDER: Final = "SERVE_SHARED_FOLDER"
"""Variable of a worker's environment: a folder of this run, which no other user may write to."""

READY: Final = b"r"
"""What a worker sends once it serves."""


@dataclass(frozen=True, slots=True)
class WorkerLink:
    """The sockets of a worker.

    Attributes:
        supervisor: Connected to the supervisor: it ends when that process does, however it does.
        listeners: On which the worker accepts connections, as do the others.
    """

    supervisor: socket.socket
    listeners: tuple[socket.socket, ...]

    @classmethod
    def of(cls, descriptors: Sequence[int]) -> Self:
        """Take over the open sockets: the supervisor's, then those that listen."""
        supervisor, *listening = (socket.socket(fileno=each) for each in descriptors)
        supervisor.setblocking(False)
        return cls(supervisor, tuple(listening))
