"""What raises an alarm, to whom, and the page that shows it."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from infra.collector_configuration import REQUEST_DURATION
from infra.environments import ENVIRONMENTS
from tests.infra.conftest import PROJECT
from tests.infra.template import Templates, container, flat, service, target, variables


def alarms(templates: Templates) -> list[dict[str, Any]]:
    """Return the alarms that somebody is told of; those that scale tell nobody."""
    return [a for a in templates.all("AWS::CloudWatch::Alarm") if "OKActions" in a]


@pytest.mark.parametrize(
    ("metric", "how_many"),
    [
        ("HTTPCode_Target_5XX_Count", 2),
        ("HTTPCode_ELB_5XX_Count", 1),
        ("TargetResponseTime", 1),
        ("ApproximateNumberOfMessagesVisible", 2),
        ("ApproximateAgeOfOldestMessage", 1),
        ("UnHealthyHostCount", 2),
        (REQUEST_DURATION, 1),
    ],
)
def test_there_is_an_alarm_for_each_promise(templates: Templates, metric: str, how_many: int) -> None:
    assert sum(alarm.get("MetricName") == metric for alarm in alarms(templates)) == how_many


def test_latency_is_judged_by_its_p99(templates: Templates) -> None:
    (alarm,) = (a for a in alarms(templates) if a.get("MetricName") == "TargetResponseTime")
    assert alarm["ExtendedStatistic"] == "p99"


def test_dead_letters_are_those_of_the_dead_letter_queues(templates: Templates) -> None:
    live = {name for name, q in templates.resources("AWS::SQS::Queue") if "RedrivePolicy" in q}
    exports = templates.exports()
    watched = {
        exports[flat(a["Dimensions"][0]["Value"])[1:-1]]
        for a in alarms(templates)
        if a.get("MetricName") == "ApproximateNumberOfMessagesVisible"
    }
    assert len(watched) == 2
    assert watched.isdisjoint(live)


def test_trainings_are_counted_by_the_names_that_the_service_itself_gives(templates: Templates) -> None:
    source = (PROJECT / "src/vehicle_anomaly/adapters/inbound/http/metrics.py").read_text()
    (alarm,) = (a for a in alarms(templates) if a.get("MetricName") == REQUEST_DURATION)
    dimensions = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
    assert (dimensions["http_route"], dimensions["http_response_status_code"]) == ("/ingest", "429")
    for name in {*dimensions, REQUEST_DURATION} - {"environment"}:
        assert f'"{name}"' in source


def of_workers(templates: Templates, metric: str) -> tuple[dict[str, Any], Callable[..., float]]:
    """Return the alarm that reckons with a metric, and what works out its value: missing metrics are None."""
    (alarm,) = (
        a
        for a in alarms(templates)
        for m in a.get("Metrics", [])
        if m.get("MetricStat", {}).get("Metric", {}).get("MetricName") == metric
    )
    (expression,) = (m["Expression"] for m in alarm["Metrics"] if "Expression" in m)
    metrics = {m["Id"]: m["MetricStat"] for m in alarm["Metrics"] if "MetricStat" in m}
    assert all(m["Period"] == 60 for m in metrics.values())

    def fill(value: float | None, instead: float) -> float:
        return instead if value is None else value

    def value(**told: float | None) -> float:
        of = {name: told[m["Metric"]["MetricName"]] for name, m in metrics.items()}
        known = {"FILL": fill, "IF": lambda condition, yes, no: yes if condition else no}
        return float(eval(expression, known, of))

    return alarm, value


def test_requests_that_wait_while_no_worker_runs_raise_an_alarm(templates: Templates) -> None:
    alarm, value = of_workers(templates, "ApproximateNumberOfMessagesVisible")

    def raises(running: float | None, waiting: float | None) -> bool:
        told = {"RunningTaskCount": running, "ApproximateNumberOfMessagesVisible": waiting}
        return value(**told) >= float(alarm["Threshold"])

    assert raises(0, 1)
    # A service without tasks tells nothing at all.
    assert raises(None, 5000)
    assert not raises(1, 5000)
    # At zero by intention.
    assert not raises(0, 0)
    assert not raises(None, None)
    # An idle service's first worker is no reason to wake anybody.
    assert alarm["EvaluationPeriods"] >= 5


def test_workers_that_do_not_stay_raise_an_alarm(templates: Templates) -> None:
    alarm, value = of_workers(templates, "DesiredTaskCount")

    def raises(wanted: float | None, running: float | None) -> bool:
        return value(DesiredTaskCount=wanted, RunningTaskCount=running) >= float(alarm["Threshold"])

    assert raises(1, 0)
    assert raises(1, None)
    assert raises(4, 3)
    assert not raises(4, 4)
    assert not raises(None, None)
    # One that drains is still there.
    assert not raises(2, 3)
    assert alarm["EvaluationPeriods"] >= 10


def test_what_is_watched_of_workers_is_the_workers_service(templates: Templates) -> None:
    exports = templates.exports()
    found = dict(templates.resources("AWS::ECS::Service"))
    for metric in ("ApproximateNumberOfMessagesVisible", "DesiredTaskCount"):
        alarm, _ = of_workers(templates, metric)
        counted = [m["MetricStat"]["Metric"] for m in alarm["Metrics"] if "MetricStat" in m]
        (name,) = {
            exports[flat(d["Value"])[1:-1]]
            for m in counted
            for d in m["Dimensions"]
            if d["Name"] == "ServiceName"
        }
        assert "LoadBalancers" not in found[name]


def test_every_alarm_tells_the_topic_and_says_what_to_look_at(templates: Templates) -> None:
    topics = {name for name, _ in templates.resources("AWS::SNS::Topic")}
    assert len(topics) == 1
    for alarm in alarms(templates):
        assert {target(a) for a in alarm["AlarmActions"]} == topics
        assert len(alarm["AlarmDescription"]) > 30
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm.get("ActionsEnabled", True) is True
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_limits_are_those_of_the_environment(templates: Templates, variant: str) -> None:
    row = ENVIRONMENTS[variant.partition("-")[0]]
    limits = {
        (alarm["MetricName"], alarm["Threshold"]) for alarm in alarms(templates) if "MetricName" in alarm
    }
    assert limits == {
        ("HTTPCode_Target_5XX_Count", 5),
        ("HTTPCode_ELB_5XX_Count", 5),
        ("TargetResponseTime", row.latency_alarm_seconds),
        ("ApproximateNumberOfMessagesVisible", 1),
        ("ApproximateAgeOfOldestMessage", row.backlog_seconds),
        ("UnHealthyHostCount", 1),
        (REQUEST_DURATION, 5),
    }


def test_the_age_is_that_of_requests(templates: Templates) -> None:
    worker = variables(service(templates.task("work")))
    (alarm,) = (a for a in alarms(templates) if a.get("MetricName") == "ApproximateAgeOfOldestMessage")
    queue = templates.exports()[flat(alarm["Dimensions"][0]["Value"])[1:-1]]
    assert queue == templates.exports()[worker["REQUEST_QUEUE_URL"][1:-1]]


def test_what_is_watched_of_the_service_is_what_its_collector_sends(
    templates: Templates, variant: str
) -> None:
    """By namespace, name and dimensions, or the alarm would never have anything to look at."""
    (alarm,) = (a for a in alarms(templates) if a.get("MetricName") == REQUEST_DURATION)
    dimensions = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
    assert dimensions["environment"] == variant.partition("-")[0]
    for nth in (0, 1):
        collector = container(templates.task("serve", nth), "collector")
        config = json.loads(variables(collector)["AOT_CONFIG_CONTENT"])
        sent = config["exporters"]["awsemf"]
        assert sent["namespace"] == alarm["Namespace"]
        assert any(
            set(dimensions) in map(set, declared["dimensions"])
            and any(re.search(name, REQUEST_DURATION) for name in declared["metric_name_selectors"])
            for declared in sent["metric_declarations"]
        )
        (scraped,) = config["receivers"]["prometheus"]["config"]["scrape_configs"]
        assert scraped["static_configs"][0]["labels"]["environment"] == dimensions["environment"]


def test_the_topic_is_encrypted_by_a_key_that_cloudwatch_may_use(templates: Templates) -> None:
    (topic,) = templates.all("AWS::SNS::Topic")
    assert topic["KmsMasterKeyId"]
    (key,) = templates.all("AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    told = [
        s for s in key["KeyPolicy"]["Statement"]
        if s["Principal"].get("Service") == "cloudwatch.amazonaws.com"
    ]  # fmt: skip
    assert set(told[0]["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}


def test_the_topic_takes_from_cloudwatch_and_by_tls_only(templates: Templates) -> None:
    (policy,) = templates.all("AWS::SNS::TopicPolicy")
    statements = policy["PolicyDocument"]["Statement"]
    (allowed,) = (s for s in statements if s["Effect"] == "Allow")
    assert (allowed["Principal"], allowed["Action"]) == (
        {"Service": "cloudwatch.amazonaws.com"},
        "sns:Publish",
    )
    assert any(
        s["Effect"] == "Deny" and s["Condition"]["Bool"] == {"aws:SecureTransport": "false"}
        for s in statements
    )


def test_who_is_named_is_told(production: Templates) -> None:
    (subscription,) = production.all("AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "oncall@example.org")


def test_one_dashboard_shows_callers_queue_and_tasks(templates: Templates, variant: str) -> None:
    (dashboard,) = templates.all("AWS::CloudWatch::Dashboard")
    assert dashboard["DashboardName"] == f"vehicle-anomaly-{variant.partition('-')[0]}"
    body = json.loads(re.sub(r"<[^>]+>", "x", flat(dashboard["DashboardBody"])))
    text = json.dumps(body)
    for metric in ("HTTPCode_Target_5XX_Count", "ApproximateAgeOfOldestMessage", "RunningTaskCount", "p99"):
        assert metric in text
    assert sum(widget["type"] == "alarm" for widget in body["widgets"]) == 1
