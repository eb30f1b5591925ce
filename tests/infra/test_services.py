"""Tasks: what they run on, how they stop, and what beside them may fail."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from infra.environments import ENVIRONMENTS
from tests.image import dockerfile
from tests.infra.conftest import PROJECT, PYTHON
from tests.infra.template import Templates, container, flat, service, target, variables
from vehicle_anomaly.adapters.inbound.sqs.metrics import QueueMetrics
from vehicle_anomaly.adapters.outbound.service_metrics import ServiceMetrics
from vehicle_anomaly.settings import Settings


def tasks(templates: Templates) -> list[dict[str, Any]]:
    return templates.all("AWS::ECS::TaskDefinition")


def services(templates: Templates) -> dict[str, dict[str, Any]]:
    """Return the services by the task that they run."""
    return {target(s["TaskDefinition"]): s for s in templates.all("AWS::ECS::Service")}


def test_the_network_has_two_zones_and_keeps_s3_and_sqs_inside(templates: Templates, variant: str) -> None:
    zones = {json.dumps(s["AvailabilityZone"]) for s in templates.all("AWS::EC2::Subnet")}
    assert len(zones) == 2
    endpoints = {flat(e["ServiceName"]): e["VpcEndpointType"] for e in templates.all("AWS::EC2::VPCEndpoint")}
    assert endpoints == {
        "com.amazonaws.<AWS::Region>.s3": "Gateway",
        "com.amazonaws.eu-central-1.sqs": "Interface",
    }
    for endpoint in templates.all("AWS::EC2::VPCEndpoint"):
        if endpoint["VpcEndpointType"] == "Interface":
            assert endpoint["PrivateDnsEnabled"] is True
        else:
            # Of all zones, for what leads out costs by the byte.
            out = {target(r["RouteTableId"]) for r in templates.all("AWS::EC2::Route") if "NatGatewayId" in r}
            assert len(out) == 2
            assert out <= {target(table) for table in endpoint["RouteTableIds"]}
    row = ENVIRONMENTS[variant.partition("-")[0]]
    assert len(templates.all("AWS::EC2::NatGateway")) == row.nat_gateways
    assert {flow["TrafficType"] for flow in templates.all("AWS::EC2::FlowLog")} == {"ALL"}
    assert templates.all("AWS::ECS::Cluster")[0]["ClusterSettings"] == [
        {"Name": "containerInsights", "Value": "enabled"}
    ]


def test_a_bad_deployment_is_rolled_back(templates: Templates) -> None:
    assert len(services(templates)) == 3
    for properties in services(templates).values():
        deployment = properties["DeploymentConfiguration"]
        assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
        assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)
        assert properties["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"


def test_tasks_stand_where_nobody_outside_reaches_them(templates: Templates) -> None:
    open_tables = {
        target(route["RouteTableId"])
        for _, route in templates.resources("AWS::EC2::Route")
        if "GatewayId" in route
    }
    tables = {
        target(one["SubnetId"]): target(one["RouteTableId"])
        for _, one in templates.resources("AWS::EC2::SubnetRouteTableAssociation")
    }
    private = {subnet for subnet, table in tables.items() if table not in open_tables}
    assert len(open_tables) == len(tables) - len(private) == len(private) == 2
    for properties in services(templates).values():
        network = properties["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert {target(subnet) for subnet in network["Subnets"]} == private


def test_nothing_writes_in_a_container_but_to_its_own_temporary_folder(templates: Templates) -> None:
    for task in tasks(templates):
        assert all(found["ReadonlyRootFilesystem"] is True for found in task["ContainerDefinitions"])
        (mount,) = service(task)["MountPoints"]
        assert mount["ContainerPath"] == "/tmp"
        # Fargate gives a volume to root, unless the image says that there is one and whose.
        _, stages = dockerfile.read(PROJECT / "Dockerfile")
        assert [i.rest for i in stages[-1].instructions if i.keyword == "VOLUME"] == ['["/tmp"]']


def test_a_task_has_as_long_to_stop_as_its_own_settings_say(templates: Templates) -> None:
    defaults = Settings()
    for task in tasks(templates):
        told = variables(service(task))
        drain = {
            "serve": int(told.get("DRAIN_SECONDS", defaults.drain_seconds)),
            "work": defaults.worker_drain_seconds,
        }[service(task)["Command"][0]]
        # What it takes from there to its exit is little, but it is not nothing.
        assert drain + 5 <= service(task)["StopTimeout"] <= 120


def test_who_answers_http_is_asked_for_its_health_and_a_worker_is_not(templates: Templates) -> None:
    of = services(templates)
    for name, task in templates.resources("AWS::ECS::TaskDefinition"):
        serves = service(task)["Command"] == ["serve"]
        assert ("LoadBalancers" in of[name]) == serves
        assert ("HealthCheck" in service(task)) == serves
        # Time to start before anybody counts failures.
        assert (of[name].get("HealthCheckGracePeriodSeconds", 0) >= 30) == serves
        if serves:
            assert "/healthz" in service(task)["HealthCheck"]["Command"][-1]


def test_tasks_are_as_large_as_the_environment_says(templates: Templates, variant: str) -> None:
    row = ENVIRONMENTS[variant.partition("-")[0]]
    sizes = sorted((int(t["Cpu"]), int(t["Memory"])) for t in tasks(templates))
    said = (row.api_size, row.trainer_size, row.worker_size)
    assert sizes == sorted((size.cpu, size.memory_mib) for size in said)
    assert not any(found.get("Privileged") for t in tasks(templates) for found in t["ContainerDefinitions"])


def test_a_collector_can_fail_and_grow_without_harm(templates: Templates) -> None:
    for task in tasks(templates):
        collector = container(task, "collector")
        assert collector["Essential"] is False
        assert collector["Memory"] < int(task["Memory"]) / 2
        assert collector["RestartPolicy"]["Enabled"] is True
        assert collector["RestartPolicy"]["Enabled"] is True
        config = json.loads(variables(collector)["AOT_CONFIG_CONTENT"])
        # It refuses data before it is ended for what it takes.
        assert config["processors"]["memory_limiter"]["limit_mib"] < collector["Memory"]
        assert collector["HealthCheck"]["Command"] == ["CMD", "/healthcheck"]
        assert service(task)["Essential"] is True
        assert "DependsOn" not in service(task)
        assert variables(service(task))["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:4318"


def test_a_share_of_the_traces_is_kept(templates: Templates, variant: str) -> None:
    share = {"dev": 1.0, "prod": 0.001}[variant.partition("-")[0]]
    for task in tasks(templates):
        told = variables(service(task))
        assert told["OTEL_TRACES_SAMPLER"] == "parentbased_traceidratio"
        assert float(told["OTEL_TRACES_SAMPLER_ARG"]) == share


def test_traces_go_to_x_ray_and_metrics_to_cloudwatch(templates: Templates) -> None:
    for task in tasks(templates):
        config = json.loads(variables(container(task, "collector"))["AOT_CONFIG_CONTENT"])
        pipelines = config["service"]["pipelines"]
        assert pipelines["traces"] == {
            "receivers": ["otlp"],
            "processors": ["memory_limiter", "batch"],
            "exporters": ["awsxray"],
        }
        assert pipelines["metrics"]["exporters"] == ["awsemf"]
        # Counters that go on counting would be added up again each minute.
        assert "cumulativetodelta" in pipelines["metrics"]["processors"]
        for pipeline in pipelines.values():
            for kind in ("receivers", "processors", "exporters"):
                assert set(pipeline[kind]) <= set(config[kind])
        assert set(config["service"]["extensions"]) <= set(config["extensions"])
        # The services send spans, and no metrics.
        assert pipelines["metrics"]["receivers"] == ["prometheus"]
        (scraped,) = config["receivers"]["prometheus"]["config"]["scrape_configs"]
        told = variables(service(task))
        secrets = [s["Name"] for s in container(task, "collector").get("Secrets", [])]
        if service(task)["Command"] == ["serve"]:
            port = service(task)["PortMappings"][0]["ContainerPort"]
            assert "127.0.0.1" in told.get("ALLOWED_HOSTS", "127.0.0.1").split(",")
            assert secrets == ["METRICS_KEY"]
            assert "METRICS_KEY" in scraped["authorization"]["credentials"]
        else:
            port = told["METRICS_PORT"]
            # Without keys, so where nobody gets to but the collector.
            assert told.get("HOST", Settings().host) == "127.0.0.1"
            assert "PortMappings" not in service(task)
            assert secrets == []
            assert "authorization" not in scraped
        assert scraped["static_configs"][0]["targets"] == [f"127.0.0.1:{port}"]


def test_ports_of_a_task_are_not_taken_twice(templates: Templates) -> None:
    for task in tasks(templates):
        config = json.loads(variables(container(task, "collector"))["AOT_CONFIG_CONTENT"])
        (scraped,) = config["receivers"]["prometheus"]["config"]["scrape_configs"]
        addresses = [
            *scraped["static_configs"][0]["targets"],
            config["receivers"]["otlp"]["protocols"]["http"]["endpoint"],
            config["extensions"]["health_check"]["endpoint"],
        ]
        assert len(set(addresses)) == len(addresses)


def test_all_that_a_worker_tells_becomes_a_metric_of_its_environment(templates: Templates) -> None:
    registry = CollectorRegistry()
    QueueMetrics(registry)
    ServiceMetrics(registry)
    config = json.loads(variables(container(templates.task("work"), "collector"))["AOT_CONFIG_CONTENT"])
    (scraped,) = config["receivers"]["prometheus"]["config"]["scrape_configs"]
    labels = set(scraped["static_configs"][0]["labels"])
    # By dimensions that the worker's have: else they would be logged, and count for nothing.
    selectors = [
        selector
        for declared in config["exporters"]["awsemf"]["metric_declarations"]
        if any(set(dimensions) <= labels for dimensions in declared["dimensions"])
        for selector in declared["metric_name_selectors"]
    ]
    told = {metric.name for metric in registry.collect()}
    assert any(name.startswith("vehicle_anomaly_queue_") for name in told)
    assert all(any(re.search(selector, name) for selector in selectors) for name in told)


def test_logs_are_kept_for_as_long_as_the_environment_says(templates: Templates, variant: str) -> None:
    row = ENVIRONMENTS[variant.partition("-")[0]]
    groups = dict(templates.resources("AWS::Logs::LogGroup"))
    assert {g["RetentionInDays"] for g in groups.values()} == {row.log_retention_days}
    assert {g["DeletionPolicy"] for g in groups.values()} == {"Retain" if row.protected else "Delete"}
    for task in tasks(templates):
        for found in task["ContainerDefinitions"]:
            assert target(found["LogConfiguration"]["Options"]["awslogs-group"]) in groups


def test_one_image_runs_in_all_of_them(templates: Templates) -> None:
    assert {service(task)["Image"] for task in tasks(templates)} == {
        "ghcr.io/example/vehicle-anomaly:0000000"
    }
    assert sorted(service(task)["Command"][0] for task in tasks(templates)) == ["serve", "serve", "work"]


def test_the_api_is_scaled_by_processor_and_by_requests(templates: Templates, variant: str) -> None:
    row = ENVIRONMENTS[variant.partition("-")[0]]
    tracked = [
        p["TargetTrackingScalingPolicyConfiguration"]
        for p in templates.all("AWS::ApplicationAutoScaling::ScalingPolicy")
        if p["PolicyType"] == "TargetTrackingScaling"
    ]
    targets = {t["PredefinedMetricSpecification"]["PredefinedMetricType"]: t["TargetValue"] for t in tracked}
    assert set(targets) == {"ECSServiceAverageCPUUtilization", "ALBRequestCountPerTarget"}
    assert 40 <= targets["ECSServiceAverageCPUUtilization"] <= 70
    assert targets["ALBRequestCountPerTarget"] == row.requests_a_target_a_minute
    assert not any(t.get("DisableScaleIn") for t in tracked)


def test_capacities_are_those_of_the_environment(templates: Templates, variant: str) -> None:
    row = ENVIRONMENTS[variant.partition("-")[0]]
    bounds = {
        (s["MinCapacity"], s["MaxCapacity"])
        for s in templates.all("AWS::ApplicationAutoScaling::ScalableTarget")
    }
    assert bounds == {
        (row.min_capacity, row.max_capacity),
        (row.worker_min_capacity, row.worker_max_capacity),
    }


def test_a_deployment_leaves_the_number_of_tasks_to_what_scales_them(templates: Templates) -> None:
    """A number in the template would be set again by each deployment, in the middle of a busy day."""
    scaled = {
        json.dumps(s["ResourceId"])
        for s in templates.all("AWS::ApplicationAutoScaling::ScalableTarget")
        if s["ScalableDimension"] == "ecs:service:DesiredCount"
    }
    found = dict(templates.resources("AWS::ECS::Service"))
    owned = {name for name in found if any(f'"{name}"' in resource for resource in scaled)}
    assert len(owned) == 2
    for name, properties in found.items():
        assert properties.get("DesiredCount") == (None if name in owned else 1)


def test_a_number_that_is_asked_for_is_set(tmp_path: Path) -> None:
    """The API's, for who expects load; not the workers'."""
    if not PYTHON.exists():
        pytest.skip("the CDK is not here: `just setup-infra` makes .venv-infra")
    context = {
        "region": "eu-central-1", "image_uri": "ghcr.io/example/vehicle-anomaly:1",
        "environment": "prod", "desired_count": "7",
    }  # fmt: skip
    environ = {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(tmp_path)}
    subprocess.run([str(PYTHON), "-m", "infra"], cwd=PROJECT, env=environ, check=True, timeout=240)
    counts = [s.get("DesiredCount") for s in Templates(tmp_path).all("AWS::ECS::Service")]
    assert sorted(counts, key=str) == [1, 7, None]


def test_what_is_protected_cannot_be_deleted_by_a_slip(production: Templates) -> None:
    manifest = json.loads((production.folder / "manifest.json").read_text())
    stacks = [
        a["properties"] for a in manifest["artifacts"].values() if a["type"] == "aws:cloudformation:stack"
    ]
    assert len(stacks) == 4
    assert all(stack["terminationProtection"] is True for stack in stacks)
