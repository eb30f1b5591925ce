"""The two queues, ten messages a call."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from vehicle_anomaly.adapters.inbound.sqs.aws_errors import told
from vehicle_anomaly.adapters.inbound.sqs.deliveries import SYSTEM_ATTRIBUTES, Delivery, to_delivery
from vehicle_anomaly.adapters.inbound.sqs.errors import InfrastructureFault, QueueUnusable

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import (
        MessageAttributeValueTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

BATCH: Final = 10
"""Messages in one call, at most."""

MAX_MESSAGE_BYTES: Final = 1_048_576
"""Largest message, and largest batch, attributes included
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html)."""

_FIFO_SUFFIX: Final = ".fifo"
_UNKNOWN_QUEUE: Final = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})

_log = structlog.get_logger(__name__)

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class OutgoingResult:
    """A result as it is sent.

    Attributes:
        request_id: Of the request.
        body: The message.
        attributes: Message attributes: name → type and value.
        group_id: The request's message group, if it has any.
        part: Tells the results of one request from each other, when it has several.
    """

    request_id: str
    body: str
    attributes: dict[str, tuple[str, str]]
    group_id: str | None
    part: int = 0

    def size(self) -> int:
        """Return what counts against the limit of a message, in bytes."""
        attributes = sum(
            len(name) + len(kind) + len(value.encode()) for name, (kind, value) in self.attributes.items()
        )
        return len(self.body.encode()) + attributes


@dataclass(frozen=True, slots=True)
class RequestQueue:
    """Where requests come from.

    Attributes:
        url: Of the queue.
        sqs: For all calls but the long poll.
        poller: For the long poll: it waits longer, and is not retried.
        visibility_seconds: How long a message that is received, or extended, stays invisible to others.
    """

    url: str
    sqs: "SQSClient"
    poller: "SQSClient"
    visibility_seconds: int

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.url.rpartition("/")[2]

    @property
    def is_fifo(self) -> bool:
        """Whether the queue keeps the order of message groups."""
        return self.url.endswith(_FIFO_SUFFIX)

    def receive(self, at_most: int, wait_seconds: int) -> list[Delivery]:
        """Wait for messages.

        Args:
            at_most: Up to 10.
            wait_seconds: Up to 20.

        Raises:
            InfrastructureFault: SQS refuses or does not answer.
        """
        try:
            received = self.poller.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=at_most,
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=self.visibility_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=[*SYSTEM_ATTRIBUTES],
            )
        except (BotoCoreError, ClientError) as error:
            raise InfrastructureFault(f"request queue: {told(error)}") from error
        return [to_delivery(message) for message in received.get("Messages", [])]

    def delete(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Delete messages; return those that are deleted. The others will be delivered again."""
        deleted: list[Delivery] = []
        for some in _tens(deliveries):
            try:
                answer = self.sqs.delete_message_batch(
                    QueueUrl=self.url,
                    Entries=[
                        {"Id": str(position), "ReceiptHandle": delivery.receipt_handle}
                        for position, delivery in enumerate(some)
                    ],
                )
            except Exception as error:  # noqa: BLE001  # an answer that is not SQS's leaks other errors
                _log.warning("requests not deleted", count=len(some), error=told(error))
                continue
            deleted += [some[int(entry["Id"])] for entry in answer.get("Successful", [])]
            for entry in answer.get("Failed", []):
                request_id = some[int(entry["Id"])].request_id
                _log.warning("request not deleted", request_id=request_id, error=entry["Code"])
        return deleted

    def set_visibility(self, seconds: Sequence[tuple[Delivery, int]]) -> None:
        """Make each message visible to others so many seconds from now.

        What cannot be reached is logged: its message is visible when its last extension ends.
        """
        for some in _tens(seconds):
            try:
                answer = self.sqs.change_message_visibility_batch(
                    QueueUrl=self.url,
                    Entries=[
                        {
                            "Id": str(position),
                            "ReceiptHandle": delivery.receipt_handle,
                            "VisibilityTimeout": timeout,
                        }
                        for position, (delivery, timeout) in enumerate(some)
                    ],
                )
            except Exception as error:  # noqa: BLE001  # an answer that is not SQS's leaks other errors
                _log.warning("visibility not changed", count=len(some), error=told(error))
                continue
            for entry in answer.get("Failed", []):
                # Most often it was deleted in the meantime.
                request_id = some[int(entry["Id"])][0].request_id
                _log.debug("visibility not changed", request_id=request_id, error=entry["Code"])


@dataclass(frozen=True, slots=True)
class ResultQueue:
    """Where results go.

    Attributes:
        url: Of the queue.
        sqs: The client.
        max_message_bytes: Largest message that this queue takes.
    """

    url: str
    sqs: "SQSClient"
    max_message_bytes: int = MAX_MESSAGE_BYTES

    def send(self, results: Sequence[OutgoingResult]) -> list[str | None]:
        """Send results, in order.

        Returns:
            For each of them None when it is sent, or else why it is not.
        """
        # Until SQS says otherwise of each: what it does not list is not sent.
        faults: list[str | None] = ["not in the answer"] * len(results)
        for positions in _batches(results):
            try:
                answer = self.sqs.send_message_batch(
                    QueueUrl=self.url,
                    Entries=[self._entry(position, results[position]) for position in positions],
                )
            except Exception as error:  # noqa: BLE001  # an answer that is not SQS's leaks other errors
                for position in positions:
                    faults[position] = told(error)
                continue
            for sent in answer.get("Successful", []):
                faults[int(sent["Id"])] = None
            for entry in answer.get("Failed", []):
                faults[int(entry["Id"])] = entry["Code"]
        return faults

    def _entry(self, position: int, result: OutgoingResult) -> "SendMessageBatchRequestEntryTypeDef":
        attributes: dict[str, MessageAttributeValueTypeDef] = {
            name: {"DataType": kind, "StringValue": value}
            for name, (kind, value) in result.attributes.items()
        }
        entry: SendMessageBatchRequestEntryTypeDef = {
            "Id": str(position),
            "MessageBody": result.body,
            "MessageAttributes": attributes,
        }
        if self.url.endswith(_FIFO_SUFFIX):
            # Without a group of the producer's, there is no order to keep.
            entry["MessageGroupId"] = result.group_id or result.request_id
            entry["MessageDeduplicationId"] = (
                f"{result.request_id}-{result.part}" if result.part else result.request_id
            )
        return entry


def max_message_bytes(sqs: "SQSClient", url: str, variable: str) -> int:
    """Ask a queue for the largest message it takes; it may be set to less than SQS allows.

    Args:
        sqs: The client.
        url: Of the queue.
        variable: Environment variable that names the queue.

    Raises:
        QueueUnusable: There is no such queue.
    """
    try:
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["MaximumMessageSize"])
        return int(answer["Attributes"]["MaximumMessageSize"])
    except (BotoCoreError, ClientError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code in _UNKNOWN_QUEUE:
            raise QueueUnusable(f"{variable}: there is no queue at {url}") from error
        # A worker may send without being allowed to ask, and may start before SQS can be reached.
        _log.warning("queue not described", queue=url, error=told(error))
        return MAX_MESSAGE_BYTES


def max_receives(sqs: "SQSClient", url: str) -> int | None:
    """Ask a queue how often it delivers a message before it is a dead letter; None if it does not say."""
    try:
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
        policy = answer.get("Attributes", {}).get("RedrivePolicy")
        return None if policy is None else int(json.loads(policy)["maxReceiveCount"])
    except (BotoCoreError, ClientError) as error:
        _log.warning("queue not described", queue=url, error=told(error))
        return None


def _tens(items: Iterable[Item]) -> Iterator[list[Item]]:
    remaining = iter(items)
    while some := list(islice(remaining, BATCH)):
        yield some


def _batches(results: Sequence[OutgoingResult]) -> Iterator[list[int]]:
    """Divide results, by position, into batches that SQS takes."""
    batch: list[int] = []
    size = 0
    for position, result in enumerate(results):
        if batch and (len(batch) == BATCH or size + result.size() > MAX_MESSAGE_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(position)
        size += result.size()
    if batch:
        yield batch
