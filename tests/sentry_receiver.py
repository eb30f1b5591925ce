"""A receiver of Sentry's envelopes over HTTP, in a process of its own: `python -m tests.sentry_receiver`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.receivers import Handler, Received, receive, received

PUBLIC_KEY = "0123456789abcdef0123456789abcdef"


class _Envelopes(Handler):
    def told(self, body: bytes) -> Iterator[Any]:
        # https://develop.sentry.dev/sdk/data-model/envelopes/: a header, and then of each item a header and
        # what it holds, a line each.
        lines = body.split(b"\n")[1:]
        for header, item in zip(lines[::2], lines[1::2], strict=False):
            if json.loads(header)["type"] == "event":
                yield json.loads(item)


class SentryReceiver:
    """A receiver that runs."""

    def __init__(self, events: Received) -> None:
        self.dsn = f"http://{PUBLIC_KEY}@127.0.0.1:{events.port}/1"
        self._events = iter(events)

    def event(self) -> dict[str, Any]:
        """Wait for the next event."""
        told: dict[str, Any] = next(self._events)
        return told


@contextmanager
def receiving() -> Iterator[SentryReceiver]:
    """Run a receiver while the block runs."""
    with received("tests.sentry_receiver") as events:
        yield SentryReceiver(events)


if __name__ == "__main__":
    receive(_Envelopes)
