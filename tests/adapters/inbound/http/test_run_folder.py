"""What services with several workers leave in the folder for temporary files."""

import fcntl
import os
import resource
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.adapters.inbound.http.processes import SECONDS, Process, serving
from vehicle_anomaly.adapters.inbound.http.run_folder import remove_abandoned, run_folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@contextmanager
def serving_there(temporary: Path, workers: int) -> Iterator[tuple[Process, set[Path]]]:
    """Run a service, and yield it with the folders that it made."""
    before = {*temporary.iterdir()}
    with serving(temporary.parent / "models", WORKERS=str(workers), TMPDIR=str(temporary)) as process:
        process.wait_for("listening")
        yield process, {*temporary.iterdir()} - before


def wait_until_unused(folder: Path) -> None:
    """Wait until the last process that holds a folder's lock has ended."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
    finally:
        os.close(lock)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_killed_service_left_goes_when_the_next_one_starts(temporary: Path, workers: int) -> None:
    with serving_there(temporary, 2) as (living, kept), serving_there(temporary, 2) as (killed, left):
        assert (len(kept), len(left)) == (1, 1)
        killed.started.kill()
        wait_until_unused(*left)
        assert {each.name for folder in left for each in folder.iterdir()} == {"metrics", "shared"}
        with serving_there(temporary, workers) as (next_one, made):
            assert {*temporary.iterdir()} == kept | made
            next_one.started.send_signal(signal.SIGTERM)
            assert next_one.status() == 0
        assert {*temporary.iterdir()} == kept
        living.started.send_signal(signal.SIGTERM)
        assert living.status() == 0
    assert [*temporary.iterdir()] == []


def test_a_folder_stays_while_a_worker_outlives_its_supervisor(temporary: Path) -> None:
    with serving_there(temporary, 2) as (process, left):
        worker = next(event["worker"] for event in process.log if event["event"] == "worker ready")
        os.kill(worker, signal.SIGSTOP)
        try:
            process.started.kill()
            process.started.wait(SECONDS)
            remove_abandoned()
            assert {*temporary.iterdir()} == left
        finally:
            os.kill(worker, signal.SIGKILL)
        wait_until_unused(*left)
    remove_abandoned()
    assert [*temporary.iterdir()] == []


def test_one_that_is_being_made_is_not_found_before_it_is_locked(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock

    def lock_late(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        remove_abandoned()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    with run_folder() as folder:
        remove_abandoned()
        assert [*temporary.iterdir()] == [folder.path]
    assert [*temporary.iterdir()] == []


def test_what_is_no_folder_of_this_user_stays(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (temporary / "vehicle-anomaly-serve-file").write_text("")
    (temporary / "vehicle-anomaly-serve-link").symlink_to(temporary)
    (temporary / "vehicle-anomaly-serve-nowhere").symlink_to("nowhere")
    (temporary / "another").mkdir()
    there = {*temporary.iterdir()}
    remove_abandoned()
    assert {*temporary.iterdir()} == there

    other = temporary / "vehicle-anomaly-serve-folder"
    other.mkdir()
    user = os.geteuid()
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: user + 1)
        remove_abandoned()
    assert {*temporary.iterdir()} == {*there, other}
    remove_abandoned()
    assert {*temporary.iterdir()} == there


def test_a_service_starts_whatever_cannot_be_removed(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn = temporary / "vehicle-anomaly-serve-stubborn"
    stubborn.mkdir()

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", refuse)
        remove_abandoned()
    assert stubborn.is_dir()


def test_a_file_system_without_locks_serves(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with run_folder() as first:
        remove_abandoned()
        assert [*temporary.iterdir()] == [first.path]
    assert [*temporary.iterdir()] == []


def test_a_folder_that_went_meanwhile_is_no_failure(temporary: Path) -> None:
    with run_folder() as folder:
        folder.path.rmdir()


def test_without_room_in_any_temporary_folder_it_is_said_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # What Python writes to find out whether a folder can be used finds no room.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with capture_logs() as told:
            remove_abandoned()
            with pytest.raises(OSError, match="No usable temporary directory") as raised, run_folder():
                pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert raised.value.filename == "TMPDIR"
    assert [each["event"] for each in told] == ["no folder for temporary files"]
