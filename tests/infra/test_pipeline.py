"""The workflows and the scripts that they call, each run for real where that needs neither GitHub nor AWS."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.context import KEYS
from tests.infra.conftest import PROJECT
from tests.infra.template import Templates
from tests.service_process import service_process

WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> dict[Any, Any]:
    return dict(yaml.safe_load(request.param.read_text()))


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_is_one_for_each_purpose() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "deploy", "release"]


def test_actions_are_pinned_by_commit_with_their_version_beside() -> None:
    for path in WORKFLOWS:
        for line in path.read_text().splitlines():
            if "uses:" in line:
                assert re.search(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_nothing_is_permitted_but_what_a_job_asks_for(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {}
    assert "group" in workflow["concurrency"]
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"] <= 60
        assert "write-all" not in job["permissions"]


def test_no_checkout_leaves_a_token_behind(workflow: dict[Any, Any]) -> None:
    for step in steps(workflow):
        if str(step.get("uses", "")).startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_ci_runs_what_developers_run_on_every_python() -> None:
    ci = yaml.safe_load((PROJECT / ".github/workflows/ci.yml").read_text())
    assert ci["jobs"]["check"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert steps(ci)[-1]["run"] == "bash .ci/run"


def test_a_deployment_synthesises_differs_deploys_asks_and_can_go_back() -> None:
    deploy = yaml.safe_load((PROJECT / ".github/workflows/deploy.yml").read_text())
    names = [step.get("name") for step in deploy["jobs"]["deploy"]["steps"]]
    order = ["remember what runs now", "synth", "diff", "deploy", "smoke test", "roll back"]
    assert [name for name in names if name in order] == order
    image = deploy["jobs"]["image"]["steps"][-2]["with"]
    assert (image["provenance"], image["sbom"]) == ("mode=max", True)
    assert "latest" in image["tags"]


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)


def test_the_smoke_test_passes_on_a_service_that_has_no_model_yet(tmp_path: Path) -> None:
    with service_process(tmp_path) as url:
        asked = run(sys.executable, ".ci/smoke.py", url)
    assert (asked.returncode, asked.stdout) == (0, f"{url} lives and scores\n")


def test_the_smoke_test_fails_where_nobody_answers() -> None:
    asked = run(sys.executable, ".ci/smoke.py", "http://127.0.0.1:9", SMOKE_PAUSE_SECONDS="0")
    assert asked.returncode == 1
    assert asked.stderr.count("\n") == 1


def test_the_smoke_test_fails_where_it_may_not_score(tmp_path: Path) -> None:
    """A service that asks for keys, and a deployment that has none to show."""
    with service_process(tmp_path, AUTH="on", API_KEYS=_some_key()) as url:
        asked = run(sys.executable, ".ci/smoke.py", url, SMOKE_PAUSE_SECONDS="0")
    assert asked.returncode == 1
    assert "401" in asked.stderr


def _some_key() -> str:
    return '[{"id": "someone", "sha256": "' + "0" * 64 + '", "scopes": ["score"]}]'


def test_the_context_is_what_the_deployment_says_and_no_more() -> None:
    said = run(
        ".ci/cdk", "deploy", "--all",
        CDK="echo", AWS_REGION="eu-central-1", ENVIRONMENT="prod",
        IMAGE_URI="ghcr.io/example/vehicle-anomaly@sha256:0", ALARM_EMAIL="",
    )  # fmt: skip
    assert said.stdout.split() == [
        "deploy", "--all", "--context", "environment=prod",
        "--context", "image_uri=ghcr.io/example/vehicle-anomaly@sha256:0",
    ]  # fmt: skip
    script = (PROJECT / ".ci" / "cdk").read_text()
    assert set(re.findall(r'--context "(\w+)=', script)) <= set(KEYS)


def test_the_app_writes_where_the_cdks_command_line_looks(synthesised: Path) -> None:
    """It starts the app in `infra` with a relative folder, and reads that."""
    app = json.loads((PROJECT / "infra" / "cdk.json").read_text())["app"]
    context = {
        "environment": "dev",
        "region": "eu-central-1",
        "image_uri": "ghcr.io/example/vehicle-anomaly:1",
    }
    environ = {**os.environ, "CDK_OUTDIR": "cdk.out", "CDK_CONTEXT_JSON": json.dumps(context)}
    folder = PROJECT / "infra" / "cdk.out"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        subprocess.run(["sh", "-c", app], cwd=PROJECT / "infra", env=environ, check=True, timeout=240)
        assert (folder / "manifest.json").exists()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_what_a_deployment_goes_back_to_is_an_output(templates: Templates, variant: str) -> None:
    (outputs,) = (t["Outputs"] for name, t in templates.stacks.items() if name.endswith("services"))
    assert outputs["ImageUri"]["Value"] == "ghcr.io/example/vehicle-anomaly:0000000"
    scheme = "https://" if variant.endswith("https") else "http://"
    assert outputs["Url"]["Value"]["Fn::Join"][1][0] == scheme


CHANGELOG = "# Changelog\n\n## Unreleased\n\n- later\n\n## 1.2.0 - 2026-11-25\n\n- new\n\n## 1.1.0\n\n- old\n"


@pytest.mark.parametrize(("tag", "notes"), [("v1.2.0", "- new\n"), ("v1.1.0", "- old\n")])
def test_release_notes_are_the_section_of_the_version(tag: str, notes: str) -> None:
    found = subprocess.run(
        [sys.executable, ".ci/release_notes.py", tag],
        cwd=PROJECT, input=CHANGELOG, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (0, notes)


def test_a_version_that_the_changelog_does_not_know_is_not_released() -> None:
    found = subprocess.run(
        [sys.executable, ".ci/release_notes.py", "v1.2"],
        cwd=PROJECT, input=CHANGELOG, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 1
    assert found.stderr == "CHANGELOG.md says nothing of 1.2\n"
