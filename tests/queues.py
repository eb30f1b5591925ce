"""Queues to test a worker with, and workers: in this process, or in processes of their own."""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3

from tests.sqs_semantics import TWICE
from vehicle_anomaly.adapters.inbound.sqs.worker import Worker

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.literals import QueueAttributeNameType

COMMAND: Final = Path(sys.executable).with_name("vehicle-anomaly")
_LONG_ENOUGH_SECONDS: Final = 60.0

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Received:
    """A message as a consumer gets it."""

    message_id: str
    body: str
    attributes: dict[str, str]
    group_id: str | None

    @property
    def told(self) -> Message:
        """The body, decoded."""
        told: Message = json.loads(self.body)
        return told


@dataclass(frozen=True, slots=True)
class Queues:
    """A queue for requests, one for results, and the first one's dead-letter queue."""

    sqs: "SQSClient"
    requests: str
    results: str
    dead_letters: str

    def send(
        self,
        request: Mapping[str, Any] | str,
        attributes: Mapping[str, str] | None = None,
        group: str | None = None,
    ) -> str:
        """Send a request; return its message id."""
        body = request if isinstance(request, str) else json.dumps(request)
        told: dict[str, Any] = {
            name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()
        }
        fifo = {"MessageGroupId": group, "MessageDeduplicationId": uuid.uuid4().hex} if group else {}
        sent = self.sqs.send_message(
            QueueUrl=self.requests,
            MessageBody=body,
            MessageAttributes=told,
            **fifo,  # type: ignore[arg-type]
        )
        return sent["MessageId"]

    def send_all(self, requests: Sequence[Mapping[str, Any] | str]) -> list[str]:
        """Send requests, ten a call; return their message ids."""
        ids: list[str] = []
        for start in range(0, len(requests), 10):
            entries: list[Any] = [
                {
                    "Id": str(position),
                    "MessageBody": request if isinstance(request, str) else json.dumps(request),
                }
                for position, request in enumerate(requests[start : start + 10])
            ]
            answer = self.sqs.send_message_batch(QueueUrl=self.requests, Entries=entries)
            sent = {entry["Id"]: entry["MessageId"] for entry in answer["Successful"]}
            ids += [sent[entry["Id"]] for entry in entries]
        return ids

    def take(self, queue: str, wait_seconds: int = 1, at_most: int = 10) -> list[Received]:
        """Receive and delete what a queue has."""
        messages = self.sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=at_most,
            WaitTimeSeconds=wait_seconds,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["MessageGroupId"],
        ).get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [
            Received(
                message["MessageId"],
                message["Body"],
                {name: told["StringValue"] for name, told in message.get("MessageAttributes", {}).items()},
                message.get("Attributes", {}).get("MessageGroupId"),
            )
            for message in messages
        ]

    def take_until(
        self,
        queue: str,
        enough: Callable[[list[Received]], bool],
        within_seconds: float = _LONG_ENOUGH_SECONDS,
    ) -> list[Received]:
        """Receive and delete until that is enough."""
        taken: list[Received] = []
        deadline = time.monotonic() + within_seconds
        while not enough(taken):
            assert time.monotonic() < deadline, f"only {len(taken)} messages"
            taken += self.take(queue)
        return taken

    def take_results(self, count: int, within_seconds: float = _LONG_ENOUGH_SECONDS) -> list[Received]:
        """Receive and delete so many results."""
        return self.take_until(self.results, lambda taken: len(taken) >= count, within_seconds)

    def take_results_of(self, request_ids: Sequence[str], within_seconds: float = 60.0) -> list[Received]:
        """Receive and delete until each request has its result."""
        wanted = set(request_ids)
        return self.take_until(
            self.results,
            lambda taken: wanted <= {one.told["request_id"] for one in taken},
            within_seconds,
        )

    def take_dead_letters(self, count: int, within_seconds: float = _LONG_ENOUGH_SECONDS) -> list[Received]:
        """Receive and delete so many dead letters; SQS moves one when it would be received once more."""
        return self.take_until(self.dead_letters, lambda taken: len(taken) >= count, within_seconds)

    def count_visible(self, queue: str) -> int:
        """Tell how many messages of a queue wait to be received."""
        name: QueueAttributeNameType = "ApproximateNumberOfMessages"
        found = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"]
        return int(found[name])

    def count(self, queue: str) -> int:
        """Tell how many messages a queue has, visible or not."""
        names: list[QueueAttributeNameType] = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ]
        found = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def wait_until_all_deleted(self, within_seconds: float = _LONG_ENOUGH_SECONDS) -> None:
        """Wait until the request queue is empty."""
        wait_until(lambda: self.count(self.requests) == 0, within_seconds)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables that name these queues, and more."""
        return {"REQUEST_QUEUE_URL": self.requests, "RESULT_QUEUE_URL": self.results, **more}


def make_queues(*, fifo: bool = False, max_receive_count: int = 3, twice: bool = False) -> Queues:
    """Make three empty queues.

    Args:
        fifo: Whether requests and results keep the order of groups.
        max_receive_count: Deliveries before a request is a dead letter.
        twice: Whether some messages are delivered twice.
    """
    sqs = boto3.client("sqs")
    suffix = f"{uuid.uuid4().hex}{'.fifo' if fifo else ''}"
    kind: dict[Any, str] = {"FifoQueue": "true"} if fifo else {}
    dead_letters = sqs.create_queue(QueueName=f"dead-{suffix}", Attributes=kind)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])["Attributes"]
    redrive = json.dumps({"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": max_receive_count})
    name = f"{TWICE if twice else ''}requests-{suffix}"
    requests = sqs.create_queue(QueueName=name, Attributes={**kind, "RedrivePolicy": redrive})["QueueUrl"]
    results = sqs.create_queue(QueueName=f"results-{suffix}", Attributes=kind)["QueueUrl"]
    return Queues(sqs, requests, results, dead_letters)


def wait_until(holds: Callable[[], bool], within_seconds: float = _LONG_ENOUGH_SECONDS) -> None:
    """Look again and again until something holds."""
    deadline = time.monotonic() + within_seconds
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        pause.wait(0.05)


@contextmanager
def working(worker: Worker) -> Iterator[Worker]:
    """Run a worker in a thread while the block runs."""
    thread = threading.Thread(target=worker.run, name="worker")
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(60)
        assert not thread.is_alive(), "the worker did not stop"


class WorkerProcess:
    """`vehicle-anomaly work`, in a process of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [COMMAND, "work"],
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: list[str] = []
        self._polling = threading.Event()
        self._reader = threading.Thread(target=self._read, name="worker-log")
        self._reader.start()

    def wait_until_polling(self) -> None:
        """Wait until it asks for messages."""
        assert self._polling.wait(60), self.log

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has written to standard error."""
        return "".join(self._lines)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self, within_seconds: float = _LONG_ENOUGH_SECONDS) -> int:
        """Wait until it has ended; return its exit status."""
        status = self._process.wait(within_seconds)
        self._reader.join()
        return status

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        self._process.kill()
        self.wait()

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._lines.append(line)
                if '"event": "polling"' in line:
                    self._polling.set()


@contextmanager
def worker_process(environment: Mapping[str, str]) -> Iterator[WorkerProcess]:
    """Run a worker's process; it is gone when the block ends."""
    process = WorkerProcess(environment)
    try:
        yield process
    finally:
        process.kill()
