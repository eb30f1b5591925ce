"""Logs, as whoever reads them from a pipe or at a terminal sees them."""

import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import logging, sys, threading
import structlog
from vehicle_anomaly.observability import configure_logging

configure_logging(sys.argv[1])
log = structlog.get_logger("the.module")
log.debug("quiet")
log.info("published", model_name="vans", detail="two\\nlines", path=object)
log.warning("said %s", "plainly")
logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
logging.getLogger("uvicorn.error").debug("quiet")
try:
    try:
        raise OSError("http://collector/secret")
    except OSError as error:
        raise ConnectionError("http://collector/secret") from error
except ConnectionError as error:
    logging.getLogger("opentelemetry").warning("Transient %s, retrying in %.1fs", error, 1)
logging.getLogger("opentelemetry").error(ValueError("secret"))
logging.getLogger("opentelemetry").error("Is /v1?k=(secret)'/x there?")
logging.getLogger("urllib3.connectionpool").info("POST /secret")
with structlog.contextvars.bound_contextvars(request_id="r-1"):
    log.info("bound")
logging.getLogger("asyncio").error("Task exception was never retrieved\\nfuture: <ValueError('broken')>")
secret = "telemetry of a customer"
try:
    raise ValueError("broken\\nin two")
except ValueError as error:
    log.error("request failed", exc_info=error)
    logging.getLogger("uvicorn.error").exception("Exception in ASGI application")

def fail():
    raise RuntimeError("broken")

doomed = threading.Thread(target=fail, name="doomed")
doomed.start()
doomed.join()
"""


def _run(level: str, stderr: int) -> bytes:
    program = [sys.executable, "-c", PROGRAM, level]
    ended = subprocess.run(program, stdout=subprocess.PIPE, stderr=stderr, check=True, timeout=60)
    assert ended.stdout == b""
    return ended.stderr


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    """Every line that came out of the pipe; each must be JSON."""
    return [json.loads(line) for line in _run("INFO", subprocess.PIPE).splitlines()]


def _line(lines: list[dict[str, Any]], event: str) -> dict[str, Any]:
    (line,) = (line for line in lines if line["event"] == event)
    return line


def test_one_line_an_event(lines: list[dict[str, Any]]) -> None:
    assert [(line["level"], line["event"]) for line in lines] == [
        ("info", "published"),
        ("warning", "said plainly"),
        ("info", "Started server process [7]"),
        ("warning", "Transient ConnectionError (OSError), retrying in 1.0s"),
        ("error", "ValueError"),
        ("error", "Is /v1?… there?"),
        ("info", "bound"),
        ("error", "Task exception was never retrieved"),
        ("error", "request failed"),
        ("error", "Exception in ASGI application"),
        ("error", "thread failed"),
    ]


def test_every_line_says_when(lines: list[dict[str, Any]]) -> None:
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_fields_are_kept(lines: list[dict[str, Any]]) -> None:
    assert (lines[0]["model_name"], lines[0]["detail"]) == ("vans", "two\nlines")
    assert (lines[0]["logger"], lines[2]["logger"]) == ("the.module", "uvicorn.error")
    assert _line(lines, "bound")["request_id"] == "r-1"


def test_of_exceptions_it_is_told_which_and_where_and_not_what_they_say(lines: list[dict[str, Any]]) -> None:
    for line in lines[-3:-1]:
        assert line["error"] == "ValueError"
        assert 'File "<string>", line' in line["stack"]
    assert "broken" not in json.dumps(lines)


def test_a_thread_that_fails_is_told_in_a_line(lines: list[dict[str, Any]]) -> None:
    assert (lines[-1]["error"], lines[-1]["thread"]) == ("RuntimeError", "doomed")


def test_of_the_lines_of_others_the_first_is_told(lines: list[dict[str, Any]]) -> None:
    assert _line(lines, "Task exception was never retrieved")
    assert "future" not in json.dumps(lines)


def test_the_level_holds_for_both_kinds_of_logger() -> None:
    events = [json.loads(line)["event"] for line in _run("ERROR", subprocess.PIPE).splitlines()]
    assert events == [
        "ValueError",
        "Is /v1?… there?",
        "Task exception was never retrieved",
        "request failed",
        "Exception in ASGI application",
        "thread failed",
    ]
    assert _run("DEBUG", subprocess.PIPE).count(b'"quiet"') == 2


def test_on_a_terminal_it_is_text_without_what_variables_held() -> None:
    reader, terminal = pty.openpty()
    try:
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "INFO"], stdout=subprocess.DEVNULL, stderr=terminal
        )
        os.close(terminal)
        shown = b""
        try:
            while part := os.read(reader, 65536):
                shown += part
        except OSError:
            # Linux says so when the other end of a terminal is closed.
            pass
        assert program.wait(60) == 0
    finally:
        os.close(reader)
    assert b"published" in shown
    assert b"ValueError" in shown
    assert b"broken" not in shown
    assert b"telemetry of a customer" not in shown
    assert not shown.lstrip().startswith(b"{")
