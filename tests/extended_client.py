"""The Amazon SQS extended client in a process of its own: it extends every boto3 client by being imported.

Reads one call from standard input, `{"bucket", "legacy", "call", "arguments"}`, and writes its answer.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tests.aws_server import REPOSITORY


def extended(
    environment: Mapping[str, str],
    bucket: str,
    call: str,
    arguments: Mapping[str, Any],
    *,
    legacy: bool = False,
) -> Any:
    """Make one call of the extended client.

    Args:
        environment: boto3's variables.
        bucket: Where payloads go.
        call: Such as `send_message`.
        arguments: Of the call.
        legacy: Whether pointers are as older clients write them.
    """
    called = subprocess.run(
        [sys.executable, "-m", "tests.extended_client"],
        input=json.dumps({"bucket": bucket, "legacy": legacy, "call": call, "arguments": {**arguments}}),
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        text=True,
        check=True,
    )
    return json.loads(called.stdout)


def _call() -> None:
    import boto3  # noqa: PLC0415
    import sqs_extended_client  # noqa: F401, PLC0415

    told = json.load(sys.stdin)
    client: Any = boto3.client("sqs")
    client.large_payload_support = told["bucket"]
    client.use_legacy_attribute = told["legacy"]
    client.s3_client = boto3.client("s3")
    json.dump(getattr(client, told["call"])(**told["arguments"]), sys.stdout)


if __name__ == "__main__":
    _call()
