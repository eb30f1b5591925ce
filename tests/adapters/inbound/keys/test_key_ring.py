"""Keys are found, run out, and change while the service runs."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.api_keys import Json, an_entry
from vehicle_anomaly.adapters.inbound.keys.entries import UnusableKeys
from vehicle_anomaly.adapters.inbound.keys.key_ring import KeyRing
from vehicle_anomaly.adapters.inbound.keys.token_bucket import TokenBucket


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def replaced(path: Path, *entries: Json) -> None:
    """Put another list in the place of a file, as editors and secret stores do."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(entries))
    new.replace(path)


def ids(ring: KeyRing, *keys: str) -> list[str | None]:
    found = [ring.find(key.encode()) for key in keys]
    return [None if caller is None else caller.id for caller in found]


def test_a_key_is_found_and_no_other() -> None:
    ring = KeyRing(json.dumps([an_entry("a", "key-a", "score"), an_entry("b", "key-b", "train")]))
    assert ids(ring, "key-a", "key-b") == ["a", "b"]
    assert ids(ring, "", "key", "key-a ", "KEY-A", "key-c", an_entry("a", "key-a")["sha256"]) == [None] * 6


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    replaced(path, an_entry("a", "key-a", "score"))
    return path


def test_a_file_that_changes_is_read_again(path: Path) -> None:
    clock = Clock()
    ring = KeyRing(str(path), clock)
    replaced(path, an_entry("b", "key-b", "score"))
    clock.now += 1.1
    assert ids(ring, "key-a", "key-b") == [None, "b"]


def test_it_is_looked_at_once_a_second(path: Path) -> None:
    clock = Clock()
    ring = KeyRing(str(path), clock)
    clock.now += 0.9
    replaced(path, an_entry("b", "key-b", "score"))
    assert ids(ring, "key-a") == ["a"]
    clock.now += 0.2
    assert ids(ring, "key-a") == [None]


def test_a_file_of_the_same_size_and_time_is_another_when_it_was_put_in_its_place(path: Path) -> None:
    clock = Clock()
    ring = KeyRing(str(path), clock)
    before = path.stat()
    replaced(path, an_entry("b", "key-b", "score"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    clock.now += 1.1
    assert ids(ring, "key-a", "key-b") == [None, "b"]


def test_all_keys_can_be_taken_back(path: Path) -> None:
    clock = Clock()
    ring = KeyRing(str(path), clock)
    replaced(path)
    clock.now += 1.1
    with capture_logs() as log:
        assert ids(ring, "key-a") == [None]
    assert [(each["log_level"], "nobody may call" in each["event"]) for each in log] == [("warning", True)]


BREAK: list[Callable[[Path], object]] = [
    lambda path: path.write_text(""),
    lambda path: path.write_text('[{"id": "a", "sha256": "secret", "scopes": ["score"]}]'),
    lambda path: path.write_bytes(b"\xff\xfe"),
    lambda path: path.unlink(),
    lambda path: path.rename(path.with_suffix(".old")).with_suffix(".json").mkdir(),
    lambda path: os.mkfifo(path.rename(path.with_suffix(".old")).with_suffix(".json")),
]


@pytest.mark.parametrize("spoil", BREAK)
def test_a_broken_file_keeps_the_last_good_keys_and_says_so_once(
    path: Path, spoil: Callable[[Path], object]
) -> None:
    clock = Clock()
    ring = KeyRing(str(path), clock)
    spoil(path)
    with capture_logs() as log:
        for _ in range(3):
            clock.now += 1.1
            assert ids(ring, "key-a", "key-b") == ["a", None]
    assert [each["log_level"] for each in log] == ["error"]
    assert "the keys read last stay" in log[0]["event"]
    assert "secret" not in str(log)
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    replaced(path, an_entry("b", "key-b", "score"))
    clock.now += 1.1
    assert ids(ring, "key-a", "key-b") == [None, "b"]


def test_a_link_that_points_elsewhere_is_followed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        replaced(tmp_path / name, an_entry(name, f"key-{name}", "score"))
    link = tmp_path / "keys.json"
    link.symlink_to("one")
    clock = Clock()
    ring = KeyRing(str(link), clock)
    link.unlink()
    link.symlink_to("two")
    clock.now += 1.1
    assert ids(ring, "key-one", "key-two") == [None, "two"]


@pytest.mark.parametrize("given", ["[]", " [] ", "[", "/nowhere/keys.json", "secret"])
def test_without_a_usable_key_there_is_no_ring(given: str) -> None:
    with pytest.raises(UnusableKeys) as raised:
        KeyRing(given)
    assert "secret" not in str(raised.value)


def test_who_calls_too_often_is_told_when_to_come_back() -> None:
    bucket = TokenBucket(2.0)
    assert [bucket.take(100.0) for _ in range(3)] == [0.0, 0.0, 0.5]
    assert bucket.take(100.4) == pytest.approx(0.1)
    assert bucket.take(100.6) == 0.0
    assert [bucket.take(200.0) for _ in range(3)] == [0.0, 0.0, 0.5], "no more than a second is saved up"


def test_less_than_once_a_second() -> None:
    bucket = TokenBucket(0.1)
    assert bucket.take(100.0) == 0.0
    assert bucket.take(101.0) == pytest.approx(9.0)
    assert bucket.take(110.1) == 0.0


def test_reading_the_file_again_gives_nobody_new_calls(path: Path) -> None:
    clock = Clock()
    limited = an_entry("a", "key-a", "score", requests_per_second=1)
    replaced(path, limited)
    ring = KeyRing(str(path), clock)
    before = ring.find(b"key-a")
    replaced(path, {**limited, "scopes": ["score", "train"]})
    clock.now += 1.1
    after = ring.find(b"key-a")
    assert before is not None
    assert after is not None
    assert after.scopes == {"score", "train"}
    assert after.bucket is before.bucket
    replaced(path, {**limited, "requests_per_second": 2})
    clock.now += 1.1
    changed = ring.find(b"key-a")
    assert changed is not None
    assert changed.bucket is not before.bucket
