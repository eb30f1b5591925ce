"""S3 event notifications: which objects have come into being.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from typing import Annotated, Final, Literal
from urllib.parse import unquote_plus

import msgspec

from vehicle_anomaly.adapters.inbound.sqs.messages import RequestMessage, decode_request
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage

_CREATED: Final = "ObjectCreated:"
_UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class EventObject(msgspec.Struct, frozen=True):
    """The object of an event.

    Attributes:
        key: URL-encoded, with `+` for a space.
        etag: Of its content.
        version_id: In a bucket that keeps versions.
        sequencer: Grows from one event to the next of the same key.
    """

    key: str
    etag: str | None = msgspec.field(default=None, name="eTag")
    version_id: str | None = msgspec.field(default=None, name="versionId")
    sequencer: str | None = None


class EventBucket(msgspec.Struct, frozen=True):
    """The bucket of an event."""

    name: str


class EventPlace(msgspec.Struct, frozen=True):
    """What an event is about."""

    bucket: EventBucket
    object: EventObject


class EventRecord(msgspec.Struct, frozen=True, rename={"name": "eventName", "place": "s3"}):
    """One event."""

    name: str
    place: EventPlace


class EventNotification(msgspec.Struct, frozen=True, rename={"records": "Records"}):
    """Events, as S3 sends them."""

    records: Annotated[tuple[EventRecord, ...], msgspec.Meta(min_length=1)]


class TestNotification(msgspec.Struct, frozen=True, rename={"event": "Event"}):
    """What S3 sends when notifications are set up."""

    event: Literal["s3:TestEvent"]


class TopicNotification(msgspec.Struct, frozen=True, rename={"kind": "Type", "message": "Message"}):
    """A notification that has come by way of an SNS topic, without raw message delivery."""

    kind: Literal["Notification"]
    message: str


class CreatedObject(msgspec.Struct, frozen=True):
    """An object that has been created, or replaced.

    Attributes:
        bucket: Its bucket.
        key: Its key, decoded.
        etag: Of its content, if the event tells.
        version_id: In a bucket that keeps versions.
        revision: What tells this event from every other one of the same key, if the event tells anything.
    """

    bucket: str
    key: str
    etag: str | None = None
    version_id: str | None = None
    revision: str | None = None


class ObjectNotification(msgspec.Struct, frozen=True, tag="s3_event"):
    """A request to score objects.

    Attributes:
        objects: None for S3's test event.
        other_events: Names of events that create nothing.
    """

    objects: tuple[CreatedObject, ...]
    other_events: tuple[str, ...] = ()


_as_events = msgspec.json.Decoder(EventNotification).decode
_as_test = msgspec.json.Decoder(TestNotification).decode
_from_topic = msgspec.json.Decoder(TopicNotification).decode


def decode_body(body: bytes) -> RequestMessage | ObjectNotification:
    """Decode a body of the request queue.

    Raises:
        MalformedMessage: It is neither a request nor a notification.
    """
    try:
        return decode_request(body)
    except MalformedMessage:
        # Events have no tag to tell them by; requests, of which there are more, do not pay for that.
        found = _notification(body) or _notification(_message_of_topic(body))
        if found is None:
            raise
        return found


def _message_of_topic(body: bytes) -> bytes:
    try:
        return _from_topic(body).message.encode()
    except _UNDECODABLE:
        return b""


def _notification(body: bytes) -> ObjectNotification | None:
    try:
        records = _as_events(body).records
    except _UNDECODABLE:
        return _test_notification(body)
    created = tuple(_created(record.place) for record in records if record.name.startswith(_CREATED))
    others = tuple(record.name for record in records if not record.name.startswith(_CREATED))
    return ObjectNotification(created, others)


def _test_notification(body: bytes) -> ObjectNotification | None:
    try:
        return ObjectNotification((), (_as_test(body).event,))
    except _UNDECODABLE:
        return None


def _created(place: EventPlace) -> CreatedObject:
    found = place.object
    revision = found.sequencer or found.version_id or found.etag
    return CreatedObject(place.bucket.name, unquote_plus(found.key), found.etag, found.version_id, revision)
