"""One look for all who ask at the same time."""

import asyncio
from asyncio import Task, create_task
from collections.abc import Callable
from typing import Final

from vehicle_anomaly.adapters.inbound.http.threads import in_thread

_UNTIL_ASKED_AGAIN_SECONDS: Final = 0.2


class SharedLook:
    """Looks in a thread, never twice at once: whoever asks meanwhile gets what that look finds.

    Readiness is open to everybody. Where a store hangs, each call would otherwise keep a thread until the
    store gives up, and batches wait for the same threads.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        """Look by calling that, which returns when all is well and raises otherwise."""
        self._look = look
        self._looking: Task[None] | None = None

    async def unless(self, is_idle: Callable[[], bool]) -> None:
        """Look, or wait for who looks.

        Args:
            is_idle: Tells whether nobody wants to know any more: then this returns, too.

        Raises:
            Exception: What the look raises.
        """
        looking: Task[None] | None = None
        while not is_idle():
            looking = looking or self._running()
            # Not ended by who hangs up: others may wait for it.
            done, _ = await asyncio.wait({looking}, timeout=_UNTIL_ASKED_AGAIN_SECONDS)
            if done:
                looking.result()
                return

    def _running(self) -> Task[None]:
        if self._looking is None:
            self._looking = create_task(in_thread(self._look))
            self._looking.add_done_callback(self._looked)
        return self._looking

    def _looked(self, task: Task[None]) -> None:
        self._looking = None
        if not task.cancelled():
            # asyncio complains of what nobody has asked for, and all who did may be gone.
            task.exception()
