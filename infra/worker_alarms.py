"""What is wrong with workers, whom no load balancer asks for their health: none there, or not enough."""

from collections.abc import Mapping
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sqs as sqs

_MINUTE = Duration.minutes(1)

ABSENT_MINUTES: Final = 10
"""Longer than the first worker of an idle service takes to start, several times."""

UNHEALTHY_MINUTES: Final = 15
"""Longer than a service is behind what is wanted of it while it grows."""


def absent(service: ecs.FargateService, requests: sqs.IQueue) -> cloudwatch.IMetric:
    """Return how many messages wait while nobody runs."""
    return _expression(
        "messages without a worker",
        "IF(FILL(running, 0) < 1, FILL(waiting, 0), 0)",
        {
            "running": task_count(service, "RunningTaskCount"),
            "waiting": requests.metric_approximate_number_of_messages_visible(
                statistic="Maximum", period=_MINUTE
            ),
        },
    )


def unhealthy(service: ecs.FargateService) -> cloudwatch.IMetric:
    """Return how many tasks are wanted and do not run: they end as soon as they start, or cannot start."""
    return _expression(
        "workers that do not stay",
        "FILL(wanted, 0) - FILL(running, 0)",
        {
            "wanted": task_count(service, "DesiredTaskCount"),
            "running": task_count(service, "RunningTaskCount"),
        },
    )


def task_count(service: ecs.FargateService, name: str) -> cloudwatch.Metric:
    """Return what Container Insights counts of a service, minute by minute."""
    return cloudwatch.Metric(
        namespace="ECS/ContainerInsights",
        metric_name=name,
        dimensions_map={"ClusterName": service.cluster.cluster_name, "ServiceName": service.service_name},
        statistic="Maximum",
        period=_MINUTE,
    )


def _expression(
    label: str, expression: str, metrics: Mapping[str, cloudwatch.IMetric]
) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        label=label, expression=expression, using_metrics=metrics, period=_MINUTE
    )
