"""An AWS that refuses, and repeats in its refusal all that it was asked with: headers, tokens and bodies.

So does Amazon's with SignatureDoesNotMatch, whose message tells the canonical request.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import httpx


@contextmanager
def echoing_aws(behind: str, refused: tuple[str, ...]) -> Iterator[str]:
    """Refuse some operations while the block runs, and pass the others on; yield the address.

    Args:
        behind: Address of who answers the others.
        refused: Operations of SQS, by name, or `S3` for every question to S3.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            operation = self.headers.get("X-Amz-Target", "S3").rpartition(".")[2]
            if operation in refused:
                self._refuse(operation, f"{self.path} {dict(self.headers)} {body!r}")
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            headers["Host"] = urlsplit(behind).netloc
            passed = httpx.request(
                self.command, behind + self.path, content=body, headers=headers, timeout=60, trust_env=False
            )
            self._send(passed.status_code, passed.headers.get("content-type", ""), passed.content)

        def _refuse(self, operation: str, asked: str) -> None:
            if operation == "S3":
                told = f"<Error><Code>InvalidRequest</Code><Message>{escape(asked)}</Message></Error>"
                self._send(400, "application/xml", told.encode())
                return
            error = {"__type": "com.amazonaws.sqs#SignatureDoesNotMatch", "message": asked}
            self._send(403, "application/x-amz-json-1.0", json.dumps(error).encode())

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
