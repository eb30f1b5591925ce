"""ASGI servers with the same application: readings a second, and whether they let a request in twice."""

import json
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.benchmarks.http_services import free_port, process, reading, train
from tests.benchmarks.load import CONNECTIONS, post
from tests.benchmarks.measure import Row, Sample, Table, not_measured
from tests.benchmarks.peers import PeerMissing, peer

_APP: Final = "tests.benchmarks.served:app"
_CHOSEN: Final = "uvicorn, httptools, uvloop"
_UVICORN: Final = ("uvicorn", "--loop", "uvloop", "--no-access-log", "--log-level", "error")
_SERVERS: Final[Mapping[str, tuple[str, ...]]] = {
    _CHOSEN: (*_UVICORN, "--http", "httptools", "--port"),
    "uvicorn, h11, uvloop": (*_UVICORN, "--http", "h11", "--port"),
    "granian, one worker, uvloop": (
        "granian",
        "--interface",
        "asgi",
        "--no-ws",
        "--loop",
        "uvloop",
        "--log-level",
        "error",
        "--port",
    ),
    "hypercorn, uvloop": ("hypercorn", "--worker-class", "uvloop", "--log-level", "error", "--bind"),
}
_ROUNDS: Final = 5
_SECONDS: Final = 3


def measure() -> Iterator[Row]:
    """Measure them in turn, each in a process of its own."""
    body = reading()
    rates: dict[str, list[float]] = {}
    twice: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        store = Path(folder) / "models"
        urls = {}
        for name, (module, *options) in _SERVERS.items():
            try:
                peer(module)
            except PeerMissing as missing:
                yield not_measured(f"`POST /score` by {name}", str(missing))
                continue
            port = free_port()
            where = f"127.0.0.1:{port}" if options[-1] == "--bind" else str(port)
            command = [sys.executable, "-m", module, *options, where, _APP]
            urls[name] = running.enter_context(process(command, store, port)).url
            if not rates:
                train(urls[name])
            twice[name] = _answer_to_two_lengths(port, body)
            post(f"{urls[name]}/score", body, 1)
            rates[name] = []
        for _ in range(_ROUNDS):
            for name, url in urls.items():
                rates[name].append(post(f"{url}/score", body, _SECONDS).per_second)
    chosen = Sample.of(rates[_CHOSEN])
    for name, measured in rates.items():
        note = f"Content-Length together with Transfer-Encoding: {twice[name]}"
        what = f"`POST /score` by {name}"
        if name == _CHOSEN:
            yield Row(what, chosen, "requests/s", note=note)
        else:
            yield Row.of_rates(what, Sample.of(measured), chosen, unit="requests/s", peer=_CHOSEN, note=note)


def _answer_to_two_lengths(port: int, body: bytes) -> str:
    """Say how a server answers a request whose length is told in two ways (RFC 9112, 6.1 and 11.2).

    A proxy in front that goes by the other one takes what follows for another caller's request.
    """
    head = (
        f"POST /score HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        answer = connection.makefile("rb").readline().decode("latin-1").strip()
    status = answer.split(" ")[1] if answer.startswith("HTTP/1.1 ") else json.dumps(answer)
    return f"refused, {status}" if status == "400" else f"let in, {status}"


TABLE = Table(
    "asgi_servers",
    f"ASGI servers with the same application, one process, {CONNECTIONS} connections",
    measure,
)
