"""Where trainings run: off the event loop, so many at once, so many waiting."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from vehicle_anomaly.adapters.inbound.http.threads import Outcome

Result = TypeVar("Result")


class TrainingSlotsBusy(Exception):
    """Every slot is busy and the queue before them is full; the same request may succeed later."""

    def __init__(self, running: int, waiting: int) -> None:
        self.running = running
        self.waiting = waiting
        super().__init__(
            f"{running} trainings run and {waiting} wait, which is all there may be: try again later"
        )


class TrainingSlots:
    """Threads that train, and a bounded queue before them.

    scikit-learn and NumPy let go of the interpreter while they compute, so the event loop keeps answering.
    """

    def __init__(self, slots: int, queue: int) -> None:
        """Make room for `slots` trainings at once and `queue` more that wait."""
        self._slots = slots
        self._queue = queue
        self._taken = 0
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="training")

    async def run(self, train: Callable[[], Result]) -> Result:
        """Run a training when there is a slot, and return what it returns.

        Called on the event loop only, so what counts the trainings needs no lock.

        Raises:
            TrainingSlotsBusy: There is no room for it.
        """
        if self._taken >= self._slots + self._queue:
            raise TrainingSlotsBusy(self._slots, self._queue)
        self._taken += 1
        running = asyncio.get_running_loop().run_in_executor(
            # In the trace of its request.
            self._threads,
            copy_context().run,
            Outcome[Result],
            train,
        )
        # Counted until the training ends, whether or not the caller still waits for it.
        running.add_done_callback(self._leave)
        return (await running).told()

    def close(self) -> None:
        """Begin no more trainings.

        What still runs then was broken off: a thread cannot be ended, so it is left to the process's end.
        """
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _leave(self, _: object) -> None:
        self._taken -= 1
