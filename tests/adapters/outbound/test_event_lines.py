"""Frequent events as JSON lines."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vehicle_anomaly.adapters.outbound import event_lines
from vehicle_anomaly.adapters.outbound.event_lines import EventLines


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def _read(reader: int, until: bytes = b"last") -> list[dict[str, Any]]:
    """Read up to the line that holds some bytes."""
    told = b""
    while until not in told or not told.endswith(b"\n"):
        told += os.read(reader, 65536)
    return [json.loads(line) for line in told.splitlines()]


def test_each_event_is_a_line_in_order_with_level_logger_and_time() -> None:
    with _pipe() as (reader, writer):
        lines = EventLines(writer, "the.module")
        lines.info("request", {"route": "/score", "status": 200, "detail": "two\nlines"})
        lines.info("last", {})
        first, last = _read(reader)
        lines.close()
    told_at = datetime.fromisoformat(first.pop("timestamp"))
    assert abs(datetime.now(UTC) - told_at) < timedelta(minutes=1)
    assert first == {
        "event": "request",
        "level": "info",
        "logger": "the.module",
        "route": "/score",
        "status": 200,
        "detail": "two\nlines",
    }
    assert last["event"] == "last"


def test_nothing_is_lost_of_many_threads_and_lines_are_whole() -> None:
    with _pipe() as (reader, writer):
        lines = EventLines(writer, "x")

        def tell(thread: int) -> None:
            for n in range(1000):
                lines.info("request", {"thread": thread, "n": n})

        threads = [threading.Thread(target=tell, args=(number,)) for number in range(4)]
        for each in threads:
            each.start()
        reading: list[dict[str, Any]] = []
        collect = threading.Thread(target=lambda: reading.extend(_read(reader)))
        collect.start()
        for each in threads:
            each.join()
        lines.info("last", {})
        collect.join()
        lines.close()
    for number in range(4):
        assert [line["n"] for line in reading if line.get("thread") == number] == list(range(1000))


def test_whoever_tells_does_not_wait_for_a_log_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_lines, "_MOST_WAITING", 100)
    with _pipe() as (reader, writer):
        lines = EventLines(writer, "x")
        # More than the pipe and the memory take; it would stand still here otherwise.
        for n in range(5000):
            lines.info("request", {"n": n, "filling": "." * 100})
        told = _read(reader, b"events dropped")
        lines.close()
    kept = [line["n"] for line in told if line["event"] == "request"]
    dropped = sum(line["dropped"] for line in told if line["event"] == "events dropped")
    assert len(kept) + dropped == 5000
    assert dropped > 0
    assert kept == sorted(kept)


def test_what_waits_at_the_end_is_written() -> None:
    with _pipe() as (reader, writer):
        lines = EventLines(writer, "x")
        lines.info("request", {})
        lines.close()
        assert os.read(reader, 65536).endswith(b"\n")


def test_a_reader_that_is_gone_harms_nobody() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        lines = EventLines(writer, "x")
        lines.info("request", {})
        lines.close()
        lines.info("request", {})
    finally:
        os.close(writer)
