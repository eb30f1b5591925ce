"""A receiver of Sentry's envelopes over HTTP, in a process of its own.

Run as a program it prints its port, and then a JSON line an event.
"""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

PUBLIC_KEY = "0123456789abcdef0123456789abcdef"


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # http.server's name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        # https://develop.sentry.dev/sdk/data-model/envelopes/: a header, and then of each item a header and
        # what it holds, a line each.
        lines = body.split(b"\n")[1:]
        for header, item in zip(lines[::2], lines[1::2], strict=False):
            if json.loads(header)["type"] == "event":
                sys.stdout.write(json.dumps(json.loads(item)) + "\n")
        sys.stdout.flush()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class SentryReceiver:
    """A receiver that runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._lines = process.stdout
        self.dsn = f"http://{PUBLIC_KEY}@127.0.0.1:{int(self._lines.readline())}/1"

    def event(self) -> dict[str, Any]:
        """Wait for the next event."""
        told: dict[str, Any] = json.loads(self._lines.readline())
        return told


@contextmanager
def receiving() -> Iterator[SentryReceiver]:
    """Run a receiver while the block runs."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__))], stdout=subprocess.PIPE, text=True
    ) as started:
        try:
            yield SentryReceiver(started)
        finally:
            started.kill()


def _main() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Receiver)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    _main()
