"""S3 and SQS on this machine: moto's server in a process of its own, on a free port."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests import sqs_semantics
from vehicle_anomaly.demo.local_aws import serve

REPOSITORY: Final = Path(__file__).parents[1]

AWS_ENVIRONMENT: Final[Mapping[str, str]] = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    # Nothing of the machine's own: no profile, and no question to the metadata service of a cloud.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Credentials that are good for nothing, for the environment of a test or a process."""


@contextmanager
def aws_server() -> Iterator[str]:
    """Run a server while the block runs; yield its address."""
    command = [sys.executable, "-m", "tests.aws_server"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            assert url, "the server did not start"
            yield url
        finally:
            server.kill()


Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def _atomic(application: Application) -> Application:
    """Let one write happen at a time, as S3 does: moto looks at If-None-Match first and writes afterwards."""
    lock = threading.Lock()

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # SQS speaks POST only: a long poll must not hold the lock.
        if environ["REQUEST_METHOD"] in ("PUT", "DELETE"):
            with lock:
                return application(environ, start_response)
        return application(environ, start_response)

    return answer


if __name__ == "__main__":
    sqs_semantics.install()
    serve(_atomic)
