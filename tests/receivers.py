"""Receivers over HTTP in processes of their own, which print a JSON line of each thing that comes."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """Prints what a POST brought, and answers."""

    answer = (b"", "text/plain")
    """Body and type of each answer."""

    def told(self, body: bytes) -> Iterator[Any]:
        """Give what is to be printed of a body."""
        raise NotImplementedError

    def do_POST(self) -> None:
        """Print what came; the name is http.server's."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for each in self.told(body):
            sys.stdout.write(json.dumps(each) + "\n")
        sys.stdout.flush()
        content, media_type = self.answer
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def receive(handler: type[Handler]) -> None:
    """Print the port, and receive until killed."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


class Received:
    """What a receiver that runs has received."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._lines = process.stdout
        self.port = int(self._lines.readline())

    def __iter__(self) -> Iterator[Any]:
        """Give one thing after another, and wait for the next."""
        return map(json.loads, self._lines)


@contextmanager
def received(program: str) -> Iterator[Received]:
    """Run a file that calls `receive`, while the block runs."""
    with subprocess.Popen([sys.executable, "-m", program], stdout=subprocess.PIPE, text=True) as started:
        try:
            yield Received(started)
        finally:
            started.kill()
