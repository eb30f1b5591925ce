"""`vehicle-anomaly` as if somebody had forgotten something: each request leaks memory, a file and a thread.

A program of its own, to see that a soak finds out: `python -m tests.robustness.leaking serve`.
"""

import os
import threading
from typing import IO, Any, Final

from litestar import Litestar

from vehicle_anomaly.__main__ import main

_LEAKED_BYTES: Final = 256 * 1024
# A soak asks some thousand times; so many files and threads are found, and no limit of the system is met.
_MOST: Final = 200

_memory: list[bytes] = []
_files: list[IO[bytes]] = []
_threads: list[threading.Thread] = []


def _leak() -> None:
    _memory.append(os.urandom(_LEAKED_BYTES))
    if len(_memory) % 10 == 0 and len(_threads) < _MOST:
        _files.append(open(os.devnull, "rb"))  # noqa: SIM115, PTH123  # leaking is what it is for
        thread = threading.Thread(target=threading.Event().wait, daemon=True)
        thread.start()
        _threads.append(thread)


def _spoil() -> None:
    answer = Litestar.__call__

    async def leaking(self: Litestar, scope: Any, receive: Any, send: Any) -> None:
        _leak()
        await answer(self, scope, receive, send)

    setattr(Litestar, "__call__", leaking)  # noqa: B010


if __name__ == "__main__":
    _spoil()
    main()
