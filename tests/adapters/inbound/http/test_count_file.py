"""What several workers count in files, with room for them and without, which a limit on their length is."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapters.inbound.http.counting import N_SERIES
from tests.adapters.inbound.http.processes import SECONDS, SERVE, Process, environment
from tests.adapters.inbound.http.service import BATCH, READING, counted_answers

NO_ROOM, ROOM_AGAIN = "no room to count in files", "room to count in files again"
# Files of the client's own begin with 65,536 bytes.
STEP = 8192


def counting(folder: Path, longest: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `tests.adapters.inbound.http.counting` saw without room, and with it."""
    ended = subprocess.run(
        (sys.executable, "-m", "tests.adapters.inbound.http.counting", str(longest)),
        cwd=Path(__file__).parents[4],
        env={**environment(folder), "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    before, after = json.loads(ended.stdout)
    return before, after


def all_is_seen(after: dict[str, Any]) -> None:
    expected = dict.fromkeys(map(str, range(N_SERIES)), 1.0)
    assert after["seen"] == expected | {"0": 3.0, str(N_SERIES - 1): 2.0, "now": 2.0}


@pytest.mark.parametrize("longest", [0, STEP - 1])
def test_without_room_for_a_file_there_is_none_and_nothing_is_lost(tmp_path: Path, longest: int) -> None:
    before, after = counting(tmp_path, longest)
    assert before == {"seen": {}, "files": {}, "told": [NO_ROOM]}
    all_is_seen(after)
    assert after["told"] == [NO_ROOM, ROOM_AGAIN]


@pytest.mark.parametrize("longest", [STEP, 2 * STEP + 1000])
def test_what_a_file_has_no_room_for_is_kept_until_there_is_some(tmp_path: Path, longest: int) -> None:
    before, after = counting(tmp_path, longest)
    # What stands in the file is counted on there.
    assert (before["seen"]["0"], before["seen"]["now"]) == (2, 1)
    assert 50 < len(before["seen"]) < N_SERIES - 50
    assert before["told"] == [NO_ROOM]
    # Nothing that was begun and had no room is left behind.
    assert {kind: size for kind, (size, _) in before["files"].items()} == {
        "counter": longest // STEP * STEP,
        "gauge": STEP,
    }
    all_is_seen(after)
    assert after["told"] == [NO_ROOM, ROOM_AGAIN]


def test_the_disk_has_room_for_every_page_and_files_are_no_longer_than_needed(tmp_path: Path) -> None:
    before, after = counting(tmp_path, resource.RLIM_INFINITY)
    assert (before["told"], after["told"]) == ([], [])
    all_is_seen(after)
    assert {kind: size for kind, (size, _) in after["files"].items()} == {"counter": 3 * STEP, "gauge": STEP}
    # Of a file that was only made long there is nothing on the disk.
    assert all(on_disk >= size for size, on_disk in after["files"].values()), after["files"]


@contextmanager
def serving_two(store: Path, *command: str) -> Iterator[tuple[Process, httpx.Client]]:
    """Serve with two workers; each call may reach the other one, for it has a connection of its own."""
    own = environment(store, WORKERS="2", MODEL_REFRESH_SECONDS="0")
    with subprocess.Popen(command, env=own, stderr=subprocess.PIPE, text=True) as started:
        try:
            process = Process(started)
            url = process.wait_for("listening")["url"]
            one_each = httpx.Limits(max_keepalive_connections=0)
            with httpx.Client(base_url=url, trust_env=False, timeout=SECONDS, limits=one_each) as caller:
                yield process, caller
        finally:
            started.kill()


def all_ended_as_they_should(process: Process) -> list[str]:
    """Stop the service; return the events of its log."""
    process.started.terminate()
    assert process.status() == 0, process.log
    events = [event["event"] for event in process.log]
    assert "worker ended" not in events
    return events


def test_workers_whose_disk_is_full_answer_and_later_tell_what_they_counted(tmp_path: Path) -> None:
    def room(longest: int) -> None:
        for worker in workers:
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (longest, resource.RLIM_INFINITY))

    with serving_two(tmp_path, *SERVE) as (process, caller):
        workers = [event["worker"] for event in process.log if event["event"] == "worker ready"]
        caller.post("/ingest", json=BATCH).raise_for_status()
        room(0)
        for _ in range(20):
            # Series that nobody has begun yet, of seventeen values each.
            assert caller.get("/nope").status_code == 404
            assert caller.get("/score").status_code == 405
            assert caller.post("/score", json=READING).status_code == 200
            assert caller.get("/metrics").status_code == 200
        room(resource.RLIM_INFINITY)
        time.sleep(1.1)
        for _ in range(20):
            assert caller.get("/healthz").status_code == 200
        told = caller.get("/metrics").text
        assert counted_answers(told, "") == {"404": 20}
        assert counted_answers(told, "/score") == {"405": 20, "200": 20}
        events = all_ended_as_they_should(process)
    assert 1 <= events.count(NO_ROOM) <= 2
    assert events.count(ROOM_AGAIN) == events.count(NO_ROOM)


def test_a_start_without_room_for_any_file_serves(tmp_path: Path) -> None:
    # In blocks of 512 bytes: Python writes a few to find out which folder is for temporary files.
    limited = ("sh", "-c", 'ulimit -S -f 1 && exec "$@"', "sh")
    with serving_two(tmp_path, *limited, *SERVE) as (process, caller):
        for path, status in (("/healthz", 200), ("/nope", 404), ("/metrics", 200)) * 5:
            assert caller.get(path).status_code == status
        assert counted_answers(caller.get("/metrics").text, "/healthz") == {}
        events = all_ended_as_they_should(process)
    assert events.count(NO_ROOM) == 2
