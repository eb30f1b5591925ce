"""Buckets: versioned, encrypted, closed, and kept."""

from typing import Any

from tests.infra.template import Templates, flat


def denies_plain_http(statements: list[dict[str, Any]]) -> bool:
    return any(
        s["Effect"] == "Deny" and s.get("Condition", {}).get("Bool") == {"aws:SecureTransport": "false"}
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
        assert properties["DeletionPolicy"] == "Retain"
        assert "AccessControl" not in properties


def test_every_bucket_is_asked_by_tls_only(templates: Templates) -> None:
    policies = {
        flat(p["Bucket"]): p["PolicyDocument"]["Statement"] for p in templates.all("AWS::S3::BucketPolicy")
    }
    for name, _ in templates.resources("AWS::S3::Bucket"):
        assert denies_plain_http(policies[f"<{name}>"])


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
    (rule,) = payloads["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] in {7, 30}
    (told,) = payloads["NotificationConfiguration"]["QueueConfigurations"]
    assert told["Event"] == "s3:ObjectCreated:*"
    (filtered,) = told["Filter"]["S3Key"]["Rules"]
    worker = {e["Name"]: e["Value"] for e in templates.task("work")["ContainerDefinitions"][0]["Environment"]}
    assert filtered["Value"] == worker["SCORE_OBJECT_PREFIX"]
