"""The way into the service by its queues."""

import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from structlog.testing import capture_logs

from tests.acceptance.drivers import Answer, InProcess, Refused, refused
from tests.queues import Queues
from vehicle_anomaly.adapters.inbound.sqs.clients import connect
from vehicle_anomaly.adapters.inbound.sqs.worker import Worker
from vehicle_anomaly.container import Container
from vehicle_anomaly.settings import Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_DEADLINE_SECONDS: Final = 60.0
_OF_THE_QUEUE: Final = ("type", "request_id", "correlation_id")
_WAKES: Final = '{"Event": "s3:TestEvent"}'


shared_clients = cache(connect)
"""The clients of the first worker, for all others: there is one server for the whole run."""


class Queue(InProcess):
    """A producer and a consumer; a worker answers.

    What the queues do not have, to list and promote versions, is done past them.
    """

    def __init__(self, container: Container, queues: Queues, s3: "S3Client", bucket: str) -> None:
        super().__init__(container.train_model(), container.score_telemetry(), container.models())
        self._queues = queues
        self._s3 = s3
        self._bucket = bucket
        self.log: Sequence[Any] = ()

    def train(self, message: bytes) -> Answer:
        """Train on a batch."""
        return self._ask("ingest", message)

    def score(self, message: bytes) -> Answer:
        """Score a reading."""
        return self._ask("score", message)

    def score_batch(self, message: bytes) -> Answer:
        """Score a batch."""
        return self._ask("score_batch", message)

    def _ask(self, tag: str, message: bytes) -> Answer:
        # In the text, so that what is wrong with it stays wrong in the same way.
        body = message.replace(b"{", b'{"type": "%s", ' % tag.encode(), 1)
        request_id = self._send(body)
        answer = self._wait_for(request_id)
        if answer is None:
            return self._dead_letter(request_id, body)
        if answer["type"] == "refused":
            return refused(answer["problem"])
        return {name: value for name, value in answer.items() if name not in _OF_THE_QUEUE}

    def _send(self, body: bytes) -> str:
        try:
            return self._queues.send(body.decode())
        except UnicodeDecodeError:
            # A message is text. What is not can come by way of the extended client only.
            self._s3.put_object(Bucket=self._bucket, Key="payload", Body=body)
            place = {"s3BucketName": self._bucket, "s3Key": "payload"}
            pointer = json.dumps(["software.amazon.payloadoffloading.PayloadS3Pointer", place])
            return self._queues.send(pointer, {"ExtendedPayloadSize": str(len(body))})

    def _wait_for(self, request_id: str) -> dict[str, Any] | None:
        """Return the result, or None when there is none: the request is left in the queue."""
        pause = threading.Event()
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline:
            for received in self._queues.take(self._queues.results, wait_seconds=0):
                if received.told["request_id"] == request_id:
                    return received.told
            if self._left(request_id):
                return None
            pause.wait(0.005)
        raise AssertionError(f"no result within {_DEADLINE_SECONDS} s: {self.log}")

    def _dead_letter(self, request_id: str, body: bytes) -> Refused:
        """Return what the worker's log says of a request that was no request; it is kept, untouched."""
        [letter] = self._queues.take_dead_letters(1)
        assert letter.message_id == request_id
        if "ExtendedPayloadSize" not in letter.attributes:
            assert letter.body.encode() == body
        [left] = self._left(request_id)
        assert left["why"] == "undecodable", left
        places = re.findall(r"(?:^|; )([^:;]+): ", left["reason"])
        return Refused("malformed-message", left["reason"], tuple(map(_pointer, places)))

    def _left(self, request_id: str) -> list[Any]:
        return [
            entry
            for entry in list(self.log)
            if entry["event"] == "left in the queue" and entry["request_id"] == request_id
        ]


def _pointer(place: str) -> str:
    return f"/{place.replace('[', '/').replace(']', '').replace('.', '/')}"


def on_queues(settings: Settings, queues: Queues) -> Settings:
    """Let a worker take from these queues, and be quick to try again and to stop."""
    return msgspec.structs.replace(
        settings,
        request_queue_url=queues.requests,
        result_queue_url=queues.results,
        worker_retry_seconds=0.0,
        worker_drain_seconds=2,
    )


@contextmanager
def answering(worker: Worker, queues: Queues) -> Iterator[Sequence[Any]]:
    """Run a worker in a thread while the block runs; yield what it logs."""
    with capture_logs() as log:
        thread = threading.Thread(target=worker.run, name="worker")
        thread.start()
        try:
            yield log
        finally:
            stop(worker, queues, thread)


def stop(worker: Worker, queues: Queues, thread: threading.Thread) -> None:
    """Stop a worker without waiting for its poll to end by itself."""
    worker.stop()
    queues.send(_WAKES, group="stop" if queues.requests.endswith(".fifo") else None)
    thread.join(60)
    assert not thread.is_alive(), "the worker did not stop"
