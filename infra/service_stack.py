"""The services: what scores over HTTP, what trains over HTTP, and what answers the queue."""

import msgspec
from aws_cdk import ArnFormat, CfnOutput, Duration, Fn, RemovalPolicy, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra import permissions
from infra.collector_configuration import WORKER_METRICS_PORT
from infra.context import Context
from infra.entrance import Entrance
from infra.environments import Size
from infra.network import make_network
from infra.queue_stack import QueueStack
from infra.scaling import scale_api, scale_workers
from infra.storage_stack import UPLOADS, StorageStack
from infra.tasks import TaskParts, define_task
from vehicle_anomaly.settings import S3Store, Settings

# Fargate gives 120 s; a training that takes longer is refused before, and sent again.
_TRAINER_DRAIN_SECONDS = 110

_RETENTION = {14: logs.RetentionDays.TWO_WEEKS, 90: logs.RetentionDays.THREE_MONTHS}


class ServiceStack(Stack):
    """What runs.

    Attributes:
        entrance: The load balancer and who stands behind it.
        api: Scores over HTTP; may read models, not write them.
        trainer: Trains, promotes and rolls back over HTTP.
        worker: Answers the queue.
        running: All three, by name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: Context,
        storage: StorageStack,
        queues: QueueStack,
        **stack: object,
    ) -> None:
        """Make the services.

        Args:
            scope: The app.
            construct_id: The stack's name.
            context: What is deployed.
            storage: Where models and payloads are.
            queues: What the workers answer.
            stack: Name, place and tags.
        """
        super().__init__(scope, construct_id, **stack)  # type: ignore[arg-type]
        self._context = context
        row = context.environment
        vpc = make_network(self, row, self._log_group("NetworkLogs"))
        self._cluster = ecs.Cluster(
            self, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.ENABLED
        )
        self._parts = self._task_parts()
        models = S3Store(storage.models.bucket_name)
        serving = Settings(
            environment=row.name,
            log_level=row.log_level,
            host="0.0.0.0",  # noqa: S104  # its security group admits the load balancer only
            port=context.container_port,
            # The collector beside it asks for /metrics by this address.
            allowed_hosts=(*context.allowed_hosts, "127.0.0.1") if context.allowed_hosts else (),
            cors_origins=context.cors_origins,
            model_store=models,
            keep_alive_seconds=Entrance.IDLE_SECONDS + 15,
        )
        self.api = self._serving("Api", serving, row.api_size, context.desired_count)
        permissions.read_models(_role(self.api), storage.models_arn)
        training = msgspec.structs.replace(serving, drain_seconds=_TRAINER_DRAIN_SECONDS)
        self.trainer = self._serving("Trainer", training, row.trainer_size, 1)
        permissions.write_models(_role(self.trainer), storage.models_arn)
        self.worker = self._working(
            Settings(
                environment=row.name,
                log_level=row.log_level,
                # Of 127.0.0.1, the default of `host`: only the collector beside it gets there.
                metrics_port=WORKER_METRICS_PORT,
                model_store=models,
                request_queue_url=queues.requests.queue_url,
                result_queue_url=queues.results.queue_url,
                result_payload_bucket=storage.payloads.bucket_name,
                score_object_prefix=UPLOADS,
            )
        )
        self.running = {"api": self.api, "trainer": self.trainer, "worker": self.worker}
        permissions.write_models(_role(self.worker), storage.models_arn)
        permissions.answer_requests(_role(self.worker), queues.requests, queues.results)
        permissions.handle_payloads(_role(self.worker), storage.payloads_arn)

        certificate = (
            None
            if context.certificate_arn is None
            else acm.Certificate.from_certificate_arn(self, "Certificate", context.certificate_arn)
        )
        self.entrance = Entrance(
            self,
            "Entrance",
            vpc=vpc,
            certificate=certificate,
            protected=row.protected,
            logs=storage.logs,
            api=self.api,
            trainer=self.trainer,
            port=context.container_port,
            drain_seconds=serving.drain_seconds,
            trainer_drain_seconds=training.drain_seconds,
        )
        scheme = "http" if certificate is None else "https"
        CfnOutput(self, "Url", value=f"{scheme}://{self.entrance.balancer.load_balancer_dns_name}")
        # What a deployment goes back to (.github/workflows/deploy.yml).
        CfnOutput(self, "ImageUri", value=context.image_uri)
        if context.revision is not None:
            CfnOutput(self, "Revision", value=context.revision)
        CfnOutput(self, "ClusterName", value=self._cluster.cluster_name)
        for name, service in self.running.items():
            CfnOutput(self, f"{name.capitalize()}ServiceName", value=service.service_name)
        scale_api(self.api, row, self.entrance.api_targets)
        scale_workers(self.worker, row, queues.requests)

    @property
    def availability_zones(self) -> list[str]:
        """The first two of the account, whatever they are called there: nobody is asked at synthesis."""
        return [Fn.select(nth, Fn.get_azs()) for nth in (0, 1)]

    def _task_parts(self) -> TaskParts:
        metrics = self._log_group("MetricsLogs")
        login = self._context.image_credentials_arn
        return TaskParts(
            context=self._context,
            service_logs=self._log_group("ServiceLogs"),
            collector_logs=self._log_group("CollectorLogs"),
            metrics_logs=metrics,
            metrics_logs_arn=self.format_arn(
                service="logs",
                resource="log-group",
                resource_name=metrics.log_group_name,
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            ),
            api_keys=self._secret("api-keys"),
            signing_key=self._secret("model-signing-key"),
            metrics_key=self._secret("metrics-key"),
            image_credentials=(
                None
                if login is None
                else secretsmanager.Secret.from_secret_complete_arn(self, "ImageCredentials", login)
            ),
        )

    def _log_group(self, construct_id: str) -> logs.LogGroup:
        row = self._context.environment
        return logs.LogGroup(
            self,
            construct_id,
            retention=_RETENTION[row.log_retention_days],
            removal_policy=RemovalPolicy.RETAIN if row.protected else RemovalPolicy.DESTROY,
        )

    def _secret(self, name: str) -> secretsmanager.ISecret:
        """Return a secret that was made before (docs/deploy.md): no template has held its value."""
        return secretsmanager.Secret.from_secret_name_v2(
            self, name, f"vehicle-anomaly/{self._context.environment.name}/{name}"
        )

    def _serving(self, name: str, settings: Settings, size: Size, count: int | None) -> ecs.FargateService:
        task = define_task(
            self,
            name,
            parts=self._parts,
            size=size,
            command=["serve"],
            settings=settings,
            stop_seconds=settings.drain_seconds,
            serves=True,
        )
        return self._service(name, task, count)

    def _working(self, settings: Settings) -> ecs.FargateService:
        row = self._context.environment
        task = define_task(
            self,
            "Worker",
            parts=self._parts,
            size=row.worker_size,
            command=["work"],
            settings=settings,
            stop_seconds=settings.worker_drain_seconds,
            serves=False,
        )
        return self._service("Worker", task, None)

    def _service(self, name: str, task: ecs.FargateTaskDefinition, count: int | None) -> ecs.FargateService:
        # None: a number here would take back, at each deployment, what scaling has found. ECS then begins
        # with one task, and scaling goes up to its least from there.
        return ecs.FargateService(
            self,
            name,
            cluster=self._cluster,
            task_definition=task,
            desired_count=count,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            min_healthy_percent=100,
            max_healthy_percent=200,
            health_check_grace_period=None if name == "Worker" else Duration.seconds(60),
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )


def _role(service: ecs.FargateService) -> iam.Role:
    role = service.task_definition.task_role
    assert isinstance(role, iam.Role)
    return role
