"""Work in threads, whose failures leave nothing behind.

An exception that a future hands over is kept by its own traceback, in which stands the frame that awaits the
future. So it stays, with all that was worked on, such as a body of 32 MB, until Python looks for cycles.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from anyio.to_thread import run_sync

Result = TypeVar("Result")


class Outcome(Generic[Result]):
    """What became of work: a result, or an exception, which a future hands over as any other value."""

    __slots__ = ("_error", "_result")

    def __init__(self, work: Callable[..., Result], *args: Any) -> None:
        """Do the work."""
        self._error: Exception | None = None
        try:
            self._result = work(*args)
        except Exception as error:  # noqa: BLE001  # whichever it is, who asks for the result gets it
            self._error = error

    def told(self) -> Result:
        """Return the result, once.

        Raises:
            Exception: What the work raised.
        """
        if self._error is None:
            return self._result
        error, self._error = self._error, None
        try:
            raise error
        finally:
            # This frame stands in the traceback, too.
            del error


async def in_thread(work: Callable[..., Result], *args: Any) -> Result:
    """Do work in a thread, and return what it returns.

    Raises:
        Exception: What the work raises.
    """
    return (await run_sync(Outcome[Result], work, *args)).told()
