"""The dashboard and the alerts, held to a real Prometheus that scrapes a real service and a real worker."""

import json
import re
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from tests.adapters.inbound.http.service import BATCH, READING
from tests.adapters.inbound.sqs.conftest import INGEST, SCORE
from tests.infra.conftest import PROJECT
from tests.queues import COMMAND, Queues, make_queues, wait_until
from tests.service_process import service_process

LOCAL = PROJECT / "infra" / "local"
DASHBOARD = LOCAL / "grafana" / "dashboards" / "vehicle-anomaly.json"
ALERTS = LOCAL / "alerts.yaml"
_OURS = re.compile(r"\b(?:http_server|vehicle_anomaly)_\w+")

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="prometheus and promtool are not here: apt-get install prometheus",
)


def _expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    shown = [target["expr"] for panel in panels for target in panel["targets"]]
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return shown + [rule["expr"] for group in groups for rule in group["rules"]]


class _Prometheus:
    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, path: str, **query: str) -> Any:
        """Ask its API; None while it is not up yet."""
        try:
            with urllib.request.urlopen(
                f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
            ) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def result(self, expression: str) -> list[Any]:
        """Evaluate an expression now."""
        found = self.get("query", query=expression)
        return [] if found is None else list(found["result"])


@contextmanager
def _prometheus(folder: Path, targets: dict[str, str]) -> Iterator[_Prometheus]:
    told = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in targets.items()
        ],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(told))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.yaml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as started:
        try:
            yield _Prometheus(f"http://{address}")
        finally:
            started.kill()


@contextmanager
def _worker(queues: Queues, store: Path, environment: dict[str, str]) -> Iterator[str]:
    own = queues.environment(
        METRICS_PORT="0",
        MODEL_ARTIFACT_DIR=str(store),
        N_ESTIMATORS="10",
        WORKER_RETRY_SECONDS="0",
        **environment,
    )
    with subprocess.Popen([str(COMMAND), "work"], env=own, stderr=subprocess.PIPE, text=True) as started:
        try:
            assert started.stderr is not None
            line = next(json.loads(each) for each in started.stderr if '"metrics"' in each)
            yield urlsplit(line["url"]).netloc
        finally:
            started.kill()


def test_the_rules_are_rules() -> None:
    ran = subprocess.run(
        ["promtool", "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_alerts_fire_when_they_should_and_only_then() -> None:
    tests = str(LOCAL / "alerts_test.yaml")
    ran = subprocess.run(["promtool", "test", "rules", tests], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_all_that_dashboard_and_alerts_name_is_in_a_prometheus_that_scrapes(
    tmp_path: Path, aws_environment: dict[str, str]
) -> None:
    queues = make_queues()
    store = tmp_path / "models"
    with (
        service_process(store, N_ESTIMATORS="10") as url,
        _worker(queues, store, aws_environment) as worker,
        _prometheus(
            tmp_path, {"vehicle-anomaly": urlsplit(url).netloc, "vehicle-anomaly-worker": worker}
        ) as prometheus,
    ):
        httpx.post(f"{url}/ingest", json=BATCH, trust_env=False, timeout=60)
        httpx.post(f"{url}/score", json=READING, trust_env=False, timeout=60)
        queues.send(INGEST)
        queues.send(SCORE)
        queues.send("no request")
        queues.take_dead_letters(1)
        wait_until(lambda: len(prometheus.result("up == 1")) == 2)
        expressions = _expressions()
        named = {name for expression in expressions for name in _OURS.findall(expression)}
        assert len(named) > 12
        for name in sorted(named):
            wait_until(lambda name=name: bool(prometheus.result(name)))  # type: ignore[misc]
        labels = set(prometheus.get("labels"))
        for expression in expressions:
            plain = expression.replace("$__rate_interval", "1m").replace("$route", ".*")
            assert prometheus.get("query", query=plain) is not None, expression
            used = {
                label.strip()
                for grouped in re.findall(r"by \(([^)]*)\)", plain)
                for label in grouped.split(",")
            } | set(re.findall(r"[{,]\s*(\w+)(?:=|!)", plain))
            assert used <= labels, expression
        wait_until(lambda: _healths(prometheus) == {"ok"})
        known = {rule["name"] for group in prometheus.get("rules")["groups"] for rule in group["rules"]}
    page = (PROJECT / "docs" / "observability.md").read_text()
    assert {name for name in known if f"`{name}`" not in page} == set()
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in named}
    assert {name for name in shown if f"`{name}`" not in page} == set()


def _healths(prometheus: _Prometheus) -> set[str]:
    groups = prometheus.get("rules")["groups"]
    return {rule["health"] for group in groups for rule in group["rules"]}
