"""What raises an alarm, to whom, and the page that shows it."""

import json
import re
from typing import Any

import pytest

from infra.collector_configuration import REQUEST_DURATION
from tests.infra.conftest import PROJECT
from tests.infra.template import Templates, flat, target


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
    assert sum(alarm["MetricName"] == metric for alarm in alarms(templates)) == how_many


def test_latency_is_judged_by_its_p99(templates: Templates) -> None:
    (alarm,) = (a for a in alarms(templates) if a["MetricName"] == "TargetResponseTime")
    assert alarm["ExtendedStatistic"] == "p99"


def test_dead_letters_are_those_of_the_dead_letter_queues(templates: Templates) -> None:
    live = {name for name, q in templates.resources("AWS::SQS::Queue") if "RedrivePolicy" in q}
    exports = templates.exports()
    watched = {
        exports[flat(a["Dimensions"][0]["Value"])[1:-1]]
        for a in alarms(templates)
        if a["MetricName"] == "ApproximateNumberOfMessagesVisible"
    }
    assert len(watched) == 2
    assert watched.isdisjoint(live)


def test_trainings_are_counted_by_the_names_that_the_service_itself_gives(templates: Templates) -> None:
    source = (PROJECT / "src/vehicle_anomaly/adapters/inbound/http/metrics.py").read_text()
    (alarm,) = (a for a in alarms(templates) if a["MetricName"] == REQUEST_DURATION)
    dimensions = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
    assert (dimensions["http_route"], dimensions["http_response_status_code"]) == ("/ingest", "429")
    for name in {*dimensions, REQUEST_DURATION} - {"environment"}:
        assert f'"{name}"' in source


def test_every_alarm_tells_the_topic_and_says_what_to_look_at(templates: Templates) -> None:
    topics = {name for name, _ in templates.resources("AWS::SNS::Topic")}
    assert len(topics) == 1
    for alarm in alarms(templates):
        assert {target(a) for a in alarm["AlarmActions"]} == topics
        assert len(alarm["AlarmDescription"]) > 30
        assert alarm["TreatMissingData"] == "notBreaching"


def test_the_topic_is_encrypted_by_a_key_that_cloudwatch_may_use(templates: Templates) -> None:
    (topic,) = templates.all("AWS::SNS::Topic")
    assert topic["KmsMasterKeyId"]
    (key,) = templates.all("AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    services = [s["Principal"].get("Service") for s in key["KeyPolicy"]["Statement"]]
    assert "cloudwatch.amazonaws.com" in services


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
