"""S3 and SQS on this machine, in a process of their own: moto's server, one change at a time.

moto answers many requests at once without looking whether two of them change the same queue. Here each is
answered alone, and a long poll waits outside of the lock, until a message comes.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final

from vehicle_anomaly.demo.service import ServiceFailed

_START_SECONDS: Final = 60.0
_RECEIVE: Final = "AmazonSQS.ReceiveMessage"
# A message may also become visible by itself.
_LOOKS_AGAIN_AFTER_SECONDS: Final = 0.1

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


@contextmanager
def local_aws() -> Iterator[str]:
    """Run the endpoint while the block runs.

    Yields:
        Its address, such as `http://127.0.0.1:43121`.

    Raises:
        ServiceFailed: It did not start within a minute.
    """
    command = [sys.executable, "-P", "-m", "vehicle_anomaly.demo.local_aws"]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield _address(process)
        finally:
            process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    stream = process.stdout
    if stream is None:
        raise ValueError("expected a pipe")
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=lambda: lines.put(stream.readline().strip()), daemon=True).start()
    try:
        address = lines.get(timeout=_START_SECONDS)
    except queue.Empty:
        address = ""
    if not address:
        raise ServiceFailed("the local S3 and SQS did not start")
    return address


class OneAtATime:
    """Answers each request alone; a poll for messages waits without keeping others waiting."""

    def __init__(self, application: Application) -> None:
        """Take what answers."""
        self._application = application
        self._changed = threading.Condition()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer, as WSGI applications do."""
        if environ.get("HTTP_X_AMZ_TARGET") == _RECEIVE:
            return self._receive(environ, start_response)
        with self._changed:
            answer = [b"".join(self._application(environ, start_response))]
            self._changed.notify_all()
            return answer

    def _receive(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        asked = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        end = time.monotonic() + float(asked.get("WaitTimeSeconds", 0))
        body = json.dumps({**asked, "WaitTimeSeconds": 0}).encode()
        with self._changed:
            while True:
                told, answer = self._ask({**environ, "CONTENT_LENGTH": str(len(body))}, body)
                left = end - time.monotonic()
                if left <= 0 or b'"Messages"' in answer or not told[0].startswith("200"):
                    start_response(*told)
                    return [answer]
                self._changed.wait(min(left, _LOOKS_AGAIN_AFTER_SECONDS))

    def _ask(self, environ: dict[str, Any], body: bytes) -> tuple[list[Any], bytes]:
        told: list[Any] = []
        answer = self._application(
            {**environ, "wsgi.input": BytesIO(body)}, lambda *began: told.extend(began)
        )
        return told, b"".join(answer)


def serve(guard: Callable[[Any], Any]) -> None:
    """Serve S3 and SQS on a free port, told on standard output, until standard input ends.

    Args:
        guard: Makes of moto's WSGI application the one that is served.
    """
    # The extra `demo-queue`; the other commands do not have it.
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
        DomainDispatcherApplication,
        create_backend_app,
    )
    from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    application = guard(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201
    # Ends with who started it, even if that is killed: its end of the pipe is closed then.
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    server.serve_forever()


def _exit_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    serve(OneAtATime)
