"""What runs of a task: the service's container on a read-only tree, with its collector beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra import permissions
from infra.acknowledgements import acknowledge
from infra.collector import add_collector
from infra.collector_configuration import OTLP_PORT, configuration
from infra.container_environment import container_environment
from infra.context import Context
from infra.environments import Size
from vehicle_anomaly.settings import Settings

# From SIGTERM to SIGKILL, at most, on Fargate.
_LONGEST_STOP_SECONDS = 120
# What the service takes from the end of its drain to its exit.
_STOP_MARGIN_SECONDS = 5


@dataclass(frozen=True)
class TaskParts:
    """What all tasks share.

    Attributes:
        context: Images and environment.
        service_logs: Where the services log.
        collector_logs: Where the collectors log.
        metrics_logs: By way of which metrics come to CloudWatch.
        metrics_logs_arn: Its ARN, without the asterisk that CloudFormation puts behind it.
        api_keys: Secret of the list of keys.
        signing_key: Secret of the key that signs models.
        metrics_key: Secret of the key with which the collector reads /metrics.
        image_credentials: Secret with which the service's image is fetched; None: it is public.
    """

    context: Context
    service_logs: logs.ILogGroup
    collector_logs: logs.ILogGroup
    metrics_logs: logs.ILogGroup
    metrics_logs_arn: str
    api_keys: secretsmanager.ISecret
    signing_key: secretsmanager.ISecret
    metrics_key: secretsmanager.ISecret
    image_credentials: secretsmanager.ISecret | None


def define_task(
    scope: Construct,
    construct_id: str,
    *,
    parts: TaskParts,
    size: Size,
    command: Sequence[str],
    settings: Settings,
    stop_seconds: int,
    serves: bool,
) -> ecs.FargateTaskDefinition:
    """Return a task that runs one command of the image.

    Args:
        scope: The stack.
        construct_id: The task's name.
        parts: What all tasks share.
        size: What it gets of a machine.
        command: Of the image.
        settings: What its environment says.
        stop_seconds: How long the command may take to drain, by its own settings.
        serves: Whether it listens to callers, who have keys, and is asked for its health.

    Raises:
        ValueError: Fargate would end it before it has drained, or it tells its metrics nowhere.
    """
    stop = stop_seconds + _STOP_MARGIN_SECONDS
    if stop > _LONGEST_STOP_SECONDS:
        raise ValueError(
            f"{construct_id} drains for {stop_seconds} s; Fargate waits {_LONGEST_STOP_SECONDS} s"
        )
    metrics_port = settings.port if serves else settings.metrics_port
    if metrics_port is None:
        raise ValueError(f"{construct_id} tells its metrics nowhere")
    context = parts.context
    role = iam.Role(scope, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    task = ecs.FargateTaskDefinition(
        scope,
        f"{construct_id}Task",
        cpu=size.cpu,
        memory_limit_mib=size.memory_mib,
        task_role=role,
        execution_role=_execution_role(scope, construct_id, parts, serves=serves),
    )
    task.add_volume(name="tmp")
    secrets = {
        "API_KEYS": ecs.Secret.from_secrets_manager(parts.api_keys),
        "MODEL_SIGNING_KEY": ecs.Secret.from_secrets_manager(parts.signing_key),
    }
    container = task.add_container(
        "Service",
        container_name="service",
        image=ecs.ContainerImage.from_registry(context.image_uri, credentials=parts.image_credentials),
        command=list(command),
        environment=container_environment(settings)
        | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{OTLP_PORT}",
            "OTEL_SERVICE_NAME": f"vehicle-anomaly-{construct_id.lower()}",
            "OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment.name={settings.environment}",
            # Who calls decides; where nobody has, a share of all.
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": str(context.environment.traced_share),
        },
        secrets=secrets if serves else {"MODEL_SIGNING_KEY": secrets["MODEL_SIGNING_KEY"]},
        port_mappings=[ecs.PortMapping(container_port=settings.port)] if serves else None,
        health_check=_health_check(settings.port) if serves else None,
        readonly_root_filesystem=True,
        stop_timeout=Duration.seconds(stop),
        logging=ecs.LogDrivers.aws_logs(stream_prefix=construct_id.lower(), log_group=parts.service_logs),
    )
    container.add_mount_points(
        ecs.MountPoint(container_path="/tmp", source_volume="tmp", read_only=False)  # noqa: S108
    )
    add_collector(
        task,
        context.adot_image,
        configuration(
            settings.environment,
            context.region,
            parts.metrics_logs.log_group_name,
            metrics_port,
            keyed=serves,
        ),
        parts.collector_logs,
        {"METRICS_KEY": ecs.Secret.from_secrets_manager(parts.metrics_key)} if serves else {},
    )
    permissions.send_telemetry(role, parts.metrics_logs_arn)
    acknowledge(
        task,
        "AwsSolutions-ECS2",
        "What the variables say is no secret: names, sizes and addresses; secrets come from Secrets Manager.",
    )
    return task


def _health_check(port: int) -> ecs.HealthCheck:
    ask = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}/healthz', timeout=2)"
    return ecs.HealthCheck(
        command=["CMD", "python", "-c", ask],
        interval=Duration.seconds(15),
        timeout=Duration.seconds(5),
        start_period=Duration.seconds(30),
        retries=3,
    )


def _execution_role(scope: Construct, construct_id: str, parts: TaskParts, *, serves: bool) -> iam.IRole:
    """Return the role that starts the task: it fetches the image, writes its logs, reads its secrets."""
    role = iam.Role(scope, f"{construct_id}Start", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    secrets = [parts.signing_key, parts.api_keys, parts.metrics_key] if serves else [parts.signing_key]
    # Secrets Manager adds six characters to the name that a secret was made with.
    readable = [f"{secret.secret_arn}-??????" for secret in secrets]
    if parts.image_credentials is not None:
        readable.append(parts.image_credentials.secret_arn)
    role.add_to_policy(iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=readable))
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[parts.service_logs.log_group_arn, parts.collector_logs.log_group_arn],
        )
    )
    # The CDK would also let it describe secrets.
    return role.without_policy_updates()
