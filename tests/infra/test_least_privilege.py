"""What each task may do is what its code calls, and nothing that has a wildcard."""

import ast
import json
import re
from pathlib import Path

import pytest

from tests.infra.conftest import PROJECT
from tests.infra.template import Templates, actions, container, service, target, variables

SOURCE = PROJECT / "src" / "vehicle_anomaly" / "adapters"

# boto3's calls → the rights that they need (Service Authorization Reference).
NEEDS = {
    "get_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "head_object": {"s3:GetObject"},
    # S3 tells only who may list that something is not there.
    "list_objects_v2": {"s3:ListBucket"},
    "put_object": {"s3:PutObject"},
    "delete_object": {"s3:DeleteObject"},
    "create_multipart_upload": {"s3:PutObject"},
    "upload_part": {"s3:PutObject"},
    "complete_multipart_upload": {"s3:PutObject"},
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    "receive_message": {"sqs:ReceiveMessage"},
    "delete_message_batch": {"sqs:DeleteMessage"},
    "change_message_visibility_batch": {"sqs:ChangeMessageVisibility"},
    "send_message_batch": {"sqs:SendMessage"},
    "get_queue_attributes": {"sqs:GetQueueAttributes"},
}
# The collector's exporters → the rights that they need (their READMEs).
EXPORTERS = {
    "awsxray": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
    "awsemf": {"logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"},
}
READS = {"s3:GetObject", "s3:ListBucket"}
# "Actions, resources, and condition keys for AWS X-Ray": none of these knows a resource.
WITHOUT_RESOURCES = EXPORTERS["awsxray"]


def called() -> set[str]:
    """Return which of boto3's calls the service makes."""
    found = {
        node.func.attr
        for file in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    return found & set(NEEDS)


def exported(task: dict[str, object]) -> set[str]:
    config = json.loads(variables(container(task, "collector"))["AOT_CONFIG_CONTENT"])
    return set().union(*(EXPORTERS[name] for name in config["exporters"]))


def allowed(templates: Templates, task: dict[str, object]) -> list[tuple[str, str]]:
    return list(actions(templates.statements(target(task["TaskRoleArn"]))))


def tasks(templates: Templates) -> dict[str, dict[str, object]]:
    """Return the tasks by what they do: two serve, and one of them may write models."""
    serving = [templates.task("serve", nth) for nth in (0, 1)]
    writing = [any(a == "s3:PutObject" for a, _ in allowed(templates, task)) for task in serving]
    assert sorted(writing) == [False, True]
    return {
        "api": serving[writing.index(False)],
        "trainer": serving[writing.index(True)],
        "worker": templates.task("work"),
    }


def test_no_action_has_a_wildcard_and_no_resource_is_everything(templates: Templates) -> None:
    for role, _ in templates.resources("AWS::IAM::Role"):
        for action, resource in actions(templates.statements(role)):
            assert "*" not in action, f"{role}: {action}"
            if action not in WITHOUT_RESOURCES:
                assert resource.strip("*"), f"{role}: {action} on everything"


def test_no_role_has_a_managed_policy(templates: Templates) -> None:
    for role in templates.all("AWS::IAM::Role"):
        assert "ManagedPolicyArns" not in role


def test_a_task_may_do_what_the_code_calls_and_no_more(templates: Templates) -> None:
    code = set().union(*(NEEDS[call] for call in called()))
    for name, task in tasks(templates).items():
        granted = {action for action, _ in allowed(templates, task)}
        assert granted <= code | exported(task), f"{name} may do what nothing calls"
    worker = {action for action, _ in allowed(templates, tasks(templates)["worker"])}
    assert code | exported(tasks(templates)["worker"]) == worker, "the worker may not do what it calls"


def test_every_call_of_boto3_is_in_this_test() -> None:
    """A call of a client that has no row above would be judged by nothing."""
    clients = re.compile(r"(?:_client|\bs3|\b_s3|\bsqs|poller)\.([a-z]+(?:_[a-z0-9]+)+)\(")
    for file in SOURCE.rglob("*.py"):
        for call in clients.findall(file.read_text()):
            assert call in NEEDS, f"{file.name} calls {call}"


def test_who_scores_for_all_callers_cannot_write_a_model(templates: Templates) -> None:
    task = tasks(templates)["api"]
    assert {action for action, _ in allowed(templates, task)} == READS | exported(task)


def test_who_trains_publishes_and_does_nothing_else(templates: Templates) -> None:
    task = tasks(templates)["trainer"]
    published = {"s3:PutObject", "s3:DeleteObject"}
    assert {action for action, _ in allowed(templates, task)} == READS | published | exported(task)


def test_there_is_no_role_but_those_of_tasks_and_of_flow_logs(templates: Templates) -> None:
    flows = {target(flow["DeliverLogsPermissionArn"]) for flow in templates.all("AWS::EC2::FlowLog")}
    of_tasks = {
        target(task[role])
        for task in tasks(templates).values()
        for role in ("TaskRoleArn", "ExecutionRoleArn")
    }
    assert len(of_tasks) == 6
    assert {name for name, _ in templates.resources("AWS::IAM::Role")} == of_tasks | flows
    (role,) = flows
    assert {action for action, _ in actions(templates.statements(role))} == EXPORTERS["awsemf"]


def test_no_version_can_be_deleted(templates: Templates) -> None:
    worker = tasks(templates)["worker"]
    payloads = variables(service(worker))["RESULT_PAYLOAD_BUCKET"]
    for task in tasks(templates).values():
        for action, resource in allowed(templates, task):
            if action == "s3:DeleteObject":
                of_payloads = (
                    payloads.split("Payloads")[0].split(":")[0] in resource and "Payloads" in resource
                )
                assert of_payloads or resource.endswith("/.publications/*")


def test_a_worker_takes_from_one_queue_and_sends_to_the_other(templates: Templates) -> None:
    on: dict[str, set[str]] = {}
    for action, resource in allowed(templates, tasks(templates)["worker"]):
        if action.startswith("sqs:"):
            on.setdefault(resource, set()).add(action)
    assert sorted(map(sorted, on.values())) == [
        ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        ["sqs:GetQueueAttributes", "sqs:SendMessage"],
    ]


@pytest.mark.parametrize(("name", "secrets"), [("api", 3), ("trainer", 3), ("worker", 1)])
def test_what_starts_a_task_reads_its_secrets_and_no_other(
    templates: Templates, variant: str, name: str, secrets: int
) -> None:
    task = tasks(templates)[name]
    granted = list(actions(templates.statements(target(task["ExecutionRoleArn"]))))
    assert {a for a, _ in granted} == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "secretsmanager:GetSecretValue",
    }
    readable = {r for a, r in granted if a == "secretsmanager:GetSecretValue"}
    if variant == "prod-https":
        # What logs in where the image is, and it alone: nobody else's process is told of it.
        login = service(task)["RepositoryCredentials"]["CredentialsParameter"]
        assert login.endswith(":secret:vehicle-anomaly/registry-a1B2c3")
        readable.remove(login)
    else:
        assert "RepositoryCredentials" not in service(task)
    assert "RepositoryCredentials" not in container(task, "collector")
    assert len(readable) == secrets
    containers = [service(task), container(task, "collector")]
    given = {json.dumps(s["ValueFrom"]) for found in containers for s in found.get("Secrets", [])}
    assert len(given) == secrets


def test_the_source_is_where_this_test_looks() -> None:
    assert Path(SOURCE).is_dir()
    assert len(called()) > 10
