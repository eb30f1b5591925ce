"""The load balancer: what it lets through, and to whom."""

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledgements import acknowledge

# With two paths, as many values as a rule takes.
_WRITES = ["PUT", "POST", "DELETE"]


class Entrance(Construct):
    """An application load balancer before what scores and what trains.

    What writes models goes to the trainer, and everything else to the API, whose role cannot write: whoever
    gets hold of what answers the most callers cannot change what others are told.

    Attributes:
        balancer: The load balancer.
        api_targets: Who scores.
        trainer_targets: Who trains.
    """

    # A training answers when it is done, and an idle connection says nothing until then. The service keeps
    # connections for longer, or the balancer would send into one that it closes.
    IDLE_SECONDS: Final = 900

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        certificate: acm.ICertificate | None,
        protected: bool,
        logs: s3.IBucket,
        api: ecs.FargateService,
        trainer: ecs.FargateService,
        port: int,
        drain_seconds: int,
        trainer_drain_seconds: int,
    ) -> None:
        """Make the load balancer; with a certificate, what comes by HTTP is sent on to HTTPS."""
        super().__init__(scope, construct_id)
        self.balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            internet_facing=True,
            deletion_protection=protected,
            drop_invalid_header_fields=True,
            desync_mitigation_mode=elb.DesyncMitigationMode.STRICTEST,
            idle_timeout=Duration.seconds(self.IDLE_SECONDS),
        )
        self.balancer.log_access_logs(logs, "balancer")
        acknowledge(
            self.balancer,
            "AwsSolutions-EC23",
            "A public API: everyone may ask it; who is answered, the keys decide.",
        )
        if certificate is None:
            listener = self.balancer.add_listener("Http", port=80, protocol=elb.ApplicationProtocol.HTTP)
        else:
            self.balancer.add_redirect(
                source_port=80, target_port=443, target_protocol=elb.ApplicationProtocol.HTTPS
            )
            listener = self.balancer.add_listener(
                "Https",
                port=443,
                protocol=elb.ApplicationProtocol.HTTPS,
                certificates=[certificate],
                ssl_policy=elb.SslPolicy.RECOMMENDED_TLS,
            )
        self.api_targets = self._targets("ApiTargets", vpc, api, port, drain_seconds)
        self.trainer_targets = self._targets("TrainerTargets", vpc, trainer, port, trainer_drain_seconds)
        listener.add_target_groups("Scores", target_groups=[self.api_targets])
        listener.add_target_groups(
            "Trains",
            priority=10,
            conditions=[elb.ListenerCondition.path_patterns(["/ingest"])],
            target_groups=[self.trainer_targets],
        )
        listener.add_target_groups(
            "Promotes",
            priority=20,
            conditions=[
                elb.ListenerCondition.path_patterns(["/models", "/models/*"]),
                elb.ListenerCondition.http_request_methods(_WRITES),
            ],
            target_groups=[self.trainer_targets],
        )

    def _targets(
        self, construct_id: str, vpc: ec2.IVpc, service: ecs.FargateService, port: int, drain_seconds: int
    ) -> elb.ApplicationTargetGroup:
        return elb.ApplicationTargetGroup(
            self,
            construct_id,
            vpc=vpc,
            port=port,
            protocol=elb.ApplicationProtocol.HTTP,
            targets=[service.load_balancer_target(container_name="service", container_port=port)],
            # New requests stop, and those on their way have as long as the service gives them.
            deregistration_delay=Duration.seconds(drain_seconds),
            load_balancing_algorithm_type=elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
            health_check=elb.HealthCheck(
                path="/healthz",
                healthy_http_codes="200",
                interval=Duration.seconds(10),
                timeout=Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
        )
