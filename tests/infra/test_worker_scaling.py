"""A day of bursty load against the workers' scaling policies, as they stand in the template.

Minute by minute: CloudWatch tells of a minute after the next one has begun; alarms fire when the last minutes
all breach; a policy adds what its steps say, less what it added within its cooldown; a task asked for runs a
minute and a half later; each worker answers as
much as one was measured to, or as it is planned to, which is less.
https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
"""

import math
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.environments import ENVIRONMENTS, Environment
from tests.infra.conftest import PROJECT
from tests.infra.template import Templates, flat, target

DAY = 24 * 60
START_SECONDS = 90
STEP_SECONDS = 10
TOLD_AFTER_MINUTES = 1


@dataclass
class Policy:
    """A step scaling policy with the alarm that calls it."""

    steps: list[dict[str, float]]
    cooldown_minutes: float
    threshold: float
    rises: bool
    periods: int
    value: Callable[[dict[str, float | None]], float]
    history: list[bool] = field(default_factory=list)
    recent: list[tuple[int, int]] = field(default_factory=list)

    def change(self, minute: int, told: dict[str, float | None]) -> int:
        """Return by how many tasks the number wanted is to change now."""
        value = self.value(told)
        breach = value >= self.threshold if self.rises else value <= self.threshold
        self.history = [*self.history, breach][-self.periods :]
        if len(self.history) < self.periods or not all(self.history):
            return 0
        beyond = value - self.threshold
        (step,) = (s for s in self.steps if self._holds(s, beyond))
        wanted = int(step["ScalingAdjustment"])
        self.recent = [(at, n) for at, n in self.recent if minute - at < self.cooldown_minutes]
        already = sum(n for _, n in self.recent)
        # In the cooldown of a removal nothing more is removed.
        unless_recent = 0 if self.recent else wanted
        more = max(0, wanted - already) if self.rises else unless_recent
        if more:
            self.recent.append((minute, more))
        return more

    def _holds(self, step: dict[str, float], beyond: float) -> bool:
        low = step.get("MetricIntervalLowerBound", -math.inf)
        high = step.get("MetricIntervalUpperBound", math.inf)
        return low <= beyond < high if self.rises else low < beyond <= high


def policies(templates: Templates) -> list[Policy]:
    """Read the workers' policies out of the template."""
    by_name = dict(templates.resources("AWS::ApplicationAutoScaling::ScalingPolicy"))
    found = []
    for alarm in templates.all("AWS::CloudWatch::Alarm"):
        name = target(alarm["AlarmActions"][0])
        if name not in by_name:
            continue
        steps = by_name[name]["StepScalingPolicyConfiguration"]
        assert steps["AdjustmentType"] == "ChangeInCapacity"
        found.append(
            Policy(
                steps["StepAdjustments"],
                steps["Cooldown"] / 60,
                alarm["Threshold"],
                alarm["ComparisonOperator"].startswith("GreaterThan"),
                alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]),
                value_of(alarm),
            )
        )
    return found


NAMES = {
    "NumberOfMessagesSent": "sent",
    "ApproximateNumberOfMessagesVisible": "waiting",
    "ApproximateAgeOfOldestMessage": "age",
    "RunningTaskCount": "running",
}


def value_of(alarm: dict[str, Any]) -> Callable[[dict[str, float | None]], float]:
    """Return what works out an alarm's metric, its expression included."""
    if "MetricName" in alarm:
        name = NAMES[alarm["MetricName"]]
        return lambda told: told[name] or 0.0
    (expression,) = (m["Expression"] for m in alarm["Metrics"] if "Expression" in m)
    of = {
        m["Id"]: NAMES[m["MetricStat"]["Metric"]["MetricName"]] for m in alarm["Metrics"] if "MetricStat" in m
    }
    assert re.fullmatch(r"[\w\s.,()/+*-]+", expression)
    code = compile(expression, "expression", "eval")

    def fill(value: float | None, instead: float) -> float:
        return instead if value is None else value

    def value(told: dict[str, float | None]) -> float:
        return float(
            eval(code, {"FILL": fill, "CEIL": math.ceil}, {metric: told[name] for metric, name in of.items()})
        )

    return value


@dataclass
class Minute:
    """How things stood at the end of a minute."""

    arrived: float
    waiting: float
    age_seconds: float
    tasks: int


def simulate(
    arrivals: list[float], scaled: list[Policy], rate: float, least: int, most: int
) -> Iterator[Minute]:
    """Yield a day, minute by minute. Messages are a fluid, first in, first out."""
    queue: list[list[float]] = []
    wanted, running = least, least
    starting: list[float] = []
    told: list[dict[str, float | None]] = []
    now = 0.0
    for minute, arrived in enumerate(arrivals):
        for _ in range(60 // STEP_SECONDS):
            now += STEP_SECONDS
            if arrived:
                queue.append([now, arrived * STEP_SECONDS / 60])
            running += sum(at <= now for at in starting)
            starting = [at for at in starting if at > now]
            answered = running * rate * STEP_SECONDS
            while queue and answered > 0:
                taken = min(queue[0][1], answered)
                queue[0][1] -= taken
                answered -= taken
                if queue[0][1] <= 1e-9:
                    queue.pop(0)
        waiting = sum(n for _, n in queue)
        age = now - queue[0][0] if queue else 0.0
        yield Minute(arrived, waiting, age, running)
        # A queue in which nothing has happened tells nothing, nor does a service without tasks.
        told.append(
            {"sent": arrived or None, "waiting": waiting, "age": age, "running": float(running) or None}
        )
        if minute < TOLD_AFTER_MINUTES:
            continue
        change = [policy.change(minute, told[minute - TOLD_AFTER_MINUTES]) for policy in scaled]
        # What adds goes before what removes.
        by = max(change) if max(change) > 0 else min(change)
        before, wanted = wanted, max(least, min(most, wanted + by))
        if wanted > before:
            starting += [now + START_SECONDS] * (wanted - before)
        else:
            for _ in range(before - wanted):
                if starting:
                    starting.pop()
                else:
                    running -= 1


def bursty_day(chance: random.Random, rate: float, most: int) -> list[float]:
    """Return a day's messages a minute: a quiet night, a slow swell, bursts of up to half of what all can."""
    day = [0.0] * DAY
    for minute in range(6 * 60, 20 * 60):
        swell = math.sin(math.pi * (minute - 6 * 60) / (14 * 60))
        day[minute] = 60 * rate * most * 0.25 * swell * chance.uniform(0.7, 1.3)
    for _ in range(10):
        begin, size = chance.randrange(2 * 60, 20 * 60), chance.uniform(0.1, 0.5)
        for minute in range(begin, begin + chance.randrange(1, 20)):
            day[minute] += 60 * rate * most * size
    return day


def measured_rate() -> float:
    """Return the messages a second that one worker was measured to answer."""
    table = (PROJECT / "tests/benchmarks/results/queue_throughput.md").read_text()
    found = re.search(r"\| `score` from the queue \| ([\d,.]+) requests/s", table)
    assert found
    return float(found[1].replace(",", ""))


def rate_of(row: Environment, which: str) -> float:
    """Return the messages a second of one task: as planned, or as measured on so much of a processor."""
    if which == "planned":
        return float(row.worker_messages_per_second)
    return measured_rate() * min(1.0, row.worker_size.cpu / 1024)


def test_a_worker_is_planned_to_do_less_than_one_was_measured_to() -> None:
    assert ENVIRONMENTS["prod"].worker_messages_per_second <= measured_rate() * 0.8
    # Half of a processor.
    assert ENVIRONMENTS["dev"].worker_messages_per_second <= measured_rate() * 0.4


def test_there_are_policies_for_both_ways(templates: Templates) -> None:
    found = policies(templates)
    assert {policy.rises for policy in found} == {True, False}
    metrics = {flat(a.get("MetricName", "expression")) for a in templates.all("AWS::CloudWatch::Alarm")}
    assert "ApproximateAgeOfOldestMessage" in metrics


@pytest.mark.parametrize("which", ["planned", "measured"])
@pytest.mark.parametrize("seed", range(8))
def test_a_bursty_day_leaves_no_request_waiting_for_too_long(
    templates: Templates, variant: str, seed: int, which: str
) -> None:
    row = ENVIRONMENTS[variant.partition("-")[0]]
    rate = rate_of(row, which)
    day = bursty_day(random.Random(seed), rate, row.worker_max_capacity)
    minutes = list(simulate(day, policies(templates), rate, row.worker_min_capacity, row.worker_max_capacity))
    assert max(m.age_seconds for m in minutes) < row.backlog_seconds
    assert max(m.tasks for m in minutes) > row.worker_max_capacity * 0.3
    # The last four hours are night: all is answered, and what was added is gone.
    assert minutes[-1].waiting == 0
    assert minutes[-1].tasks == row.worker_min_capacity


def test_a_steady_load_keeps_a_steady_number_of_workers(templates: Templates, variant: str) -> None:
    row = ENVIRONMENTS[variant.partition("-")[0]]
    rate = float(row.worker_messages_per_second)
    day = [60 * rate * row.worker_max_capacity * 0.4] * 600
    minutes = list(simulate(day, policies(templates), rate, row.worker_min_capacity, row.worker_max_capacity))
    late = [m.tasks for m in minutes[120:]]
    assert max(late) - min(late) <= 1
    assert sum(late) / len(late) < row.worker_max_capacity * 0.4 / 0.8 + 2


def test_the_first_message_after_a_quiet_night_starts_a_worker(templates: Templates, variant: str) -> None:
    row = ENVIRONMENTS[variant.partition("-")[0]]
    day = [0.0] * 30 + [1.0] + [0.0] * 30
    minutes = list(
        simulate(day, policies(templates), 10.0, 0, row.worker_max_capacity)
    )  # fmt: skip
    assert minutes[29].tasks == 0
    assert minutes[35].waiting == 0
    assert minutes[-1].tasks == 0


def test_without_its_policies_the_day_would_fail(templates: Templates, variant: str) -> None:
    """The premise: the load is more than the least number of workers can answer."""
    row = ENVIRONMENTS[variant.partition("-")[0]]
    rate = float(row.worker_messages_per_second)
    day = bursty_day(random.Random(0), rate, row.worker_max_capacity)
    least = max(1, row.worker_min_capacity)
    worst = max(
        m.age_seconds for m in simulate(day, policies(templates)[:0] or [_still()], rate, least, least)
    )
    assert worst > row.backlog_seconds


def _still() -> Policy:
    return Policy([], 1, math.inf, True, 1, lambda _: 0.0)
