"""The page that leads from an empty account to a verdict says what is so."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.context import KEYS
from infra.deployment import VARIABLES
from infra.environments import ENVIRONMENTS
from tests.infra.conftest import PROJECT
from tests.infra.template import Templates
from vehicle_anomaly.adapters.inbound.keys.entries import decode_entries
from vehicle_anomaly.adapters.outbound.signatures import Signatures

PAGE = (PROJECT / "docs" / "deploy.md").read_text()


def test_every_context_key_is_told_and_no_other() -> None:
    table = PAGE.partition("| key | default")[2].partition("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines()[2:]]
    told = {key for row in rows for key in re.findall(r"`([a-z_]+)`", row)}
    assert told == set(KEYS)


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_defaults_are_those_of_the_table(name: str) -> None:
    row, place = ENVIRONMENTS[name], list(ENVIRONMENTS).index(name)

    def said(keys: str) -> str:
        (cells,) = re.findall(rf"^\| {keys} \| ([^|]+) \|", PAGE, flags=re.MULTILINE)
        return str(cells.split(" / ")[place].strip())

    assert said("`min_capacity`, `max_capacity`") == f"{row.min_capacity}, {row.max_capacity}"
    assert said("`worker_min_capacity`, `worker_max_capacity`") == (
        f"{row.worker_min_capacity}, {row.worker_max_capacity}"
    )
    assert said("`worker_messages_per_second`") == str(row.worker_messages_per_second)
    assert said("`log_level`") == f"`{row.log_level}`"


def test_the_secrets_that_are_made_are_those_that_tasks_read(templates: Templates, variant: str) -> None:
    made = set(re.findall(r"^secret ([a-z-]+) ", PAGE, flags=re.MULTILINE))
    environment = variant.partition("-")[0]
    (services,) = (t for name, t in templates.stacks.items() if name.endswith("services"))
    read = set(
        re.findall(rf"secret:vehicle-anomaly/{environment}/([a-z-]+)\"", str(services).replace("'", '"'))
    )
    assert read == made


def blocks() -> list[str]:
    return re.findall(r"^```sh\n(.+?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


COMMANDS = "\n".join(blocks())


def test_the_commands_are_a_shells(tmp_path: Path) -> None:
    parsed = subprocess.run(["bash", "-n"], input=COMMANDS, capture_output=True, text=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, "")


def test_the_keys_that_are_made_are_keys_of_the_service(tmp_path: Path) -> None:
    """The page's own commands, run; what comes out is read by the service's own parser."""
    if shutil.which("jq") is None:
        pytest.skip("no jq")
    (block,) = (b for b in blocks() if "keys new" in b)
    (tmp_path / ".venv").symlink_to(PROJECT / ".venv")
    told = "\nprintf '%s\\n' $SCORE_KEY $TRAIN_KEY $SMOKE_KEY $(key collector)"
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block + told],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    entries = {
        entry.sha256: set(entry.scopes) for entry in decode_entries((tmp_path / "keys.json").read_bytes())
    }
    scopes = [entries[hashlib.sha256(key.encode()).hexdigest()] for key in ran.stdout.split()]
    assert {"score"} <= scopes[0]
    assert {"train", "models:write"} <= scopes[1]
    assert scopes[2:] == [{"score"}, {"metrics"}]


def test_the_outputs_that_are_asked_for_are_told(templates: Templates) -> None:
    told = {
        (output, stack.rpartition("-")[2])
        for stack, template in templates.stacks.items()
        for output in template.get("Outputs", {})
    }
    asked = set(re.findall(r"\.ci/deployed \$ENVIRONMENT ([$\w{}]+)(?: (\w+))?", COMMANDS))
    (services,) = re.findall(r"for service in ([\w ]+); do", COMMANDS)
    asked |= {(f"{service}ServiceName", "") for service in services.split()}
    # What only a deployment says that names its commit.
    asked -= {("${service}ServiceName", ""), ("Revision", "")}
    assert len(asked) >= 8
    assert {(output, stack or "services") for output, stack in asked} <= told


def test_the_stacks_that_are_named_are_there(templates: Templates, variant: str) -> None:
    (named,) = re.findall(r"for stack in ([a-z ]+); do", COMMANDS)
    environment = variant.partition("-")[0]
    assert {f"vehicle-anomaly-{environment}-{stack}" for stack in named.split()} == set(templates.stacks)


def test_recipes_and_files_that_are_named_are_there() -> None:
    recipes = set(
        re.findall(r"^([a-z][a-z-]*)(?: \*\w+)?:", (PROJECT / "justfile").read_text(), re.MULTILINE)
    )
    named = {word for line in re.findall(r"just ([a-z][a-z -]*)", COMMANDS) for word in line.split()}
    assert named
    assert named <= recipes
    for path in set(re.findall(r"\.ci/[\w.]+", PAGE)):
        assert (PROJECT / path).exists()
    for path in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (PROJECT / "docs" / path).exists(), path


def test_variables_and_secrets_of_the_workflow_are_told_and_no_other() -> None:
    workflow = (PROJECT / ".github" / "workflows" / "deploy.yml").read_text()
    pipeline = PAGE.partition("## 6. The pipeline")[2].partition("\n## ")[0]
    said = set(re.findall(r"^say (\w+) ", pipeline, re.MULTILINE)) | set(
        re.findall(r"`([A-Z_]+)`", pipeline.partition("say nothing")[2])
    )
    assert said == set(re.findall(r"vars\.(\w+)", workflow))
    secrets = set(re.findall(r"secrets\.(\w+)", workflow)) - {"GITHUB_TOKEN"}
    assert set(re.findall(r"gh secret set (\w+)", pipeline)) == secrets


def test_variables_that_are_exported_are_read() -> None:
    lines = "\n".join(re.findall(r"^export (.+)$", COMMANDS, re.MULTILINE))
    exported = set(re.findall(r"(?:^| )([A-Z_]+)=", lines, re.MULTILINE))
    # What the app is told, what the smoke test reads, and what the page's own commands do.
    known = {*VARIABLES.values(), "SERVICE_URL", "SMOKE_KEY"}
    assert all(re.search(rf"\${name}\b", COMMANDS) for name in exported - known)
    assert {"IMAGE_URI", "CERTIFICATE_ARN", "SERVICE_URL", "AWS_REGION", "ENVIRONMENT"} <= exported


def test_the_role_is_trusted_by_one_environment_of_one_repository() -> None:
    documents = [json.loads(d) for d in re.findall(r'"\$\(cat <<END\n(.+?)\nEND', COMMANDS, re.DOTALL)]
    trust, permissions = documents
    (statement,) = trust["Statement"]
    subject = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert subject == "repo:$REPOSITORY:environment:$ENVIRONMENT"
    branch = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:ref"]
    assert branch == "refs/heads/main"
    assert "*" not in json.dumps(trust)
    assumed, described = permissions["Statement"]
    assert not any("*" in resource for resource in assumed["Resource"])
    used = set(re.findall(r"aws cloudformation ([a-z-]+)", (PROJECT / ".ci" / "deployed").read_text()))
    allowed = {re.sub(r"(?<!^)([A-Z])", r"-\1", a.partition(":")[2]).lower() for a in described["Action"]}
    assert used == allowed
    assert "deployment-branch-policies -f name=main" in COMMANDS


def test_the_cdks_command_line_is_the_pinned_one() -> None:
    pinned = re.findall(r"aws-cdk@([\d.]+)", (PROJECT / ".ci" / "cdk").read_text())
    assert re.findall(r"aws-cdk@([\d.]+)", PAGE) == pinned


def test_what_it_costs_is_what_the_decision_says() -> None:
    decision = (PROJECT / "ADRs" / "0075-what-it-costs.md").read_text()
    amount = r"\*\*([\d,]+)\*\* \|"
    (row,) = re.findall(rf"^\| \*\*together\*\* \| {amount} {amount} {amount}", decision, re.MULTILINE)
    assert all(dollars in PAGE for dollars in row)
    hours, cpu, gigabyte = 730, 0.04048, 0.004445
    prod = ENVIRONMENTS["prod"]

    def tasks(count: int, size: object) -> float:
        processors, memory = size.cpu / 1024, size.memory_mib / 1024  # type: ignore[attr-defined]
        return float(count * hours * (processors * cpu + memory * gigabyte))

    computed = (
        tasks(prod.min_capacity, prod.api_size),
        tasks(1, prod.trainer_size),
        tasks(prod.worker_min_capacity, prod.worker_size),
    )
    for dollars in computed:
        assert f"| {dollars:.2f} |" in decision


def test_the_sums_of_what_it_costs_are_right() -> None:
    decision = (PROJECT / "ADRs" / "0075-what-it-costs.md").read_text()
    fixed = decision.partition("## `prod`, whatever the load")[2].partition("\n## ")[0]
    amounts = [float(x) for x in re.findall(r"\| ([\d.]+) \|$", fixed, flags=re.MULTILINE)]
    (together,) = re.findall(r"\*\*together\*\* \| \| \*\*(\d+)\*\*", fixed)
    assert round(sum(amounts)) == int(together)
    load = decision.partition("## By load")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| [^|*]+ \| ([\d,.]+) \| ([\d,.]+) \| ([\d,.]+) \|$", load, flags=re.MULTILINE)
    *parts, without_log = [[float(cell.replace(",", "")) for cell in row] for row in rows]
    (said,) = re.findall(
        r"\*\*together\*\* \| \*\*([\d,]+)\*\* \| \*\*([\d,]+)\*\* \| \*\*([\d,]+)\*\*", load
    )
    log_lines = 1
    for column, total in enumerate(said):
        whole = sum(part[column] for part in parts)
        # Each part is rounded to a tenth.
        assert abs(whole - int(total.replace(",", ""))) < 1
        assert abs(whole - parts[log_lines][column] - without_log[column]) < 1
    assert abs(sum(amounts) - parts[0][0]) < 0.1


def test_as_many_metrics_stand_in_alarms_as_are_paid_for(production: Templates) -> None:
    decision = (PROJECT / "ADRs" / "0075-what-it-costs.md").read_text()
    told = sum(
        sum("MetricStat" in m for m in alarm["Metrics"]) if "Metrics" in alarm else 1
        for alarm in production.all("AWS::CloudWatch::Alarm")
    )
    # Each target that is tracked makes an alarm for more and one for less.
    tracked = 2 * sum(
        policy["PolicyType"] == "TargetTrackingScaling"
        for policy in production.all("AWS::ApplicationAutoScaling::ScalingPolicy")
    )
    assert f"| {told + tracked} × 0.10 | {(told + tracked) * 0.1:.2f} |" in decision


def test_the_signing_key_that_is_made_is_one_that_the_service_takes() -> None:
    """By the page's own command, and the service's own reading of the variable."""
    (command,) = re.findall(r"^secret model-signing-key \"\$\((.+)\)\"$", PAGE, flags=re.MULTILINE)
    for _ in range(3):
        made = subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout.strip()
        # Raises what a task would not start with.
        Signatures.of(made)
