"""Days of load against the workers' scaling: nobody waits for too long, and nothing runs for nothing."""

import random
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from infra.environments import ENVIRONMENTS, Environment
from tests.infra.conftest import PROJECT
from tests.infra.template import Templates, flat, target
from tests.infra.worker_day import (
    ASLEEP_AFTER_MINUTES,
    AWAKE_AFTER_MINUTES,
    DAY,
    Scaling,
    bursty_day,
    scaling,
    simulate,
)

# Of what a worker is planned to do: the messages are larger, or its processor has bad neighbours.
SLOWER = 0.8


@pytest.fixture
def row(variant: str) -> Environment:
    return ENVIRONMENTS[variant.partition("-")[0]]


def measured_rate() -> float:
    """Return the messages a second that one worker was measured to answer."""
    table = (PROJECT / "tests/benchmarks/results/queue_throughput.md").read_text()
    found = re.search(r"\| `score` from the queue \| ([\d,.]+) requests/s", table)
    assert found
    return float(found[1].replace(",", ""))


def rate_of(row: Environment, which: str) -> float:
    """Return the messages a second of one task; what was measured is for a whole processor."""
    planned = float(row.worker_messages_per_second)
    measured = measured_rate() * min(1.0, row.worker_size.cpu / 1024)
    return {"planned": planned, "measured": measured, "slower": planned * SLOWER}[which]


def test_a_worker_is_planned_to_do_less_than_one_was_measured_to() -> None:
    assert ENVIRONMENTS["prod"].worker_messages_per_second <= measured_rate() * 0.8
    # Half of a processor.
    assert ENVIRONMENTS["dev"].worker_messages_per_second <= measured_rate() * 0.4


def test_what_is_simulated_is_what_the_environment_says(templates: Templates, row: Environment) -> None:
    found = scaling(templates)
    assert (found.least, found.most) == (row.worker_min_capacity, row.worker_max_capacity)
    assert {policy.rises for policy in found.policies} == {True, False}
    metrics = {flat(a.get("MetricName", "expression")) for a in templates.all("AWS::CloudWatch::Alarm")}
    assert "ApproximateAgeOfOldestMessage" in metrics


def test_an_idle_queue_is_kept_awake_where_no_worker_may_be_left(
    templates: Templates, row: Environment
) -> None:
    targets = templates.resources("AWS::ApplicationAutoScaling::ScalableTarget")
    (workers,) = {
        target(policy["ScalingTargetId"])
        for policy in templates.all("AWS::ApplicationAutoScaling::ScalingPolicy")
        if policy["PolicyType"] == "StepScaling"
    }
    actions = {name: found.get("ScheduledActions", []) for name, found in targets}
    awake = [
        (action["ScheduledActionName"], action["Schedule"], action["ScalableTargetAction"])
        for action in actions.pop(workers)
    ]
    assert awake == (
        [
            ("Wake", "cron(0 0/5 * * ? *)", {"MinCapacity": 1}),
            ("Sleep", "cron(10 0/5 * * ? *)", {"MinCapacity": 0}),
        ]
        if row.worker_min_capacity == 0
        else []
    )
    # The API is asked by the load balancer, always.
    assert not any(actions.values())


@pytest.mark.parametrize("which", ["planned", "measured", "slower"])
@pytest.mark.parametrize("seed", range(8))
def test_a_bursty_day_leaves_no_request_waiting_for_too_long(
    templates: Templates, row: Environment, seed: int, which: str
) -> None:
    rate = rate_of(row, which)
    # Slower workers are sent what was planned, as far as all of them together can answer it.
    sent_for = max(rate, float(row.worker_messages_per_second))
    all_can = 60 * rate * row.worker_max_capacity
    day = [min(n, all_can) for n in bursty_day(random.Random(seed), sent_for, row.worker_max_capacity)]
    minutes = list(simulate(day, scaling(templates), rate))
    assert max(m.age_seconds for m in minutes) < row.backlog_seconds
    assert max(m.tasks for m in minutes) > row.worker_max_capacity * 0.3
    # The last four hours are night: all is answered, and what was added is gone.
    assert minutes[-1].waiting == 0
    assert minutes[-1].tasks == row.worker_min_capacity


def test_a_bursty_day_without_policies_leaves_requests_waiting(
    templates: Templates, row: Environment
) -> None:
    """The premise: the load is more than the least number of workers can answer."""
    least = max(1, row.worker_min_capacity)
    rate = float(row.worker_messages_per_second)
    day = bursty_day(random.Random(0), rate, row.worker_max_capacity)
    no_policy = replace(scaling(templates), policies=[], least=least, schedule={})
    assert max(m.age_seconds for m in simulate(day, no_policy, rate)) > row.backlog_seconds


def test_a_steady_load_keeps_a_steady_number_of_workers(templates: Templates, row: Environment) -> None:
    rate = float(row.worker_messages_per_second)
    day = [60 * rate * row.worker_max_capacity * 0.4] * 600
    late = [m.tasks for m in simulate(day, scaling(templates), rate)][120:]
    assert max(late) - min(late) <= 1
    assert sum(late) / len(late) < row.worker_max_capacity * 0.4 / 0.8 + 2


def test_the_first_message_after_a_quiet_while_starts_a_worker(
    templates: Templates, row: Environment
) -> None:
    day = [0.0] * 30 + [1.0] + [0.0] * 30
    to_zero = replace(scaling(templates), least=0, schedule={})
    minutes = list(simulate(day, to_zero, 10.0))
    assert minutes[29].tasks == 0
    assert minutes[35].waiting == 0
    assert minutes[-1].tasks == 0


def oldest_after_idle(scaled: Scaling, hour: int, rate: float) -> float:
    """Return the age that messages reach which come after a day of nothing and so many hours of the next."""
    idle = DAY + 60 * hour
    # Half of what a worker can do, for an hour.
    minutes = list(simulate([0.0] * idle + [60 * rate / 2] * 60, scaled, rate))
    assert minutes[-1].waiting == 0
    return max(m.age_seconds for m in minutes)


@pytest.mark.parametrize("which", ["planned", "slower"])
@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_messages_after_idle_hours_are_answered_in_time(
    templates: Templates, row: Environment, hour: int, which: str
) -> None:
    assert oldest_after_idle(scaling(templates), hour, rate_of(row, which)) < row.backlog_seconds


def test_messages_after_idle_hours_wait_for_too_long_where_the_queue_sleeps(
    templates: Templates, row: Environment
) -> None:
    """The premise: without its schedule, nothing tells of the first messages."""
    asleep = replace(scaling(templates), least=0, schedule={})
    oldest = oldest_after_idle(asleep, 0, float(row.worker_messages_per_second))
    assert oldest > max(row.backlog_seconds, 60 * AWAKE_AFTER_MINUTES)


def test_an_idle_day_is_nearly_without_workers_and_the_queue_never_sleeps(
    templates: Templates, row: Environment
) -> None:
    tasks = [m.tasks for m in simulate([0.0] * 2 * DAY, scaling(templates), 1.0)]
    if row.worker_min_capacity:
        assert set(tasks) == {row.worker_min_capacity}
        return
    assert set(tasks) == {0, 1}
    # ADR 75 reckons with fifty minutes a day.
    assert 45 <= sum(tasks) / 2 <= 55
    at_work = [minute for minute, running in enumerate(tasks) if running]
    pauses = [after - before for before, after in pairwise(at_work)]
    assert max(pauses) < ASLEEP_AFTER_MINUTES
