"""A client that keeps connections busy, each with one request at a time; a process of its own.

`load_client.py URL CONNECTIONS ENOUGH SECONDS LONGEST < BODY` prints one line of JSON. It goes on for
SECONDS, and where fewer than ENOUGH were answered by then, until they are, LONGEST seconds at most. It knows
as much HTTP as it needs: an answer has a Content-Length, and the connection stays open.
"""

import asyncio
import json
import re
import sys
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

import uvloop

_GLANCE_SECONDS = 0.05

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, took: list[float], failed: list[bytes]) -> None:
        self._request = request
        self._took = took
        self._failed = failed
        self._buffer = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are no subclasses of asyncio's, though they have all of their methods.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        length = _LENGTH.search(head)
        if length is None:
            self._failed.append(head)
            self._transport.close()
        elif len(body) >= int(length[1]):
            self._took.append(perf_counter() - self._began)
            if not head.startswith(b"HTTP/1.1 200 "):
                self._failed.append(head)
            self._buffer = b""
            self._send()

    def _send(self) -> None:
        self._began = perf_counter()
        self._transport.write(self._request)


async def _load(
    url: str, body: bytes, connections: int, enough: int, *, seconds: float, longest: float
) -> dict[str, float]:
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    took: list[float] = []
    failed: list[bytes] = []
    loop = asyncio.get_running_loop()
    began = perf_counter()
    host, port = parts.hostname or "", parts.port or 80
    opened = [
        await loop.create_connection(lambda: _Connection(head.encode() + body, took, failed), host, port)
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    while len(took) < enough and (left := began + longest - perf_counter()) > 0:
        if all(transport.is_closing() for transport, _ in opened):
            break
        await asyncio.sleep(min(_GLANCE_SECONDS, left))
    lasted = perf_counter() - began
    for transport, _ in opened:
        transport.close()
    waits = sorted(took)
    return {
        "requests": len(waits),
        "seconds": lasted,
        "failed": len(failed),
        "p50": waits[len(waits) // 2] * 1e3 if waits else 0.0,
        "p99": waits[len(waits) * 99 // 100] * 1e3 if waits else 0.0,
    }


if __name__ == "__main__":
    address, n_connections, n_enough, n_seconds, n_longest = sys.argv[1:]
    load = _load(
        address,
        sys.stdin.buffer.read(),
        int(n_connections),
        int(n_enough),
        seconds=float(n_seconds),
        longest=float(n_longest),
    )
    sys.stdout.write(json.dumps(uvloop.run(load)) + "\n")
