"""How `dev` and `prod` differ: here, and nowhere else."""

from typing import Final, Literal

import msgspec


class Size(msgspec.Struct, frozen=True):
    """What a task gets of a machine. Fargate takes some pairs only (its "Task size" page).

    Attributes:
        cpu: In 1,024ths of a processor.
        memory_mib: Of the service and its collector together.
    """

    cpu: int
    memory_mib: int


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment's sizes, retention and protection.

    Attributes:
        name: Told by the service, and a part of the stacks' names.
        nat_gateways: Ways out to where no endpoint leads; one a zone survives the loss of a zone.
        min_capacity: Tasks of the API at least.
        max_capacity: Tasks of the API at most.
        api_size: Of a task that scores over HTTP.
        requests_a_target_a_minute: Load of one such task at which another one starts.
        trainer_size: Of the task that trains over HTTP; with guards, that takes eight times its readings.
        worker_size: Of a task that answers the queue.
        worker_min_capacity: Workers at least; 0 lets an idle queue cost next to nothing.
        worker_max_capacity: Workers at most.
        worker_messages_per_second: What one worker is planned to answer; what one was measured to
            (tests/benchmarks/results/queue_throughput.md) less a reserve.
        backlog_seconds: How old the oldest request may get under bursty load.
        log_retention_days: Of logs; CloudWatch knows certain numbers only.
        object_retention_days: Of payloads, results and old versions of objects.
        protected: Whether the load balancer, and what holds data, is kept from deletion.
        latency_alarm_seconds: p99 of the API that raises an alarm.
        log_level: Of the service; at INFO it logs a line for each request, which costs at high load (ADR 75).
        traced_share: Share of requests whose traces are kept; X-Ray is paid by the trace.
    """

    name: Literal["dev", "prod"]
    nat_gateways: int
    min_capacity: int
    max_capacity: int
    api_size: Size
    requests_a_target_a_minute: int
    trainer_size: Size
    worker_size: Size
    worker_min_capacity: int
    worker_max_capacity: int
    worker_messages_per_second: int
    backlog_seconds: int
    log_retention_days: int
    object_retention_days: int
    protected: bool
    latency_alarm_seconds: float
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    traced_share: float


ENVIRONMENTS: Final[dict[str, Environment]] = {
    "dev": Environment(
        name="dev",
        nat_gateways=1,
        min_capacity=1,
        max_capacity=2,
        api_size=Size(512, 1024),
        requests_a_target_a_minute=60_000,
        trainer_size=Size(1024, 4096),
        worker_size=Size(512, 1024),
        worker_min_capacity=0,
        worker_max_capacity=4,
        worker_messages_per_second=50,
        backlog_seconds=600,
        log_retention_days=14,
        object_retention_days=7,
        protected=False,
        latency_alarm_seconds=1.0,
        log_level="DEBUG",
        traced_share=1.0,
    ),
    "prod": Environment(
        name="prod",
        nat_gateways=2,
        min_capacity=2,
        max_capacity=20,
        api_size=Size(1024, 2048),
        requests_a_target_a_minute=120_000,
        trainer_size=Size(2048, 8192),
        worker_size=Size(1024, 2048),
        worker_min_capacity=1,
        worker_max_capacity=40,
        worker_messages_per_second=100,
        backlog_seconds=300,
        log_retention_days=90,
        object_retention_days=30,
        protected=True,
        latency_alarm_seconds=0.5,
        log_level="INFO",
        traced_share=0.001,
    ),
}
