"""Buckets: versioned, encrypted, closed, and kept."""

from typing import Any

from infra.environments import ENVIRONMENTS
from tests.infra.template import Templates, flat


def denies_plain_http(statements: list[dict[str, Any]]) -> bool:
    """Return whether anybody is denied anything that is asked in the clear."""
    return any(
        s["Effect"] == "Deny"
        and s["Principal"] in ("*", {"AWS": "*"})
        and s["Action"] in ("s3:*", "sqs:*", "sns:*", "*")
        and s.get("Condition", {}).get("Bool") == {"aws:SecureTransport": "false"}
        for s in statements
    )


def bucket(templates: Templates, prefix: str) -> dict[str, Any]:
    """Return a bucket by what its access logs begin with."""
    (found,) = (
        b
        for b in templates.all("AWS::S3::Bucket")
        if b.get("LoggingConfiguration", {}).get("LogFilePrefix") == prefix
    )
    return found


def test_every_bucket_is_closed_encrypted_and_kept(templates: Templates) -> None:
    for properties in templates.all("AWS::S3::Bucket"):
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(properties["PublicAccessBlockConfiguration"]) == 4
        assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert properties["DeletionPolicy"] == properties["UpdateReplacePolicy"] == "Retain"
        assert "AccessControl" not in properties


def test_every_bucket_is_asked_by_tls_only(templates: Templates) -> None:
    policies = {
        flat(p["Bucket"]): p["PolicyDocument"]["Statement"] for p in templates.all("AWS::S3::BucketPolicy")
    }
    for name, _ in templates.resources("AWS::S3::Bucket"):
        assert denies_plain_http(policies[f"<{name}>"])


def test_nothing_is_kept_for_ever_but_what_is_to_be(templates: Templates, variant: str) -> None:
    row = ENVIRONMENTS[variant.partition("-")[0]]
    for properties in templates.all("AWS::S3::Bucket"):
        assert {rule["Status"] for rule in properties["LifecycleConfiguration"]["Rules"]} == {"Enabled"}
    (logs,) = (b for b in templates.all("AWS::S3::Bucket") if "LoggingConfiguration" not in b)
    (rule,) = logs["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == row.log_retention_days
    # Of uploads that were never finished nothing is seen, and all is paid.
    for prefix in ("models/", "payloads/"):
        rules = bucket(templates, prefix)["LifecycleConfiguration"]["Rules"]
        assert any("AbortIncompleteMultipartUpload" in r and not r.get("Prefix") for r in rules)


def test_models_keep_old_versions_for_a_while_and_no_leftovers(templates: Templates) -> None:
    models = bucket(templates, "models/")
    assert models["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = models["LifecycleConfiguration"]["Rules"]
    assert any(r.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays", 0) >= 7 for r in rules)
    assert [r["ExpirationInDays"] for r in rules if r.get("Prefix") == ".publications/"] == [7]
    # A version that is current is for good.
    assert all("ExpirationInDays" not in r for r in rules if not r.get("Prefix"))


def test_payloads_and_results_expire_and_uploads_are_told_of(templates: Templates) -> None:
    payloads = bucket(templates, "payloads/")
    # A worker fetches the version that the event tells of, not what has been put over it since.
    assert payloads["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = payloads["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] in {7, 30}
    (told,) = payloads["NotificationConfiguration"]["QueueConfigurations"]
    assert told["Event"] == "s3:ObjectCreated:*"
    (filtered,) = told["Filter"]["S3Key"]["Rules"]
    worker = {e["Name"]: e["Value"] for e in templates.task("work")["ContainerDefinitions"][0]["Environment"]}
    assert filtered["Value"] == worker["SCORE_OBJECT_PREFIX"]
