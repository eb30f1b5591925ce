"""Buckets: the models, the payloads with their results, and the logs of who came by."""

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.environments import Environment

UPLOADS = "uploads/"
"""What the keys of files begin with that are to be scored when they land."""


class StorageStack(Stack):
    """What is kept.

    Attributes:
        models: Versions and what points at the latest; kept when the stack goes.
        payloads: Large messages, files to score, and verdicts; they expire.
        models_arn: As other stacks name it.
        payloads_arn: As other stacks name it.
        logs: Access logs of the buckets and of the load balancer.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, row: Environment, requests: sqs.IQueue, **stack: object
    ) -> None:
        """Make the buckets.

        Args:
            scope: The app.
            construct_id: The stack's name.
            row: Retention and protection.
            requests: Queue that is told of uploads.
            stack: Name, place and tags.
        """
        super().__init__(scope, construct_id, **stack)  # type: ignore[arg-type]
        self.logs = self._bucket(
            "Logs",
            versioned=False,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(row.log_retention_days))],
        )
        self.models = self._bucket(
            "Models",
            versioned=True,
            server_access_logs_bucket=self.logs,
            server_access_logs_prefix="models/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=Duration.days(row.object_retention_days),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                ),
                # What publishers that died have left; docs/storage.md.
                s3.LifecycleRule(prefix=".publications/", expiration=Duration.days(7)),
            ],
        )
        self.payloads = self._bucket(
            "Payloads",
            versioned=True,
            server_access_logs_bucket=self.logs,
            server_access_logs_prefix="payloads/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(row.object_retention_days),
                    noncurrent_version_expiration=Duration.days(1),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
        )
        self.models_arn = self.export_value(self.models.bucket_arn)
        self.payloads_arn = self.export_value(self.payloads.bucket_arn)
        CfnOutput(self, "PayloadBucketName", value=self.payloads.bucket_name)
        # Said to the bucket itself: CDK's own way is a Lambda function that may change every bucket's.
        bucket = self.payloads.node.default_child
        assert isinstance(bucket, s3.CfnBucket)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*",
                    queue=requests.queue_arn,
                    filter=s3.CfnBucket.NotificationFilterProperty(
                        s3_key=s3.CfnBucket.S3KeyFilterProperty(
                            rules=[s3.CfnBucket.FilterRuleProperty(name="prefix", value=UPLOADS)]
                        )
                    ),
                )
            ]
        )

    def _bucket(self, construct_id: str, **properties: object) -> s3.Bucket:
        return s3.Bucket(
            self,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
            **properties,  # type: ignore[arg-type]
        )
