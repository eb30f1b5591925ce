"""The collector beside each task. It cannot take the service down."""

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs

from infra.acknowledgements import acknowledge_template
from infra.collector_configuration import MEMORY_MIB


def add_collector(
    task: ecs.FargateTaskDefinition,
    image: str,
    config: str,
    log_group: logs.ILogGroup,
    secrets: dict[str, ecs.Secret],
) -> None:
    """Put a collector beside a service: bounded in memory, restarted alone, waited for by nobody."""
    acknowledge_template(
        task,
        "E1029",
        "What the collector's configuration has in ${} is expanded by the collector, from the secrets that "
        "it is given: CloudFormation is to leave it as it is.",
    )
    task.add_container(
        "Collector",
        container_name="collector",
        image=ecs.ContainerImage.from_registry(image),
        essential=False,
        memory_limit_mib=MEMORY_MIB,
        cpu=64,
        readonly_root_filesystem=True,
        environment={"AOT_CONFIG_CONTENT": config},
        secrets=secrets,
        # The image is from scratch: no shell, nothing but this.
        health_check=ecs.HealthCheck(
            command=["CMD", "/healthcheck"], interval=Duration.seconds(30), retries=3
        ),
        enable_restart_policy=True,
        restart_attempt_period=Duration.seconds(60),
        logging=ecs.LogDrivers.aws_logs(stream_prefix="collector", log_group=log_group),
    )
