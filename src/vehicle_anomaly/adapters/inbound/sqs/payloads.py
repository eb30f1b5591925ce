"""Bodies too large for a message: the Amazon SQS extended client puts them into S3 and sends a pointer.

The pointer is as the Java and Python clients write it
(https://github.com/awslabs/amazon-sqs-java-extended-client-lib): a JSON array of the class that reads it and
of where the payload is, and a reserved message attribute with its size.
"""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from vehicle_anomaly.adapters.inbound.sqs.aws_errors import told
from vehicle_anomaly.adapters.inbound.sqs.deliveries import Delivery
from vehicle_anomaly.adapters.inbound.sqs.errors import InfrastructureFault, UndecodableRequest

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

RESERVED_ATTRIBUTE: Final = "ExtendedPayloadSize"
_RESERVED_ATTRIBUTES: Final = (RESERVED_ATTRIBUTE, "SQSLargePayloadSize")
_POINTER_CLASS: Final = "software.amazon.payloadoffloading.PayloadS3Pointer"
_POINTER_CLASSES: Final = (_POINTER_CLASS, "com.amazon.sqs.javamessaging.MessageS3Pointer")

# What S3 says of a payload that this worker will never be able to read.
_NEVER: Final = frozenset(
    {"AccessDenied", "InvalidBucketName", "InvalidObjectState", "NoSuchBucket", "NoSuchKey"}
)


class PayloadPointer(msgspec.Struct, frozen=True, rename={"bucket": "s3BucketName", "key": "s3Key"}):
    """Where a payload is."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Payloads:
    """Payloads in S3.

    Attributes:
        s3: The client.
        max_bytes: Largest payload that is fetched.
        result_bucket: Where results go that are too large for a message; None for nowhere.
    """

    s3: "S3Client"
    max_bytes: int
    result_bucket: str | None = None

    def body_of(self, delivery: Delivery) -> bytes:
        """Return the body that the producer sent, wherever it is.

        Raises:
            UndecodableRequest: The pointer is none, or its payload is gone, out of bounds or too large.
            InfrastructureFault: S3 does not answer.
        """
        pointer = pointer_of(delivery)
        return delivery.body.encode() if pointer is None else self._fetch(pointer)

    def delete(self, pointer: PayloadPointer) -> None:
        """Delete a payload.

        Raises:
            InfrastructureFault: S3 refuses or does not answer.
        """
        try:
            self.s3.delete_object(Bucket=pointer.bucket, Key=pointer.key)
        except (BotoCoreError, ClientError) as error:
            raise InfrastructureFault(f"s3://{pointer.bucket}/{pointer.key}: {told(error)}") from error

    def put_result(self, request_id: str, body: str) -> str:
        """Store a result; return the pointer that is sent in its place.

        Under a name of its own each time: who reads one result deletes its payload, and must not take it from
        another delivery of the same result.

        Raises:
            InfrastructureFault: S3 refuses or does not answer.
        """
        if self.result_bucket is None:
            raise ValueError("there is no bucket for results")
        pointer = PayloadPointer(self.result_bucket, f"{request_id}/{uuid.uuid4()}")
        try:
            self.s3.put_object(
                Bucket=pointer.bucket,
                Key=pointer.key,
                Body=body.encode(),
                ContentType="application/json",
            )
        except (BotoCoreError, ClientError) as error:
            raise InfrastructureFault(f"s3://{pointer.bucket}/{pointer.key}: {told(error)}") from error
        return msgspec.json.encode([_POINTER_CLASS, pointer]).decode()

    def _fetch(self, pointer: PayloadPointer) -> bytes:
        where = f"payload s3://{pointer.bucket}/{pointer.key}"
        try:
            found = self.s3.get_object(Bucket=pointer.bucket, Key=pointer.key)
            with found["Body"] as stream:
                size = found["ContentLength"]
                if size > self.max_bytes:
                    raise UndecodableRequest(f"{where}: {size} bytes are more than MAX_BODY_BYTES allows")
                return stream.read()
        except ParamValidationError as error:
            raise UndecodableRequest(f"{where}: cannot be the name of an object") from error
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _NEVER:
                raise UndecodableRequest(f"{where}: {code}") from error
            raise InfrastructureFault(f"{where}: {told(error)}") from error
        except BotoCoreError as error:
            raise InfrastructureFault(f"{where}: {told(error)}") from error


def pointer_of(delivery: Delivery) -> PayloadPointer | None:
    """Return where the payload of a delivery is; None when the body is the payload.

    Raises:
        UndecodableRequest: The reserved attribute says that there is a pointer, and there is none.
    """
    if not any(name in delivery.attributes for name in _RESERVED_ATTRIBUTES):
        return None
    try:
        kind, pointer = msgspec.json.decode(delivery.body, type=tuple[str, PayloadPointer])
    except msgspec.MsgspecError as error:
        raise UndecodableRequest("body: expected the extended client's pointer to a payload") from error
    if kind not in _POINTER_CLASSES:
        raise UndecodableRequest("body[0]: expected a pointer class of the extended client")
    return pointer
