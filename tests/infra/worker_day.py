"""Days of load against the workers' scaling, as it stands in the template.

Minute by minute: CloudWatch tells of a minute after the next one has begun, and of a queue that slept not
before a quarter of an hour; alarms fire when the last minutes all breach; a policy adds what its steps say,
less what it added within its cooldown; a schedule sets how many workers there are at least; a task asked for
runs a minute and a half later; each worker answers as much as it is said to.
https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-policy-overview.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
"""

import math
import random
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.infra.template import Templates, target

DAY = 24 * 60
START_SECONDS = 90
STEP_SECONDS = 10
TOLD_AFTER_MINUTES = 1
ASLEEP_AFTER_MINUTES = 6 * 60
AWAKE_AFTER_MINUTES = 15

Told = Mapping[str, float | None]
"""What CloudWatch tells of a minute, by the names below; None: nothing."""

NAMES = {
    "NumberOfMessagesSent": "sent",
    "ApproximateNumberOfMessagesVisible": "waiting",
    "ApproximateAgeOfOldestMessage": "age",
    "RunningTaskCount": "running",
}


@dataclass
class Policy:
    """A step scaling policy with the alarm that calls it."""

    steps: list[dict[str, float]]
    cooldown_minutes: float
    threshold: float
    rises: bool
    periods: int
    value: Callable[[Told], float]
    history: list[bool] = field(default_factory=list)
    recent: list[tuple[int, int]] = field(default_factory=list)

    def change(self, minute: int, told: Told) -> int:
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


@dataclass
class Scaling:
    """How many workers there are to be: what is simulated.

    Attributes:
        least: Workers at least, when no schedule has said otherwise yet.
        most: Workers at most.
        policies: What adds and removes some in between.
        schedule: Minute of the day → workers at least from then on.
    """

    least: int
    most: int
    policies: list[Policy] = field(default_factory=list)
    schedule: dict[int, int] = field(default_factory=dict)


def scaling(templates: Templates) -> Scaling:
    """Read the workers' scaling out of the template."""
    by_name = dict(templates.resources("AWS::ApplicationAutoScaling::ScalingPolicy"))
    policies, scaled = [], set()
    for alarm in templates.all("AWS::CloudWatch::Alarm"):
        name = target(alarm["AlarmActions"][0])
        if name not in by_name:
            continue
        scaled.add(target(by_name[name]["ScalingTargetId"]))
        steps = by_name[name]["StepScalingPolicyConfiguration"]
        assert steps["AdjustmentType"] == "ChangeInCapacity"
        policies.append(
            Policy(
                steps["StepAdjustments"],
                steps["Cooldown"] / 60,
                alarm["Threshold"],
                alarm["ComparisonOperator"].startswith("GreaterThan"),
                alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]),
                _value_of(alarm),
            )
        )
    (workers,) = scaled
    found = dict(templates.resources("AWS::ApplicationAutoScaling::ScalableTarget"))[workers]
    schedule = {
        minute: action["ScalableTargetAction"]["MinCapacity"]
        for action in found.get("ScheduledActions", [])
        for minute in _minutes(action["Schedule"])
    }
    return Scaling(found["MinCapacity"], found["MaxCapacity"], policies, schedule)


def _minutes(schedule: str) -> range:
    """Return the minutes of a day at which a schedule is due that recurs every so many hours, UTC."""
    found = re.fullmatch(r"cron\((\d+) (\d+)/(\d+) \* \* \? \*\)", schedule)
    assert found, schedule
    minute, first, every = map(int, found.groups())
    return range(60 * first + minute, DAY, 60 * every)


def _value_of(alarm: dict[str, Any]) -> Callable[[Told], float]:
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
    functions = {"FILL": lambda value, instead: instead if value is None else value, "CEIL": math.ceil}
    return lambda told: float(eval(code, functions, {metric: told[name] for metric, name in of.items()}))


@dataclass
class Queue:
    """Messages as a fluid, first in, first out: when some came, and how many of them are left."""

    messages: deque[list[float]] = field(default_factory=deque)

    def receive(self, now: float, count: float) -> None:
        """Take in what comes at this second."""
        if count:
            self.messages.append([now, count])

    def answer(self, count: float) -> None:
        """Let go of so many, the oldest first."""
        while self.messages and count > 0:
            taken = min(self.messages[0][1], count)
            self.messages[0][1] -= taken
            count -= taken
            if self.messages[0][1] <= 1e-9:
                self.messages.popleft()

    def waiting(self) -> float:
        """Return how many are left."""
        return sum(count for _, count in self.messages)

    def age_seconds(self, now: float) -> float:
        """Return the age of the oldest; 0 where none is left."""
        return now - self.messages[0][0] if self.messages else 0.0


@dataclass
class Workers:
    """Those that run and those that start."""

    running: int
    starting: list[float] = field(default_factory=list)

    def begin(self, now: float) -> None:
        """Let those run whose time to start is over."""
        self.running += sum(at <= now for at in self.starting)
        self.starting = [at for at in self.starting if at > now]

    def want(self, count: int, now: float) -> None:
        """Start or end as many as are too few or too many; those that start end first."""
        more = count - self.wanted
        self.starting += [now + START_SECONDS] * more
        for _ in range(-more):
            if self.starting:
                self.starting.pop()
            else:
                self.running -= 1

    @property
    def wanted(self) -> int:
        """Return how many there are to be."""
        return self.running + len(self.starting)


@dataclass
class Sleep:
    """Whether SQS tells CloudWatch anything of a queue."""

    last_active: int = 0
    told_from: int = 0

    def tells(self, minute: int, active: bool) -> bool:
        """Say so for this minute, in which there are messages, or anybody asked for some, or not."""
        if active:
            if minute - self.last_active > ASLEEP_AFTER_MINUTES:
                self.told_from = minute + AWAKE_AFTER_MINUTES
            self.last_active = minute
        return minute >= self.told_from and minute - self.last_active <= ASLEEP_AFTER_MINUTES


@dataclass
class Minute:
    """How things stood at the end of a minute."""

    arrived: float
    waiting: float
    age_seconds: float
    tasks: int


def simulate(arrivals: list[float], scaled: Scaling, rate: float) -> Iterator[Minute]:
    """Yield how things stand, minute by minute from midnight on.

    Args:
        arrivals: Messages a minute.
        scaled: How many workers there are to be.
        rate: Messages a second that a worker answers.
    """
    least = scaled.least
    # They remember what they did.
    policies = [replace(policy, history=[], recent=[]) for policy in scaled.policies]
    queue, workers, sleep = Queue(), Workers(least), Sleep()
    told: list[Told] = []
    now = 0.0
    for minute, arrived in enumerate(arrivals):
        least = scaled.schedule.get(minute % DAY, least)
        workers.want(max(least, workers.wanted), now)
        for _ in range(60 // STEP_SECONDS):
            now += STEP_SECONDS
            queue.receive(now, arrived * STEP_SECONDS / 60)
            workers.begin(now)
            queue.answer(workers.running * rate * STEP_SECONDS)
        waiting, age = queue.waiting(), queue.age_seconds(now)
        yield Minute(arrived, waiting, age, workers.running)
        tells = sleep.tells(minute, active=bool(arrived or waiting or workers.running))
        # A queue in which nothing has happened tells nothing, nor does a service without tasks.
        told.append(
            {
                "sent": arrived or None if tells else None,
                "waiting": waiting if tells else None,
                "age": age if tells else None,
                "running": float(workers.running) or None,
            }
        )
        if minute < TOLD_AFTER_MINUTES:
            continue
        change = [policy.change(minute, told[-1 - TOLD_AFTER_MINUTES]) for policy in policies] or [0]
        # What adds goes before what removes.
        by = max(change) if max(change) > 0 else min(change)
        workers.want(max(least, min(scaled.most, workers.wanted + by)), now)


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
