"""Queues: requests and results, each with a dead-letter queue beside it."""

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.environments import Environment
from vehicle_anomaly.settings import Settings

# As many as the worker's growing pauses bring a failing message through in ten minutes, and a dead worker's
# messages through several others.
_RECEIVES = 8
# What SQS takes, as of August 2025.
_MAX_MESSAGE_BYTES = 1024 * 1024


class QueueStack(Stack):
    """What comes in and goes out by queue.

    Attributes:
        requests: What workers answer.
        results: What they answer.
        dead: What could not be handled, by the name of its queue.
    """

    def __init__(self, scope: Construct, construct_id: str, *, row: Environment, **stack: object) -> None:
        """Make the queues.

        Args:
            scope: The app.
            construct_id: The stack's name.
            row: Protection.
            stack: Name, place and tags.
        """
        super().__init__(scope, construct_id, **stack)  # type: ignore[arg-type]
        self._removal = RemovalPolicy.RETAIN if row.protected else RemovalPolicy.DESTROY
        self.dead: dict[str, sqs.Queue] = {}
        self.requests = self._queue("Requests")
        self.results = self._queue("Results")
        CfnOutput(self, "RequestQueueUrl", value=self.requests.queue_url)
        CfnOutput(self, "ResultQueueUrl", value=self.results.queue_url)
        self.requests.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.requests.queue_arn],
                # Buckets of this account and of no other's.
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )

    def _queue(self, construct_id: str) -> sqs.Queue:
        dead = sqs.Queue(
            self,
            f"{construct_id}Dead",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            max_message_size_bytes=_MAX_MESSAGE_BYTES,
            removal_policy=self._removal,
        )
        self.dead[construct_id] = dead
        return sqs.Queue(
            self,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            # Shorter than in the dead-letter queue, where the age of a message goes on counting.
            retention_period=Duration.days(4),
            visibility_timeout=Duration.seconds(Settings().worker_visibility_seconds),
            receive_message_wait_time=Duration.seconds(20),
            max_message_size_bytes=_MAX_MESSAGE_BYTES,
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=_RECEIVES),
            removal_policy=self._removal,
        )
