"""What moto's SQS lacks of Amazon's: one change at a time, and delivery that is at least once.

moto deletes by writing back a list that it has copied, and loses what was sent meanwhile; two receives at
once take the same message. Amazon does neither, but on occasion delivers a message twice: here, a queue whose
name begins with `TWICE` delivers every fifth message a second time.
"""

import threading
import time
from collections.abc import Callable
from copy import copy
from itertools import count
from typing import Any, Final

TWICE: Final = "twice-"
"""Beginning of the name of a queue that delivers every fifth message twice, under the same id."""

_EVERY: Final = 5
_LOOKS_AGAIN_AFTER_SECONDS: Final = 0.1


def install() -> None:
    """Mend moto in this process, which is to be the server's own."""
    from moto.sqs import models  # noqa: PLC0415  # takes seconds
    from moto.sqs.models import Queue, SQSBackend  # noqa: PLC0415

    # moto asks for the time twice for each message in a queue, at each call, by way of three datetimes.
    vars(models).update(unix_time=time.time, unix_time_millis=lambda: time.time() * 1000)
    changed = threading.Condition(threading.RLock())

    def atomic(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with changed:
                try:
                    return method(*args, **kwargs)
                finally:
                    changed.notify_all()

        return call

    for name in (
        "send_message",
        "send_message_batch",
        "delete_message",
        "delete_message_batch",
        "change_message_visibility",
        "change_message_visibility_batch",
    ):
        setattr(SQSBackend, name, atomic(getattr(SQSBackend, name)))

    receive = SQSBackend.receive_message

    def receive_message(self: Any, name: str, at_most: int, wait: int, *more: Any) -> Any:
        end = time.monotonic() + wait
        with changed:
            while True:
                received = receive(self, name, at_most, 0, *more)
                if received or time.monotonic() >= end:
                    return received
                # A message may also become visible by itself.
                changed.wait(min(_LOOKS_AGAIN_AFTER_SECONDS, max(0.0, end - time.monotonic())))

    add = Queue.add_message
    sent = count(1)

    def add_message(self: Any, message: Any) -> None:
        add(self, message)
        if self.name.startswith(TWICE) and next(sent) % _EVERY == 0:
            add(self, copy(message))

    setattr(SQSBackend, "receive_message", receive_message)  # noqa: B010
    setattr(Queue, "add_message", add_message)  # noqa: B010
