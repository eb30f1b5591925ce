"""SIGTERM while the program still gets itself together: it ends at once.

The first process of a container has no handler of the system's: a signal that comes before it has one of its
own is lost, and it would serve until it is killed. To import this is to be prepared.
"""

import os
import signal
import sys
from types import FrameType


def _leave(_number: int, _frame: FrameType | None) -> None:
    # Nothing has begun that would have to be finished.
    os._exit(0)


# A service has handlers of its own once it runs; all else ends as the system has it.
if sys.argv[1:2] in (["serve"], ["work"]):
    signal.signal(signal.SIGTERM, _leave)
