"""Threads that share the rows of a large matrix: what is compiled runs in them without the interpreter."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

# Some milliseconds of work: handing over less costs more than it saves, and what stands between its numbers
# stays in the cache.
_ROWS_AT_ONCE: Final = 2048


class ScoringThreads:
    """A fixed number of threads, shared by all who score: however many do, no more than these compute."""

    def __init__(self, n_threads: int) -> None:
        """Make them; they start when first needed.

        Args:
            n_threads: At least 1; with 1, work is done by whoever asks for it.
        """
        if n_threads < 1:
            raise ValueError(f"expected at least one thread, got {n_threads}")
        self._pool = ThreadPoolExecutor(n_threads, "score") if n_threads > 1 else None

    def share(self, n_rows: int, work: Callable[[slice], None]) -> None:
        """Do `work` on every row, in parts side by side; return when all are done.

        Args:
            n_rows: Rows.
            work: Is given a part of the rows at a time; what it raises is raised here.
        """
        if n_rows <= _ROWS_AT_ONCE:
            work(slice(0, n_rows))
            return
        parts = (
            slice(first, min(first + _ROWS_AT_ONCE, n_rows)) for first in range(0, n_rows, _ROWS_AT_ONCE)
        )
        for _ in map(work, parts) if self._pool is None else self._pool.map(work, parts):
            pass


THIS_THREAD: Final = ScoringThreads(1)
"""No thread of its own."""
