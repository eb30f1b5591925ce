"""What each task may do, action by action. A test holds this to what the code calls, without a wildcard."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from infra.acknowledgements import acknowledge_resources

_ANY_MODEL = "The keys in it are made of the names that callers give their models."
_ANY_PAYLOAD = "The keys in it are made by those who send large messages and files."


def read_models(role: iam.Role, bucket_arn: str) -> None:
    """Let a role read models. Without the right to list, S3 says "denied" of what is not there."""
    _allow(role, ["s3:GetObject"], f"{bucket_arn}/*", _ANY_MODEL)
    _allow(role, ["s3:ListBucket"], bucket_arn)


def write_models(role: iam.Role, bucket_arn: str) -> None:
    """Let a role publish and promote: no version is ever deleted, only what is left of its publication."""
    read_models(role, bucket_arn)
    _allow(role, ["s3:PutObject"], f"{bucket_arn}/*", _ANY_MODEL)
    _allow(role, ["s3:DeleteObject"], f"{bucket_arn}/.publications/*", _ANY_MODEL)


def answer_requests(role: iam.Role, requests: sqs.IQueue, results: sqs.IQueue) -> None:
    """Let a role take requests and send results."""
    _allow(
        role,
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"],
        requests.queue_arn,
    )
    _allow(role, ["sqs:SendMessage", "sqs:GetQueueAttributes"], results.queue_arn)


def handle_payloads(role: iam.Role, bucket_arn: str) -> None:
    """Let a role fetch payloads and files, write results and verdicts, and delete what is done with."""
    _allow(
        role,
        # Of files, the version that the event tells of.
        ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
        f"{bucket_arn}/*",
        _ANY_PAYLOAD,
    )
    _allow(role, ["s3:ListBucket"], bucket_arn)


def send_telemetry(role: iam.Role, metrics_log_group_arn: str) -> None:
    """Let a task's collector send traces to X-Ray, and metrics to CloudWatch by way of a log group."""
    _allow(
        role,
        ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        "*",
        'X-Ray knows no resources for these ("Actions, resources, and condition keys for AWS X-Ray").',
    )
    _allow(
        role,
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        f"{metrics_log_group_arn}:log-stream:*",
        "Each collector makes a stream named after its task, in this one log group.",
    )
    _allow(role, ["logs:DescribeLogStreams"], metrics_log_group_arn)


def _allow(role: iam.Role, actions: list[str], resource: str, why_many: str | None = None) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
    if why_many is not None:
        acknowledge_resources(role, resource, why_many)
