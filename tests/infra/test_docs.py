"""The page that leads from an empty account to a verdict says what is so."""

import re
import subprocess

import pytest

from infra.context import KEYS
from infra.environments import ENVIRONMENTS
from tests.infra.conftest import PROJECT
from tests.infra.template import Templates
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


def test_the_keys_are_made_by_commands_that_there_are() -> None:
    commands = re.findall(r"^\.venv/bin/(vehicle-anomaly keys new .+)$", PAGE, flags=re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        words = command.split()
        ran = subprocess.run(
            [str(PROJECT / ".venv" / "bin" / words[0]), *words[1:]],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr


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
