"""One look for all who ask at the same time."""

from asyncio import Task, create_task, shield
from collections.abc import Callable

from vehicle_anomaly.adapters.inbound.http.threads import in_thread


class SharedLook:
    """Looks in a thread, never twice at once: whoever asks meanwhile gets what that look finds.

    Readiness is open to everybody. Where a store hangs, each call would otherwise keep a thread until the
    store gives up, and batches wait for the same threads.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        """Look by calling that, which returns when all is well and raises otherwise."""
        self._look = look
        self._looking: Task[None] | None = None

    async def __call__(self) -> None:
        """Look, or wait for who looks.

        Raises:
            Exception: What the look raises.
        """
        if self._looking is None:
            self._looking = create_task(in_thread(self._look))
            self._looking.add_done_callback(self._looked)
        # Who hangs up must not end it for the others.
        await shield(self._looking)

    def _looked(self, task: Task[None]) -> None:
        self._looking = None
        if not task.cancelled():
            # asyncio complains of what nobody has asked for, and all who did may be gone.
            task.exception()
