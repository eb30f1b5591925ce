"""Load is made until there is enough to measure, however late a busy machine answers."""

import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.benchmarks import load
from tests.benchmarks.__main__ import hold
from tests.benchmarks.measure import Row, Sample, Table, at_least

_BODY = b"{}"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(params=["wrk", "our own client"])
def generator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make load by one and by the other."""
    found = shutil.which("wrk")
    if request.param == "wrk" and not found:
        pytest.skip("wrk is not installed")
    monkeypatch.setattr(shutil, "which", {"wrk": found if request.param == "wrk" else None}.get)


@contextmanager
def server(silent: float) -> Iterator[str]:
    """Serve what answers nothing for some seconds, and then all at once."""
    started = threading.Event()
    loop, stop, port = asyncio.new_event_loop(), asyncio.Event(), 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(len(_BODY))
                    await asyncio.sleep(until - loop.time())
                    writer.write(_ANSWER)
                    await writer.drain()
        finally:
            writer.transport.abort()

    async def serve() -> None:
        nonlocal port
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            started.set()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    until = loop.time() + silent
    thread = threading.Thread(target=run)
    thread.start()
    try:
        started.wait(10)
        yield f"http://127.0.0.1:{port}/"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


@pytest.mark.usefixtures("generator")
def test_answers_that_come_after_the_time_are_waited_for() -> None:
    with server(silent=3.5) as url:
        told = load.post(url, _BODY, 1)
    assert told.requests >= load.ENOUGH
    assert told.per_second <= told.requests / 3


@pytest.mark.usefixtures("generator")
def test_a_server_that_answers_is_measured_no_longer_than_asked() -> None:
    with server(silent=0) as url:
        told = load.post(url, _BODY, 1)
    assert told.requests / told.per_second == pytest.approx(1, abs=0.5)


@pytest.mark.usefixtures("generator")
def test_a_server_that_never_answers_is_told_of() -> None:
    with server(silent=60) as url, pytest.raises(RuntimeError, match=r"nothing was answered in .* s over 8"):
        load.post(url, _BODY, 1, longest=2)


def table(*runs: float | Exception) -> Table:
    """Return a table whose quick form gives one ratio a run, held to half of one, or fails."""
    left = iter(runs)

    def quick() -> Iterator[Row]:
        found = next(left)
        if isinstance(found, Exception):
            raise found
        one = Sample.of([1.0])
        yield Row("ratio", one, "s", "peer", one, found, (at_least(1.0),))

    return Table("some", "Some", lambda: iter(()), quick)


def test_a_quick_form_that_fails_is_run_once_more() -> None:
    broken = RuntimeError("nothing was answered")
    assert hold([table(0.6)]) == 0
    assert hold([table(0.4, 0.6)]) == 0
    assert hold([table(broken, 0.6)]) == 0
    assert hold([table(0.6), table(broken, broken)]) == 1
    assert hold([table(broken, 0.4)]) == 1


def test_what_failed_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert hold([table(RuntimeError("the first time"), RuntimeError("the second time"))]) == 1
    told = capsys.readouterr().err
    assert "RuntimeError: the first time" in told
    assert "not measured, twice: some: RuntimeError('the second time')" in told
