"""One page: what callers see, what the queue holds, what runs, and what is wrong."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elb

from infra.context import Context
from infra.queue_stack import QueueStack
from infra.service_stack import ServiceStack

_MINUTE = Duration.minutes(1)


def make_dashboard(  # noqa: PLR0917
    stack: Stack,
    context: Context,
    queues: QueueStack,
    services: ServiceStack,
    throttled: cloudwatch.IMetric,
    alarms: Sequence[cloudwatch.Alarm],
) -> None:
    """Make the dashboard, named as the environment."""
    api = services.entrance.api_targets.metrics
    waiting = {
        "waiting": queues.requests.metric_approximate_number_of_messages_visible(period=_MINUTE),
        "in hand": queues.requests.metric_approximate_number_of_messages_not_visible(period=_MINUTE),
        "arrived": queues.requests.metric_number_of_messages_sent(statistic="Sum", period=_MINUTE),
    }
    cloudwatch.Dashboard(
        stack,
        "Dashboard",
        dashboard_name=f"vehicle-anomaly-{context.environment.name}",
        widgets=[
            [cloudwatch.AlarmStatusWidget(title="What is wrong", width=24, height=3, alarms=list(alarms))],
            [
                _graph(
                    "Answers a minute",
                    {
                        "2xx": api.http_code_target(
                            elb.HttpCodeTarget.TARGET_2XX_COUNT, statistic="Sum", period=_MINUTE
                        ),
                        "4xx": api.http_code_target(
                            elb.HttpCodeTarget.TARGET_4XX_COUNT, statistic="Sum", period=_MINUTE
                        ),
                        "5xx": api.http_code_target(
                            elb.HttpCodeTarget.TARGET_5XX_COUNT, statistic="Sum", period=_MINUTE
                        ),
                    },
                ),
                _graph(
                    "Seconds to an answer",
                    {
                        name: api.target_response_time(statistic=name, period=_MINUTE)
                        for name in ("p50", "p90", "p99")
                    },
                ),
                _graph("Trainings refused", {"429 on /ingest": throttled}),
            ],
            [
                _graph("Requests in the queue", waiting),
                _graph(
                    "Age of the oldest, seconds",
                    {
                        "age": queues.requests.metric_approximate_age_of_oldest_message(
                            statistic="Maximum", period=_MINUTE
                        )
                    },
                ),
                _graph(
                    "Could not be handled",
                    {
                        name: queue.metric_approximate_number_of_messages_visible(
                            statistic="Maximum", period=_MINUTE
                        )
                        for name, queue in queues.dead.items()
                    },
                ),
            ],
            [
                _graph(
                    "Processor, %",
                    {
                        name: service.metric_cpu_utilization(period=_MINUTE)
                        for name, service in services.running.items()
                    },
                ),
                _graph(
                    "Memory, %",
                    {
                        name: service.metric_memory_utilization(period=_MINUTE)
                        for name, service in services.running.items()
                    },
                ),
                _graph(
                    "Tasks",
                    {
                        name: cloudwatch.Metric(
                            namespace="ECS/ContainerInsights",
                            metric_name="RunningTaskCount",
                            dimensions_map={
                                "ClusterName": service.cluster.cluster_name,
                                "ServiceName": service.service_name,
                            },
                            period=_MINUTE,
                        )
                        for name, service in services.running.items()
                    },
                ),
            ],
        ],
    )


def _graph(title: str, metrics: Mapping[str, cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        width=8,
        left=[
            metric.with_(label=name) if isinstance(metric, cloudwatch.Metric) else metric
            for name, metric in metrics.items()
        ],
    )
