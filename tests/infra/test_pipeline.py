"""The workflows and the scripts that they call, each run for real where that needs neither GitHub nor AWS."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.context import KEYS
from infra.deployment import VARIABLES
from tests.fakes import FixedClock, a_batch
from tests.infra.conftest import PROJECT, PYTHON
from tests.infra.template import Templates
from tests.service_process import service_process
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> dict[Any, Any]:
    return dict(yaml.safe_load(request.param.read_text()))


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


def test_there_is_one_for_each_purpose() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "deploy", "release"]


def test_actions_are_pinned_by_commit_with_their_version_beside() -> None:
    for path in WORKFLOWS:
        for line in path.read_text().splitlines():
            if "uses:" in line and "uses: $/" not in line:
                assert re.search(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_nothing_is_permitted_but_what_a_job_asks_for(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {}
    assert "group" in workflow["concurrency"]
    for job in workflow["jobs"].values():
        assert job["permissions"]
        # What a job calls has a timeout of its own.
        assert "uses" in job or job["timeout-minutes"] <= 60
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
    order = [
        "context", "remember what runs now", "synth", "diff", "deploy", "smoke test",
        "fetch what ran before", "roll back",
    ]  # fmt: skip
    assert [name for name in names if name in order] == order
    image = deploy["jobs"]["image"]["steps"][-2]["with"]
    assert (image["provenance"], image["sbom"]) == ("mode=max", True)
    assert "latest" in image["tags"]


def deploy_workflow() -> dict[str, Any]:
    return dict(yaml.safe_load((PROJECT / ".github/workflows/deploy.yml").read_text())["jobs"])


def test_nothing_is_built_or_deployed_that_ci_has_not_passed() -> None:
    jobs = deploy_workflow()
    (gate,) = (name for name, job in jobs.items() if job.get("uses") == "$/.github/workflows/ci.yml")
    assert jobs["image"]["needs"] == gate
    assert jobs["deploy"]["needs"] == "image"
    # Without `if`, a job whose needs failed is skipped.
    assert not any("if" in job for job in jobs.values())
    ci = yaml.safe_load((PROJECT / ".github/workflows/ci.yml").read_text())
    assert "workflow_call" in ci[True]


def test_no_checks_of_a_deployment_are_broken_off_or_wait_for_those_of_another() -> None:
    """Of those that wait in one group, GitHub keeps the last; called, a workflow has the caller's context."""
    concurrency = yaml.safe_load((PROJECT / ".github/workflows/ci.yml").read_text())["concurrency"]
    assert concurrency == {
        "group": "ci-${{ github.event_name == 'pull_request' && github.ref || github.run_id }}",
        "cancel-in-progress": "${{ github.event_name == 'pull_request' }}",
    }


def test_latest_is_what_main_says() -> None:
    """A run by hand from a branch leaves it where it is."""
    (build,) = (s for s in deploy_workflow()["image"]["steps"] if s.get("id") == "build")
    (latest,) = (line for line in build["with"]["tags"].splitlines() if "latest" in line)
    assert latest.startswith("${{ github.ref == 'refs/heads/main' && ")
    assert latest.endswith(" || '' }}")


def test_the_deployment_can_say_every_context_key() -> None:
    said = deploy_workflow()["deploy"]["env"]
    assert set(VARIABLES.values()) | {"SERVICE_URL"} == set(said)
    from_the_run = {"ENVIRONMENT", "IMAGE_URI", "REVISION"}
    assert all(value == f"${{{{ vars.{name} }}}}" for name, value in said.items() if name not in from_the_run)


def test_what_is_gone_back_to_is_image_and_templates_of_before() -> None:
    found = {step.get("name"): step for step in deploy_workflow()["deploy"]["steps"]}
    fetched, back = found["fetch what ran before"], found["roll back"]
    assert fetched["with"]["ref"] == "${{ steps.before.outputs.revision }}"
    assert back["working-directory"] == fetched["with"]["path"]
    assert back["env"] == {
        "IMAGE_URI": "${{ steps.before.outputs.image }}",
        "REVISION": "${{ steps.before.outputs.revision }}",
    }


def test_tools_are_installed_by_hash_where_there_are_credentials() -> None:
    for script in (".ci/run", ".github/workflows/deploy.yml"):
        (line,) = (
            t
            for t in (PROJECT / script).read_text().splitlines()
            if 'pip" install' in t or "pip install" in t
        )
        assert "--require-hashes -r requirements-tools.txt" in line
    locked = (PROJECT / "requirements-tools.txt").read_text()
    assert re.findall(r"^([a-z-]+)==", locked, flags=re.MULTILINE) == ["rust-just", "uv"]


@pytest.mark.parametrize("user", [0, 1001])
@pytest.mark.parametrize("tool", ["sudo", "no sudo"])
def test_what_tests_need_is_installed_by_root_or_as_root(tmp_path: Path, user: int, tool: str) -> None:
    """The script itself, up to where it would fetch the tools; a user without sudo is refused by apt-get."""
    for real in ("bash", "dirname", "env", "mktemp", "rm"):
        (tmp_path / real).symlink_to(shutil.which(real) or pytest.skip(f"no {real}"))
    fakes = {
        "id": f"echo ${{USER_ID:-{user}}}",
        "apt-get": 'echo "$(id) $DEBIAN_FRONTEND apt-get $*" >>"$TOLD"; [ "$(id)" = 0 ]',
        "python3": "exit 42",
    }
    if tool == "sudo":
        fakes["sudo"] = '[ "$1" = --non-interactive ] || exit 1; shift; USER_ID=0 exec "$@"'
    for name, body in fakes.items():
        (tmp_path / name).write_text(f"#!{tmp_path / 'bash'}\n{body}\n")
        (tmp_path / name).chmod(0o755)
    told = tmp_path / "told"
    ran = run(".ci/run", PATH=str(tmp_path), TOLD=str(told))
    assert ran.returncode == 42
    install = "install -y -qq --no-install-recommends"
    if user == 0 or tool == "sudo":
        assert told.read_text().splitlines() == [
            f"0 noninteractive apt-get {what}"
            for needed in ("chromium", "prometheus")
            for what in ("update -qq", f"{install} {needed}")
        ]
        assert ran.stdout == ""
    else:
        assert ran.stdout.splitlines() == [
            f"no {needed}: the tests with it will be skipped" for needed in ("chromium", "prometheus")
        ]


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)


def test_the_smoke_test_passes_on_a_service_that_has_no_model_yet(tmp_path: Path) -> None:
    with service_process(tmp_path) as url:
        asked = run(sys.executable, ".ci/smoke.py", url)
    assert (asked.returncode, asked.stdout) == (0, f"{url} lives and scores\n")


def test_the_smoke_test_passes_on_a_model_of_other_features(tmp_path: Path) -> None:
    TrainModel(FilesystemModels(tmp_path), FixedClock(), ForestParameters(10))(TrainModelCommand(a_batch()))
    with service_process(tmp_path) as url:
        asked = run(sys.executable, ".ci/smoke.py", url)
    assert (asked.returncode, asked.stdout) == (0, f"{url} lives and scores\n")


def test_the_smoke_test_fails_on_a_service_that_takes_no_reading(tmp_path: Path) -> None:
    """One that lives, and finds each reading too large."""
    with service_process(tmp_path, MAX_BODY_BYTES="1") as url:
        asked = run(sys.executable, ".ci/smoke.py", url, SMOKE_PAUSE_SECONDS="0")
    assert asked.returncode == 1
    assert "413" in asked.stderr


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


DEPLOYMENT = {
    "CDK": "echo",
    "AWS_REGION": "eu-central-1",
    "ENVIRONMENT": "prod",
    "IMAGE_URI": "ghcr.io/example/vehicle-anomaly:3f2a1c9",
}
CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"


def cdk(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    if not PYTHON.exists():
        pytest.skip("the CDK is not here: `just setup-infra` makes .venv-infra")
    return run(".ci/cdk", *words, **DEPLOYMENT, **variables)


def test_the_context_is_what_the_deployment_says_and_no_more() -> None:
    said = cdk("deploy", "--all", ALARM_EMAIL="")
    assert said.stdout.split() == [
        "deploy", "--all", "--context", "environment=prod", "--context", "region=eu-central-1",
        "--context", "image_uri=ghcr.io/example/vehicle-anomaly:3f2a1c9",
    ]  # fmt: skip


def test_every_context_key_can_be_said_by_a_variable() -> None:
    value = {
        "account": "123456789012", "adot_image": "example.org/collector:1", "certificate_arn": CERTIFICATE,
        "container_port": "9000", "desired_count": "3", "min_capacity": "2", "max_capacity": "9",
        "worker_min_capacity": "0", "worker_max_capacity": "5", "worker_messages_per_second": "10",
        "allowed_hosts": "api.example.org", "cors_origins": "https://app.example.org",
        "log_level": "WARNING", "alarm_email": "oncall@example.org", "revision": "0" * 40,
        "image_credentials_arn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:registry-a1B2c3",
    }  # fmt: skip
    said = cdk(
        "synth",
        SERVICE_URL="https://api.example.org",
        **{VARIABLES[key]: text for key, text in value.items()},
    )
    assert said.stderr == ""
    words = said.stdout.split()
    told = dict(word.split("=", 1) for word in words if "=" in word)
    assert set(told) == set(KEYS)
    assert told.items() >= value.items()


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("MAX_CAPACITY", {"MAX_CAPACITY": "many"}),
        ("IMAGE_URI", {"IMAGE_URI": ""}),
        ("AWS_REGION", {"AWS_REGION": ""}),
        ("SERVICE_URL", {"CERTIFICATE_ARN": CERTIFICATE}),
        ("SERVICE_URL", {"CERTIFICATE_ARN": CERTIFICATE, "SERVICE_URL": "http://api.example.org"}),
        ("SERVICE_URL", {"ALLOWED_HOSTS": "api.example.org"}),
    ],
)
def test_what_would_fail_later_stops_before_anything_is_deployed(
    name: str, variables: dict[str, str]
) -> None:
    if not PYTHON.exists():
        pytest.skip("the CDK is not here: `just setup-infra` makes .venv-infra")
    said = run(".ci/cdk", "deploy", "--all", **{**DEPLOYMENT, **variables})
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"{name}: expected ")
    assert said.stderr.count("\n") == 1


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
    assert outputs.get("Revision", {}).get("Value") == ("0" * 40 if variant == "prod-https" else None)
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


def test_the_version_of_today_can_be_released() -> None:
    """Its section is there, and is what the workflow would take out of the real file."""
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    changelog = (PROJECT / "CHANGELOG.md").read_text()
    found = subprocess.run(
        [sys.executable, ".ci/release_notes.py", f"v{version}"],
        cwd=PROJECT, input=changelog, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("### ")
    assert found.stdout in changelog
    assert "\n## " not in found.stdout
    assert re.search(rf"^## {re.escape(version)} - \d{{4}}-\d{{2}}-\d{{2}}$", changelog, re.MULTILINE)


def test_a_version_that_the_changelog_does_not_know_is_not_released() -> None:
    found = subprocess.run(
        [sys.executable, ".ci/release_notes.py", "v1.2"],
        cwd=PROJECT, input=CHANGELOG, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 1
    assert found.stderr == "CHANGELOG.md says nothing of 1.2\n"
