"""Queues: each with a place for what cannot be handled, and nothing in the clear."""

from infra.environments import ENVIRONMENTS
from tests.infra.template import Templates, flat, target
from tests.infra.test_storage import denies_plain_http
from vehicle_anomaly.settings import Settings


def test_two_queues_each_with_a_dead_letter_queue_of_its_own(templates: Templates) -> None:
    queues = dict(templates.resources("AWS::SQS::Queue"))
    live = {name: q["RedrivePolicy"] for name, q in queues.items() if "RedrivePolicy" in q}
    assert len(live) == 2
    dead = {target(policy["deadLetterTargetArn"]) for policy in live.values()}
    assert len(dead) == 2
    assert dead.isdisjoint(live)
    assert dead | set(live) == set(queues)
    for name, policy in live.items():
        assert policy["maxReceiveCount"] > 3
        # The age of a message goes on counting in the dead-letter queue.
        kept = queues[target(policy["deadLetterTargetArn"])]["MessageRetentionPeriod"]
        assert kept > queues[name]["MessageRetentionPeriod"] >= 4 * 24 * 3600


def test_what_waits_in_production_outlives_its_stack(templates: Templates, variant: str) -> None:
    row = ENVIRONMENTS[variant.partition("-")[0]]
    for queue in templates.all("AWS::SQS::Queue"):
        assert queue["DeletionPolicy"] == ("Retain" if row.protected else "Delete")


def test_every_queue_is_encrypted_and_asked_by_tls_only(templates: Templates) -> None:
    policies = {
        flat(queue): p["PolicyDocument"]["Statement"]
        for p in templates.all("AWS::SQS::QueuePolicy")
        for queue in p["Queues"]
    }
    for name, properties in templates.resources("AWS::SQS::Queue"):
        assert properties["SqsManagedSseEnabled"] is True
        assert denies_plain_http(policies[f"<{name}>"])


def test_a_message_stays_hidden_as_long_as_the_worker_reckons(templates: Templates) -> None:
    for queue in templates.all("AWS::SQS::Queue"):
        if "RedrivePolicy" in queue:
            assert queue["VisibilityTimeout"] == Settings().worker_visibility_seconds
            assert queue["MaximumMessageSize"] == 1024 * 1024
            # An empty answer costs as much as a full one.
            assert queue["ReceiveMessageWaitTimeSeconds"] == 20


def test_only_buckets_of_the_account_may_tell_of_uploads(templates: Templates) -> None:
    allowed = [
        s
        for p in templates.all("AWS::SQS::QueuePolicy")
        for s in p["PolicyDocument"]["Statement"]
        if s["Effect"] == "Allow"
    ]
    (statement,) = allowed
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
