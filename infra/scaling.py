"""How many tasks run: the API by load, the workers by what waits and what arrives."""

from aws_cdk import Duration
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_sqs as sqs

from infra.environments import Environment
from infra.worker_alarms import task_count

# Share of a worker's planned rate that arrivals may take up: the rest works off what waits.
_LOAD = 0.8
# Of the age that requests may reach, the part in which a backlog is to be gone: a task needs a minute to
# start, and CloudWatch tells of a minute when it is over.
_BACKLOG_SHARE = 3
_CPU_TARGET_PERCENT = 60
# From one waking of an idle queue to the next: less than the six hours after which SQS tells nothing of it.
_AWAKE_HOURS = 5
# Enough for a task to start and to ask for messages.
_AWAKE_MINUTES = 10


def scale_api(service: ecs.FargateService, row: Environment, targets: elb.ApplicationTargetGroup) -> None:
    """Scale by processor and by requests a task."""
    tasks = service.auto_scale_task_count(min_capacity=row.min_capacity, max_capacity=row.max_capacity)
    tasks.scale_on_cpu_utilization(
        "Processor",
        target_utilization_percent=_CPU_TARGET_PERCENT,
        scale_in_cooldown=Duration.minutes(5),
        scale_out_cooldown=Duration.minutes(1),
    )
    tasks.scale_on_request_count(
        "Requests",
        requests_per_target=row.requests_a_target_a_minute,
        target_group=targets,
        scale_in_cooldown=Duration.minutes(5),
        scale_out_cooldown=Duration.minutes(1),
    )


def scale_workers(service: ecs.FargateService, row: Environment, requests: sqs.IQueue) -> None:
    """Scale by how many workers too few there are.

    The workers that are needed are those that keep up with what arrives, and those that work off what waits
    in a third of the age allowed; those that are there are taken off. A depth alone says nothing of how many
    are needed: where as many arrive as are answered, it is next to nothing with any number of workers.

    Old requests add a worker by themselves: they are there although the numbers see no need.

    Where nobody may be left, a worker runs for some minutes every few hours, lest the queue fall asleep.
    """
    tasks = service.auto_scale_task_count(
        min_capacity=row.worker_min_capacity, max_capacity=row.worker_max_capacity
    )
    rate = row.worker_messages_per_second
    backlog_seconds = row.backlog_seconds // _BACKLOG_SHARE
    missing = cloudwatch.MathExpression(
        label="workers too few",
        # Rounded up: a single message needs a worker too.
        expression=f"CEIL(FILL(sent, 0) / {60 * rate * _LOAD:g} "
        f"+ FILL(waiting, 0) / {rate * backlog_seconds}) - FILL(running, 0)",
        using_metrics={
            "sent": requests.metric_number_of_messages_sent(statistic="Sum", period=Duration.minutes(1)),
            "waiting": requests.metric_approximate_number_of_messages_visible(
                statistic="Maximum", period=Duration.minutes(1)
            ),
            "running": task_count(service, "RunningTaskCount"),
        },
        period=Duration.minutes(1),
    )
    step = autoscaling.ScalingInterval
    tasks.scale_on_metric(
        "Missing",
        metric=missing,
        adjustment_type=autoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
        scaling_steps=[
            step(lower=1, upper=2, change=1),
            step(lower=2, upper=4, change=2),
            step(lower=4, upper=8, change=4),
            step(lower=8, upper=16, change=8),
            step(lower=16, change=16),
        ],
        # As long as one that was asked for may take until it is counted.
        cooldown=Duration.minutes(2),
        evaluation_periods=1,
    )
    tasks.scale_on_metric(
        "Spare",
        metric=missing,
        adjustment_type=autoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
        scaling_steps=[
            step(upper=-8, change=-4),
            step(lower=-8, upper=-4, change=-2),
            step(lower=-4, upper=-1, change=-1),
        ],
        cooldown=Duration.minutes(2),
        # Not before it has been so for a while: a burst seldom comes alone.
        evaluation_periods=5,
    )
    tasks.scale_on_metric(
        "Old",
        metric=requests.metric_approximate_age_of_oldest_message(
            statistic="Maximum", period=Duration.minutes(1)
        ),
        adjustment_type=autoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
        scaling_steps=[
            step(lower=row.backlog_seconds // 2, upper=row.backlog_seconds, change=1),
            step(lower=row.backlog_seconds, change=4),
        ],
        cooldown=Duration.minutes(2),
        evaluation_periods=2,
    )
    if row.worker_min_capacity == 0:
        _keep_awake(tasks)


def _keep_awake(tasks: ecs.ScalableTaskCount) -> None:
    """Have a worker ask an idle queue for messages now and then.

    SQS sends no metrics of a queue that nobody has asked anything for six hours, and sends them again up to
    15 minutes after the next call. With no worker that call is the first message, which would wait as long.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
    """
    # Hours count from midnight, so that the last pause of a day is the shorter one. Where workers are there
    # already, nothing changes; what was woken goes as any worker does that nothing is left for.
    for name, minute, least in (("Wake", 0, 1), ("Sleep", _AWAKE_MINUTES, 0)):
        tasks.scale_on_schedule(
            name,
            schedule=autoscaling.Schedule.cron(minute=str(minute), hour=f"0/{_AWAKE_HOURS}"),
            min_capacity=least,
        )
