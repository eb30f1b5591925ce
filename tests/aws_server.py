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


def _serve() -> None:
    # Here: it takes a second, and only the server's own process needs it.
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
        DomainDispatcherApplication,
        create_backend_app,
    )
    from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415

    sqs_semantics.install()

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    application = _atomic(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201
    # Ends with the test run, even if that is killed: its end of the pipe is closed then.
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    server.serve_forever()


def _exit_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    _serve()
