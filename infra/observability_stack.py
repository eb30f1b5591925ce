"""Who is told when something is wrong, and one page that shows what is."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra import worker_alarms
from infra.collector_configuration import NAMESPACE, REQUEST_DURATION
from infra.context import Context
from infra.dashboard import make_dashboard
from infra.queue_stack import QueueStack
from infra.service_stack import ServiceStack

_MINUTE = Duration.minutes(1)


class ObservabilityStack(Stack):
    """Alarms to a topic, and a dashboard.

    Attributes:
        alarms: Each with what to look at in its description.
        topic: Who subscribes to it is told.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: Context,
        queues: QueueStack,
        services: ServiceStack,
        **stack: object,
    ) -> None:
        """Watch the queues and the services.

        Args:
            scope: The app.
            construct_id: The stack's name.
            context: Limits, and who is told.
            queues: What is watched.
            services: What is watched.
            stack: Name, place and tags.
        """
        super().__init__(scope, construct_id, **stack)  # type: ignore[arg-type]
        self.topic = self._make_topic(context.alarm_email)
        self.alarms: list[cloudwatch.Alarm] = []
        row = context.environment
        entrance = services.entrance
        failures = [
            entrance.api_targets.metrics.http_code_target(
                elb.HttpCodeTarget.TARGET_5XX_COUNT, statistic="Sum", period=_MINUTE
            ),
            entrance.balancer.metrics.http_code_elb(
                elb.HttpCodeElb.ELB_5XX_COUNT, statistic="Sum", period=_MINUTE
            ),
            entrance.trainer_targets.metrics.http_code_target(
                elb.HttpCodeTarget.TARGET_5XX_COUNT, statistic="Sum", period=_MINUTE
            ),
        ]
        for name, metric in zip(
            ("ApiFailures", "BalancerFailures", "TrainerFailures"), failures, strict=True
        ):
            self._alarm(
                name, metric, 5, 3, "Answers 5xx: look at the service's log, then at the model store."
            )
        latency = entrance.api_targets.metrics.target_response_time(statistic="p99", period=_MINUTE)
        self._alarm(
            "Latency", latency, row.latency_alarm_seconds, 5, "p99 of the API: are there tasks enough?"
        )
        for name, dead in queues.dead.items():
            self._alarm(
                f"{name}Dead",
                dead.metric_approximate_number_of_messages_visible(statistic="Maximum", period=_MINUTE),
                1,
                1,
                "Messages that could not be handled: look at them, mend what is wrong, and redrive them.",
            )
        age = queues.requests.metric_approximate_age_of_oldest_message(statistic="Maximum", period=_MINUTE)
        self._alarm(
            "Age", age, row.backlog_seconds, 3, "Requests wait too long: is worker_max_capacity reached?"
        )
        for name, targets in (("Api", entrance.api_targets), ("Trainer", entrance.trainer_targets)):
            self._alarm(
                f"{name}Unhealthy",
                targets.metrics.unhealthy_host_count(statistic="Maximum", period=_MINUTE),
                1,
                3,
                "Tasks that do not answer /healthz: look at their log and at their last deployment.",
            )
        self._alarm(
            "WorkerAbsent",
            worker_alarms.absent(services.worker, queues.requests),
            1,
            worker_alarms.ABSENT_MINUTES,
            "Requests wait and no worker runs: look at the events of the worker service and at its scaling.",
        )
        self._alarm(
            "WorkerUnhealthy",
            worker_alarms.unhealthy(services.worker),
            1,
            worker_alarms.UNHEALTHY_MINUTES,
            "Workers that do not stay: look at the log of the worker and at why its last tasks stopped.",
        )
        throttled = cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=REQUEST_DURATION,
            dimensions_map={
                "environment": row.name,
                "http_route": "/ingest",
                "http_response_status_code": "429",
            },
            statistic="SampleCount",
            period=Duration.minutes(5),
        )
        self._alarm(
            "TrainingThrottled",
            throttled,
            5,
            1,
            "Trainings are refused: TRAINING_QUEUE is full all the time.",
        )
        make_dashboard(self, context, queues, services, throttled, self.alarms)

    def _alarm(
        self, name: str, metric: cloudwatch.IMetric, threshold: float, periods: int, description: str
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            f"{name}Alarm",
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        self.alarms.append(alarm)

    def _make_topic(self, email: str | None) -> sns.Topic:
        # A key of its own: CloudWatch may not use AWS's for SNS.
        key = kms.Key(
            self,
            "TopicKey",
            description="Encrypts alarms of vehicle-anomaly on their way",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                # In a key's policy: this key.
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        if email is not None:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic
