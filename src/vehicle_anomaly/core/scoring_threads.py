"""Threads that share the rows of a large matrix: what is compiled runs in them without the interpreter."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

SMALLEST_PART: Final = 512
"""Rows: half a millisecond of work. To hand over less costs more than it saves."""

# What stands between the numbers of more rows leaves the cache.
_LARGEST_PART: Final = 8192
_PARTS_PER_THREAD: Final = 4


class ScoringThreads:
    """A fixed number of threads that help whoever scores much; all who score share them.

    Who asks works too and waits for nobody: while the others are busy elsewhere, it does all of it alone.
    """

    def __init__(self, n_threads: int) -> None:
        """Make them; they start when first needed.

        Args:
            n_threads: At least 1, the one that asks included.
        """
        if n_threads < 1:
            raise ValueError(f"expected at least one thread, got {n_threads}")
        self._n_threads = n_threads
        self._others = ThreadPoolExecutor(n_threads - 1, "score") if n_threads > 1 else None

    def share(self, n_rows: int, work: Callable[[slice], None]) -> None:
        """Do `work` on every row, in parts side by side; return when all are done.

        Args:
            n_rows: Rows.
            work: Is given a part of the rows at a time; what it raises is raised here.
        """
        size = min(max(SMALLEST_PART, -(-n_rows // (self._n_threads * _PARTS_PER_THREAD))), _LARGEST_PART)
        parts = [slice(first, min(first + size, n_rows)) for first in range(0, n_rows, size)]
        self.each(len(parts), lambda number: work(parts[number]))

    def each(self, n_tasks: int, work: Callable[[int], None]) -> None:
        """Do `work` for each number below `n_tasks`, side by side; return when all is done.

        Args:
            n_tasks: How many.
            work: Is given a number; what it raises is raised here.
        """
        tasks = deque(range(n_tasks))

        def work_on() -> None:
            while True:
                try:
                    task = tasks.popleft()
                except IndexError:
                    return
                work(task)

        helpers = min(self._n_threads, n_tasks) - 1 if self._others is not None else 0
        helping = [self._others.submit(work_on) for _ in range(helpers)] if self._others is not None else []
        try:
            work_on()
        finally:
            # After a failure nothing more is begun; what is being done is waited for.
            tasks.clear()
            begun = [helper for helper in helping if not helper.cancel()]
            faults = [fault for helper in begun if (fault := helper.exception()) is not None]
        if faults:
            raise faults[0]


THIS_THREAD: Final = ScoringThreads(1)
"""No thread of its own."""
