"""Everything at once, for long: two services and two workers, which train, promote and score.

Nothing that was asked is lost, and what the processes hold does not grow.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.queues import make_queues
from tests.robustness.deployment import LEAKING_COMMAND, Deployment, Program, deployed
from tests.robustness.flatness import growth
from tests.robustness.process_memory import LINUX_ONLY, MEGABYTE, Held
from tests.robustness.traffic import NAMES, Traffic

pytestmark = LINUX_ONLY

_SAMPLES: Final = 90
# Kept-alive connections to S3 and threads for work in the background come and go, some at a time.
_FILES, _THREADS = 4, 3
# What fails, as the processes name it.
_FAILED: Final = (
    "request failed",
    "worker failed",
    "poll failed",
    "model store failed",
    "left in the queue",
    "refresh failed",
)


def _sampled(programs: tuple[Program, ...], seconds: float) -> dict[str, list[Held]]:
    taken: dict[str, list[Held]] = {program.name: [] for program in programs}
    pace = threading.Event()
    for _ in range(_SAMPLES):
        pace.wait(seconds / _SAMPLES)
        for program in programs:
            taken[program.name].append(program.held())
    return taken


def _told(samples: Mapping[str, list[Held]]) -> str:
    rows = []
    for name, held in samples.items():
        memory = [f"{one.memory / MEGABYTE:.1f}" for one in (held[0], held[len(held) // 2], held[-1])]
        files, threads = ([getattr(one, field) for one in held] for field in ("files", "threads"))
        rows.append(
            f"{name}: {' → '.join(memory)} MB, {min(files)} to {max(files)} files, "
            f"{min(threads)} to {max(threads)} threads"
        )
    return "\n".join(rows)


def _grown(samples: Mapping[str, list[Held]], limits: Held) -> list[str]:
    return [f"{name}: {what}" for name, held in samples.items() for what in growth(held, limits)]


def _promotions_are_as_made(running: Deployment, traffic: Traffic) -> None:
    for url in running.urls:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            for name in NAMES:
                known = client.get(f"/models/{name}").json()
                assert known["latest"] == traffic.promoted[name][-1]
                assert set(traffic.promoted[name]) <= {one["model_version"] for one in known["versions"]}


@dataclass(frozen=True, slots=True)
class Course:
    """How long a soak takes, how often something is trained, and by how many megabytes a process may grow."""

    warming_seconds: float
    seconds: float
    train_every_seconds: float
    megabytes: int


# A service that has just begun still grows by some megabytes: pools of memory, code that is compiled once.
SHORT = Course(8, 20, 1.0, 16)
HOUR = Course(300, 3300, 10.0, 8)


@pytest.mark.parametrize(
    "course", [SHORT, pytest.param(HOUR, marks=[pytest.mark.soak, pytest.mark.timeout(7200)])], ids=repr
)
def test_nothing_is_lost_and_nothing_grows(
    tmp_path: Path, aws_environment: dict[str, str], new_bucket: Callable[[], str], course: Course
) -> None:
    queues = make_queues(twice=True)
    with deployed(tmp_path, new_bucket(), queues, aws_environment) as running:
        traffic = Traffic(running.urls, queues, course.train_every_seconds)
        traffic.train_first()
        with traffic.flowing():
            threading.Event().wait(course.warming_seconds)
            samples = _sampled(running.programs, course.seconds)
        print(f"{_told(samples)}\n{dict(traffic.asked)}")  # noqa: T201  # the figures of a soak are its result
        assert traffic.failures == []
        queues.wait_until_all_deleted()
        assert queues.count(queues.dead_letters) == 0
        _promotions_are_as_made(running, traffic)
        assert [program.stop() for program in running.programs] == [0, 0, 0, 0]
        assert [program.events(*_FAILED) for program in running.programs] == [[], [], [], []]
    assert _grown(samples, Held(course.megabytes * MEGABYTE, _FILES, _THREADS)) == []


def test_a_leak_is_found(
    tmp_path: Path, aws_environment: dict[str, str], new_bucket: Callable[[], str]
) -> None:
    queues = make_queues()
    with deployed(tmp_path, new_bucket(), queues, aws_environment, LEAKING_COMMAND) as running:
        traffic = Traffic(running.urls, queues, train_every_seconds=5.0)
        traffic.train_first()
        with traffic.flowing():
            samples = _sampled(running.services, 20)
    grown = _grown(samples, Held(16 * MEGABYTE, _FILES, _THREADS))
    assert [one.partition(" from")[0] for one in grown] == [
        f"service-{number}: {what}" for number in range(2) for what in Held._fields
    ]
