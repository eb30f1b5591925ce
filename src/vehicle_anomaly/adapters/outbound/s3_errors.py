"""What S3 and botocore answer when they do not do what was asked: what it means and what to do about it."""

from http import HTTPStatus
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # botocore's own, no OSError
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from vehicle_anomaly.core.errors import ModelStoreUnavailable

_TRANSIENT_STATUSES: Final = {429, 500, 502, 503, 504}
# S3 answers these with status 400.
_TRANSIENT_CODES: Final = {"RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable"}
_ABSENT: Final = {"404", "NoSuchKey", "NotFound"}
_STALE_CREDENTIALS = "the AWS credentials are not valid there, or no longer"
_OTHER_REGION = "the bucket is in another region: set AWS_REGION to that"
_ADVICE_BY_CODE: Final = {
    "ExpiredToken": _STALE_CREDENTIALS,
    "InvalidAccessKeyId": _STALE_CREDENTIALS,
    "InvalidToken": _STALE_CREDENTIALS,
    "SignatureDoesNotMatch": _STALE_CREDENTIALS,
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
    "AuthorizationHeaderMalformed": _OTHER_REGION,
    "PermanentRedirect": _OTHER_REGION,
    "301": _OTHER_REGION,
    "NoSuchBucket": "the bucket does not exist: create it, or correct MODEL_BUCKET or AWS_REGION",
}
_ADVICE_BY_STATUS: Final = {
    403: "access denied: allow s3:GetObject, s3:PutObject and s3:DeleteObject on the objects, and "
    "s3:ListBucket on the bucket (without it, S3 denies access to what is not there)",
    501: "not implemented there: the store must know If-None-Match and If-Match in PutObject",
}


S3Error = ClientError | BotoCoreError | ResponseParserError | HTTPError
"""What a call of the client raises; the last two leak through botocore when an answer breaks off."""

S3_ERRORS: Final = (ClientError, BotoCoreError, ResponseParserError, HTTPError)


class UnusableModelStore(ModelStoreUnavailable):
    """Nothing but another configuration, or another store, will help."""


def status_of(error: ClientError) -> int:
    """Return the HTTP status."""
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status


def code_of(error: ClientError) -> str:
    """Return S3's own word for it, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_absent(error: ClientError) -> bool:
    """Tell whether the object is not there: HEAD says `404`, which has no body, and GET says `NoSuchKey`."""
    return status_of(error) == 404 and code_of(error) in _ABSENT


def is_transient(error: S3Error) -> bool:
    """Tell whether the same request may succeed in a moment. Whether it has been done is unknown."""
    if isinstance(error, ClientError):
        return status_of(error) in _TRANSIENT_STATUSES or code_of(error) in _TRANSIENT_CODES
    return isinstance(
        error, ConnectionError | HTTPClientError | IncompleteReadError | ResponseParserError | HTTPError
    )


def unavailable(error: S3Error, operation: str, place: str, endpoint: str) -> ModelStoreUnavailable:
    """Return the error that says what to do.

    Args:
        error: What happened.
        operation: Of S3's API, such as `GetObject`.
        place: `s3://` address of what was asked for.
        endpoint: Who was asked.
    """
    reason = f"{operation} {place} at {endpoint}: {_advice(error)}"
    hopeless = isinstance(error, ClientError) and (
        code_of(error) == "NoSuchBucket" or status_of(error) == HTTPStatus.NOT_IMPLEMENTED
    )
    return UnusableModelStore(reason) if hopeless else ModelStoreUnavailable(reason)


def _advice(error: S3Error) -> str:
    if isinstance(error, ClientError):
        code, status = code_of(error), status_of(error)
        known = _ADVICE_BY_CODE.get(code) or _ADVICE_BY_STATUS.get(status)
        # Not the words that came with it, which may repeat what was asked, and with what.
        return f"{known} ({code})" if known else f"{code or 'refused'} (HTTP status {status})"
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role"
    if is_transient(error):
        return f"{error}: check that the endpoint (AWS_ENDPOINT_URL) can be reached from here"
    return str(error)
