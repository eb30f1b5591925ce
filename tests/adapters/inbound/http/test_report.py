"""The report on a training over HTTP."""

from dataclasses import replace

from tests.adapters.inbound.http.service import Service
from tests.fakes import a_trained_model
from vehicle_anomaly.adapters.inbound.wire.problems import TYPE_PREFIX


def test_it_is_a_page_with_a_strict_policy(service: Service) -> None:
    answer = service.client.get("/models/default/versions/v1/report")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default, version v1" in answer.text


def test_it_is_part_of_what_is_known_of_one_version_and_of_no_list(service: Service) -> None:
    known = service.client.get("/models/default/versions/v1").json()

    assert [each["feature"] for each in known["report"]["features"]] == known["feature_names"]
    assert {each["code"] for each in known["report"]["warnings"]} >= {"few_readings"}
    assert known["report"]["change"] is None
    for version in service.client.get("/models/default").json()["versions"]:
        assert "report" not in version


def test_a_version_of_before_there_were_reports_has_none(service: Service) -> None:
    old = replace(a_trained_model("old", model_name="vans"), report=None)
    service.container.model_store().publish(old)

    assert service.client.get("/models/vans/versions/old").json()["report"] is None
    page = service.client.get("/models/vans/versions/old/report")
    assert page.status_code == 200
    assert "published without a report" in page.text


def test_what_is_not_there_is_a_problem(service: Service) -> None:
    for path, status, kind in (
        ("/models/default/versions/v9/report", 404, "unknown-model-version"),
        ("/models/trucks/versions/v1/report", 404, "unknown-model-version"),
        ("/models/default/versions/latest/report", 400, "invalid-model-version"),
    ):
        answer = service.client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json()["type"] == TYPE_PREFIX + kind


def test_a_damaged_report_is_not_shown(service: Service) -> None:
    service.container.model_store().publish(a_trained_model("v1", model_name="bent"))
    file = service.store / "bent" / "v1" / "report.json"
    file.write_bytes(file.read_bytes().replace(b"0", b"1"))

    answer = service.client.get("/models/bent/versions/v1/report")

    assert answer.status_code == 503
    assert answer.json()["type"] == TYPE_PREFIX + "damaged-model"
    assert "report.json" in answer.json()["detail"]
