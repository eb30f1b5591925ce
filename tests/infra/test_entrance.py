"""The load balancer: who gets in, how, and to whom."""

import json
from typing import Any

import pytest

from tests.infra.template import Templates, actions, service, target, variables
from vehicle_anomaly.settings import Settings


def attributes(properties: dict[str, Any], name: str) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in properties[name]}


@pytest.fixture
def balancer(templates: Templates) -> dict[str, Any]:
    (found,) = templates.all("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert found["Scheme"] == "internet-facing"
    return attributes(found, "LoadBalancerAttributes")


def test_it_keeps_logs_drops_malformed_headers_and_is_protected(
    balancer: dict[str, Any], variant: str
) -> None:
    assert balancer["access_logs.s3.enabled"] == "true"
    assert balancer["routing.http.desync_mitigation_mode"] == "strictest"
    assert balancer["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert balancer["deletion_protection.enabled"] == ("true" if variant.startswith("prod") else "false")


def test_with_a_certificate_all_is_https(templates: Templates, variant: str) -> None:
    listeners = templates.all("AWS::ElasticLoadBalancingV2::Listener")
    by_port = {listener["Port"]: listener for listener in listeners}
    if not variant.endswith("https"):
        assert set(by_port) == {80}
        return
    assert set(by_port) == {80, 443}
    (redirect,) = by_port[80]["DefaultActions"]
    assert redirect["Type"] == "redirect"
    assert redirect["RedirectConfig"]["Protocol"] == "HTTPS"
    assert redirect["RedirectConfig"]["Port"] == "443"
    assert redirect["RedirectConfig"]["StatusCode"] == "HTTP_301"
    assert by_port[443]["Protocol"] == "HTTPS"
    assert by_port[443]["Certificates"]
    assert "TLS13" in by_port[443]["SslPolicy"]


def test_health_is_asked_where_it_touches_nothing_else(templates: Templates) -> None:
    groups = templates.all("AWS::ElasticLoadBalancingV2::TargetGroup")
    assert len(groups) == 2
    for group in groups:
        assert group["HealthCheckPath"] == "/healthz"
        assert group["Matcher"] == {"HttpCode": "200"}
        # A dead task is found within half a minute.
        assert group["HealthCheckIntervalSeconds"] * group["UnhealthyThresholdCount"] <= 30
        assert group["TargetType"] == "ip"


def test_the_service_keeps_connections_longer_than_the_balancer_does(
    templates: Templates, balancer: dict[str, Any]
) -> None:
    """Or the balancer would send a request into a connection that is being closed, and answer 502."""
    for nth in (0, 1):
        told = variables(service(templates.task("serve", nth)))
        assert int(told["KEEP_ALIVE_SECONDS"]) > int(balancer["idle_timeout.timeout_seconds"])


def test_requests_on_their_way_have_as_long_as_the_service_gives_them(templates: Templates) -> None:
    groups = dict(templates.resources("AWS::ElasticLoadBalancingV2::TargetGroup"))
    tasks = dict(templates.resources("AWS::ECS::TaskDefinition"))
    behind = [s for s in templates.all("AWS::ECS::Service") if "LoadBalancers" in s]
    assert len(behind) == 2
    delays = set()
    for found in behind:
        (balanced,) = found["LoadBalancers"]
        group = groups[target(balanced["TargetGroupArn"])]
        told = variables(service(tasks[target(found["TaskDefinition"])]))
        delay = int(attributes(group, "TargetGroupAttributes")["deregistration_delay.timeout_seconds"])
        # What is as it is by default is not said.
        assert delay == int(told.get("DRAIN_SECONDS", Settings().drain_seconds))
        delays.add(delay)
    assert len(delays) == 2


def test_what_writes_models_goes_to_who_may_write_them(templates: Templates) -> None:
    rules = templates.all("AWS::ElasticLoadBalancingV2::ListenerRule")
    conditions = sorted(json.dumps(_written(rule["Conditions"])) for rule in rules)
    assert [json.loads(c) for c in conditions] == [
        {"path-pattern": ["/ingest"]},
        {"path-pattern": ["/models", "/models/*"], "http-request-method": ["DELETE", "POST", "PUT"]},
    ]
    # As many values as the load balancer takes in a rule.
    assert all(sum(map(len, json.loads(c).values())) <= 5 for c in conditions)
    trainers = {target(a["TargetGroupArn"]) for r in rules for a in r["Actions"]}
    assert len(trainers) == 1
    (listener,) = (
        item
        for item in templates.all("AWS::ElasticLoadBalancingV2::Listener")
        if item["DefaultActions"][0]["Type"] == "forward"
    )
    assert target(listener["DefaultActions"][0]["TargetGroupArn"]) not in trainers
    # Behind those targets stands the service whose role may write, and no other.
    tasks = dict(templates.resources("AWS::ECS::TaskDefinition"))
    for found in templates.all("AWS::ECS::Service"):
        for balanced in found.get("LoadBalancers", []):
            role = target(tasks[target(found["TaskDefinition"])]["TaskRoleArn"])
            writes = "s3:PutObject" in {action for action, _ in actions(templates.statements(role))}
            assert (target(balanced["TargetGroupArn"]) in trainers) == writes


def test_tasks_are_reached_by_the_balancer_only(templates: Templates) -> None:
    open_to_all = [
        (rule["FromPort"], rule["CidrIp"])
        for group in templates.all("AWS::EC2::SecurityGroup")
        for rule in group.get("SecurityGroupIngress", [])
        if rule.get("CidrIp") == "0.0.0.0/0"
    ]
    assert {port for port, _ in open_to_all} <= {80, 443}
    for rule in templates.all("AWS::EC2::SecurityGroupIngress"):
        assert "SourceSecurityGroupId" in rule


def _written(conditions: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return field → values, wherever a condition keeps them."""
    return {c["Field"]: sorted(next(v["Values"] for k, v in c.items() if k != "Field")) for c in conditions}
