"""What runs on a laptop: told in words that the service knows, from files that are there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from tests.aws_server import aws_server
from tests.infra.conftest import PROJECT
from vehicle_anomaly.settings import S3Store, load_settings

LOCAL = PROJECT / "infra" / "local"
DASHBOARD = LOCAL / "grafana" / "dashboards" / "vehicle-anomaly.json"


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    ran = subprocess.run(
        [str(PROJECT / ".ci" / "compose"), "config", "--format", "json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "docker compose is not here" in ran.stderr:
        pytest.skip(ran.stderr.strip())
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout)["services"])


def test_it_has_all_that_the_service_works_with(composed: dict[str, Any]) -> None:
    assert set(composed) == {"serve", "work", "setup", "aws", "collector", "prometheus", "grafana"}


def test_the_service_understands_what_it_is_told(composed: dict[str, Any]) -> None:
    serve = load_settings(composed["serve"]["environment"])
    work = load_settings(composed["work"]["environment"])
    assert serve.model_store == work.model_store == S3Store("models")
    assert work.request_queue_url != work.result_queue_url


def test_what_is_mounted_is_there(composed: dict[str, Any]) -> None:
    mounted = [Path(v["source"]) for s in composed.values() for v in s.get("volumes", [])]
    assert len(mounted) == 6
    assert all(source.exists() for source in mounted)


def test_nothing_listens_to_others_and_nothing_changes_by_itself(composed: dict[str, Any]) -> None:
    for name, service in composed.items():
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", name
        assert re.search(r":[\w.]*\d[\w.]*$|:local$", service["image"]), name


def test_the_service_runs_as_in_aws(composed: dict[str, Any]) -> None:
    for name in ("serve", "work"):
        assert composed[name]["read_only"] is True
        assert composed[name]["cap_drop"] == ["ALL"]
        assert composed[name]["tmpfs"] == ["/tmp"]
    drain = load_settings(composed["work"]["environment"]).worker_drain_seconds
    assert int(composed["work"]["stop_grace_period"].removesuffix("s")) > drain


def test_the_place_is_made_and_made_again(composed: dict[str, Any]) -> None:
    with aws_server() as server:
        environ = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **composed["setup"]["environment"],
            "AWS_ENDPOINT_URL": server,
        }
        for _ in range(2):
            subprocess.run([sys.executable, str(LOCAL / "make_place.py")], env=environ, check=True)
        client = {
            "endpoint_url": server,
            "region_name": environ["AWS_REGION"],
            "aws_access_key_id": "local",
            "aws_secret_access_key": "local",
        }
        buckets = boto3.client("s3", **client).list_buckets()["Buckets"]
        urls = boto3.client("sqs", **client).list_queues()["QueueUrls"]
    made = {bucket["Name"] for bucket in buckets}
    told = composed["work"]["environment"]
    assert {told["MODEL_BUCKET"], told["RESULT_PAYLOAD_BUCKET"]} == made
    queues = {url.rpartition("/")[2] for url in urls}
    for variable in ("REQUEST_QUEUE_URL", "RESULT_QUEUE_URL"):
        assert told[variable].rpartition("/")[2] in queues


def test_prometheus_asks_the_service_where_it_listens(composed: dict[str, Any]) -> None:
    told = yaml.safe_load((LOCAL / "prometheus.yaml").read_text())
    targets = [job["static_configs"][0]["targets"] for job in told["scrape_configs"]]
    port = composed["serve"]["ports"][0]["target"]
    worker_port = load_settings(composed["work"]["environment"]).metrics_port
    assert targets == [[f"serve:{port}"], [f"work:{worker_port}"]]
    assert {Path(v["source"]).name for v in composed["prometheus"]["volumes"]} >= set(told["rule_files"])


def test_grafana_finds_dashboard_and_source(composed: dict[str, Any]) -> None:
    provisioning = LOCAL / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    dashboard = json.loads(DASHBOARD.read_text())
    used = {target["datasource"]["uid"] for panel in dashboard["panels"] for target in panel["targets"]}
    assert used == {source["uid"]}
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "files.yaml").read_text())["providers"]
    mounts = {v["target"]: Path(v["source"]) for v in composed["grafana"]["volumes"]}
    assert mounts[provider["options"]["path"]] == DASHBOARD.parent
    home = composed["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/{DASHBOARD.name}"
