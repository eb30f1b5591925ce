"""One message as it was received."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageTypeDef

CORRELATION_ID: Final = "correlation_id"

SYSTEM_ATTRIBUTES: Final = ("ApproximateReceiveCount", "MessageGroupId", "SentTimestamp")
"""What must be asked for to make a `Delivery`."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """One delivery of a request; a request that is delivered again is another delivery of the same id.

    Attributes:
        request_id: The message's id, the same in every delivery.
        receipt_handle: What this delivery is deleted and extended by.
        body: As it was sent.
        attributes: Message attributes of the types String and Number, without their types.
        group_id: Message group, if it was sent with any.
        sent_at: When the queue took it, the same in every delivery; aware, to the millisecond.
        receive_count: How often it has been received, this time included.
    """

    request_id: str
    receipt_handle: str
    body: str
    attributes: Mapping[str, str]
    group_id: str | None
    sent_at: datetime
    receive_count: int

    @property
    def correlation_id(self) -> str | None:
        """What the producer knows the request by."""
        return self.attributes.get(CORRELATION_ID)


def to_delivery(message: "MessageTypeDef") -> Delivery:
    """Return what a message of ReceiveMessage says, received with `SYSTEM_ATTRIBUTES`."""
    system = message["Attributes"]
    attributes = {
        name: attribute["StringValue"]
        for name, attribute in message.get("MessageAttributes", {}).items()
        if "StringValue" in attribute
    }
    return Delivery(
        request_id=message["MessageId"],
        receipt_handle=message["ReceiptHandle"],
        body=message["Body"],
        attributes=attributes,
        group_id=system.get("MessageGroupId"),
        sent_at=_EPOCH + timedelta(milliseconds=int(system["SentTimestamp"])),
        receive_count=int(system["ApproximateReceiveCount"]),
    )
