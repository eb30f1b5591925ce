"""The network: two zones, and the ways that S3's and SQS's traffic takes without leaving it."""

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.environments import Environment


def make_network(scope: Construct, row: Environment, flow_logs: logs.ILogGroup) -> ec2.Vpc:
    """Return a network whose tasks are reached by the load balancer only."""
    vpc = ec2.Vpc(
        scope,
        "Network",
        max_azs=2,
        nat_gateways=row.nat_gateways,
        restrict_default_security_group=False,
        subnet_configuration=[
            ec2.SubnetConfiguration(
                name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
            ),
            ec2.SubnetConfiguration(
                name="Private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20
            ),
        ],
        flow_logs={
            "Flows": ec2.FlowLogOptions(destination=ec2.FlowLogDestination.to_cloud_watch_logs(flow_logs))
        },
        gateway_endpoints={"S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
    )
    inside = ec2.SecurityGroup(
        scope, "EndpointAccess", vpc=vpc, description="What asks SQS from inside", allow_all_outbound=False
    )
    inside.add_ingress_rule(ec2.Peer.ipv4(vpc.vpc_cidr_block), ec2.Port.tcp(443), "Tasks of this network")
    acknowledge(
        inside,
        "AwsSolutions-EC23",
        "Open to this network's own addresses only; the rule cannot tell while they are a reference.",
    )
    vpc.add_interface_endpoint(
        "Sqs",
        service=ec2.InterfaceVpcEndpointAwsService.SQS,
        security_groups=[inside],
        open=False,
        private_dns_enabled=True,
    )
    return vpc
