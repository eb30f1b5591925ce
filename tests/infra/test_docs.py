"""The page that leads from an empty account to a verdict says what is so."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from infra.context import KEYS
from infra.deployment import VARIABLES
from infra.environments import ENVIRONMENTS, Size
from tests.infra.conftest import PROJECT
from tests.infra.template import Templates
from vehicle_anomaly.adapters.inbound.keys.entries import decode_entries
from vehicle_anomaly.adapters.inbound.sqs.metrics import QueueMetrics
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
    for path in re.findall(r"\]\((?!https:)([^)#]+)\)", PAGE):
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
    subjects = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    # One and the same, in both of the ways in which GitHub may tell it.
    assert subjects == [
        "repo:$NUMBERED:environment:$ENVIRONMENT",
        "repo:$REPOSITORY:environment:$ENVIRONMENT",
    ]
    branch = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:ref"]
    assert branch == "refs/heads/main"
    assert "*" not in json.dumps(trust)
    assumed, described = permissions["Statement"]
    assert not any("*" in resource for resource in assumed["Resource"])
    used = set(re.findall(r"aws cloudformation ([a-z-]+)", (PROJECT / ".ci" / "deployed").read_text()))
    allowed = {re.sub(r"(?<!^)([A-Z])", r"-\1", a.partition(":")[2]).lower() for a in described["Action"]}
    assert used == allowed
    assert "deployment-branch-policies -f name=main" in COMMANDS


def test_the_repository_is_numbered_as_github_numbers_it() -> None:
    """By the page's own filter, over what GitHub answers."""
    if shutil.which("jq") is None:
        pytest.skip("no jq")
    (asked,) = re.findall(r"^NUMBERED=\$\(gh api repos/\$REPOSITORY --jq '(.+)'\)$", COMMANDS, re.MULTILINE)
    answer = {
        "id": 456789, "name": "my-repo", "full_name": "octocat/my-repo",
        "owner": {"login": "octocat", "id": 123456},
    }  # fmt: skip
    told = subprocess.run(
        ["jq", "--raw-output", asked], input=json.dumps(answer), capture_output=True, text=True, check=True
    )
    assert told.stdout == "octocat@123456/my-repo@456789\n"


def test_the_image_made_by_hand_is_told_what_the_pipelines_is() -> None:
    """Its source above all, which links the package: else the pipeline may not push to it."""
    workflow = (PROJECT / ".github" / "workflows" / "deploy.yml").read_text()
    arguments = workflow.partition("build-args: |\n")[2].partition("provenance:")[0]
    by_pipeline = set(re.findall(r"^ +([A-Z]+)=", arguments, re.MULTILINE))
    by_hand = dict(re.findall(r"--build-arg ([A-Z]+)=(\S+)", COMMANDS))
    assert set(by_hand) == by_pipeline - {"CREATED"}
    assert by_hand["SOURCE"] == "https://github.com/$REPOSITORY"
    declared = re.findall(r"^ARG ([A-Z_]+)", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(by_hand) <= set(declared)


def test_what_is_made_by_hand_is_taken_down_by_hand() -> None:
    down = PAGE.partition("## 8. Tear down")[2].partition("\n## ")[0]
    made = set(re.findall(r"^secret ([a-z-]+) ", PAGE, flags=re.MULTILINE))
    (deleted,) = re.findall(r"for name in ([a-z -]+); do", down)
    assert set(deleted.split()) == made
    above = PAGE.partition("## 8. Tear down")[0]
    for thing in ("role", "open-id-connect-provider"):
        assert f"aws iam create-{thing} " in above
        assert f"aws iam delete-{thing} " in down
    for role in re.findall(r"^ROLE=(.+)$", down, re.MULTILINE):
        assert f"\nROLE={role}\n" in above


def test_the_cdks_command_line_is_the_pinned_one() -> None:
    pinned = re.findall(r"aws-cdk@([\d.]+)", (PROJECT / ".ci" / "cdk").read_text())
    assert re.findall(r"aws-cdk@([\d.]+)", PAGE) == pinned


DECISION = (PROJECT / "ADRs" / "0075-what-it-costs.md").read_text()
FIXED = DECISION.partition("## `prod`, whatever the load")[2].partition("\n## ")[0]
LOAD = DECISION.partition("## By load")[2].partition("\n## ")[0]
HOURS = 730
RATES = (1, 100, 10_000)
_REGISTRY = CollectorRegistry()
QueueMetrics(_REGISTRY)
QUEUE_METRICS = len(list(_REGISTRY.collect()))


def tasks(count: int, size: Size) -> float:
    """Return what tasks of a size cost in a month."""
    return count * HOURS * (size.cpu / 1024 * 0.04048 + size.memory_mib / 1024 * 0.004445)


def by_load() -> dict[str, list[float]]:
    """Return the rows of what depends on the load: words → dollars at each rate."""
    rows = re.findall(r"^\| ([^|*]+) \| ([\d,.]+) \| ([\d,.]+) \| ([\d,.]+) \|$", LOAD, flags=re.MULTILINE)
    return {words: [float(cell.replace(",", "")) for cell in cells] for words, *cells in rows}


def test_what_it_costs_is_what_the_decision_says() -> None:
    amount = r"\*\*([\d,]+)\*\* \|"
    (row,) = re.findall(rf"^\| \*\*together\*\* \| {amount} {amount} {amount}", DECISION, re.MULTILINE)
    told = PAGE.partition("## What it costs")[2].partition("\n## ")[0]
    *_, warning = by_load().values()
    assert all(dollars in told for dollars in (*row, f"{warning[-1]:,.0f}"))
    prod = ENVIRONMENTS["prod"]
    computed = (
        tasks(prod.min_capacity, prod.api_size),
        tasks(1, prod.trainer_size),
        tasks(prod.worker_min_capacity, prod.worker_size),
    )
    for dollars in computed:
        assert f"| {dollars:.2f} |" in DECISION


def test_the_sums_of_what_it_costs_are_right() -> None:
    amounts = [float(x) for x in re.findall(r"\| ([\d.]+) \|$", FIXED, flags=re.MULTILINE)]
    (together,) = re.findall(r"\*\*together\*\* \| \| \*\*(\d+)\*\*", FIXED)
    assert round(sum(amounts)) == int(together)
    (said,) = re.findall(
        r"\*\*together\*\* \| \*\*([\d,]+)\*\* \| \*\*([\d,]+)\*\* \| \*\*([\d,]+)\*\*", LOAD
    )
    parts = by_load()
    without_log = parts.pop("the same with `log_level=WARNING`")
    for column, total in enumerate(said):
        whole = sum(part[column] for part in parts.values())
        lines = sum(part[column] for words, part in parts.items() if words.startswith("lines of log"))
        # Each part is rounded to a tenth.
        assert abs(whole - int(total.replace(",", ""))) < 1
        assert abs(whole - lines - without_log[column]) < 1
    (fixed,) = (part for words, part in parts.items() if words.startswith("fixed"))
    assert abs(sum(amounts) - fixed[0]) < 0.1


@pytest.mark.parametrize(
    ("words", "dollars_a_gigabyte"),
    [
        ("lines of log, (294) B each", 0.50),
        ("lines of log through NAT gateways, (345) B each", 0.045),
        ("lines of log kept for three months, (294) B each, packed", 3 * 0.15 * 0.03),
        ("out to the internet, (385) B each", 0.09),
        ("LCU, (735) B each", 0.008),
        ("access logs, about (80) B each packed, kept for three months", 3 * 0.023),
    ],
)
def test_what_a_reading_costs_is_bytes_by_price(words: str, dollars_a_gigabyte: float) -> None:
    ((found, said),) = ((m, row) for name, row in by_load().items() if (m := re.fullmatch(words, name)))
    gigabytes = int(found[1]) * HOURS * 3600 / 1e9
    assert said == [round(rate * gigabytes * dollars_a_gigabyte, 1) for rate in RATES]


def test_what_traces_and_flow_logs_cost_is_count_by_price() -> None:
    rows = by_load()
    traces = [rate * HOURS * 3600 / 1000 for rate in RATES]
    assert rows["traces, one in a thousand, 2,000 B each through NAT gateways"] == [
        round(count * (5 / 1e6 + 2000 / 1e9 * 0.045), 1) for count in traces
    ]
    records = [(2 * callers + 300) * HOURS * 60 for callers in RATES]
    assert rows["flow logs, two records of 144 B a minute and caller, and 300"] == [
        round(count * 144 / 1e9 * 0.50, 1) for count in records
    ]


def test_what_dev_costs_is_its_tasks_and_one_gateway() -> None:
    dev = ENVIRONMENTS["dev"]
    ((awake, counted),) = re.findall(r"which keeps its queue awake .+? \(([\d.]+) and ([\d.]+),", FIXED)
    # Fifty minutes a day; a month has 730 hours.
    assert round(tasks(1, dev.worker_size) * 50 / (24 * 60), 2) == float(awake)
    # A load balancer with its two addresses, a gateway with its own, the endpoint, and what else is fixed.
    hourly = 0.0225 + 2 * 0.005 + dev.nat_gateways * (0.045 + 0.005) + 2 * 0.01
    together = tasks(1, dev.api_size) + tasks(1, dev.trainer_size) + HOURS * hourly + 2.50 + 19.00
    # Metrics are paid for by the hour in which they are told.
    assert round(QUEUE_METRICS * 0.30 * 5 / 24, 2) == float(counted)
    (said,) = re.findall(r"`dev`: about (\d+)\.", FIXED)
    assert round(together + float(awake) + float(counted)) == int(said)
    assert f"{said} for `dev`" in PAGE


def test_as_many_metrics_of_the_queue_are_paid_for_as_a_worker_tells() -> None:
    assert f", {QUEUE_METRICS} of the queue's {QUEUE_METRICS * 0.30:.2f} |" in FIXED


def test_as_many_metrics_stand_in_alarms_as_are_paid_for(production: Templates) -> None:
    told = sum(
        sum("MetricStat" in m for m in alarm["Metrics"]) if "Metrics" in alarm else 1
        for alarm in production.all("AWS::CloudWatch::Alarm")
    )
    # Each target that is tracked makes an alarm for more and one for less.
    tracked = 2 * sum(
        policy["PolicyType"] == "TargetTrackingScaling"
        for policy in production.all("AWS::ApplicationAutoScaling::ScalingPolicy")
    )
    assert f"| {told + tracked} × 0.10 | {(told + tracked) * 0.1:.2f} |" in DECISION


def test_the_signing_key_that_is_made_is_one_that_the_service_takes() -> None:
    """By the page's own command, and the service's own reading of the variable."""
    (command,) = re.findall(r"^secret model-signing-key \"\$\((.+)\)\"$", PAGE, flags=re.MULTILINE)
    for _ in range(3):
        made = subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout.strip()
        # Raises what a task would not start with.
        Signatures.of(made)
