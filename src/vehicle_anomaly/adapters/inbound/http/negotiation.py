"""In which encoding a request comes and its answer goes."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.datastructures.headers import Accept
from litestar.exceptions import InternalServerException

from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place

HttpRequest = Request[Any, Any, Any]

_ENCODINGS = {encoding.value: encoding for encoding in Encoding}
_VARY = {"Vary": "Accept"}
_encode_json = msgspec.json.Encoder().encode
_encode_msgpack = msgspec.msgpack.Encoder().encode


class UnsupportedMediaType(Exception):
    """A body of a type that is not read here; the message says which are."""


def request_encoding(request: HttpRequest) -> Encoding:
    """Return the encoding of a request's body; without a Content-Type it is JSON.

    Raises:
        UnsupportedMediaType: It is one that is not read here, or compressed.
    """
    headers = request.headers
    content_encoding = headers.get("content-encoding", "identity")
    if content_encoding.strip().lower() != "identity":
        raise UnsupportedMediaType(f"Content-Encoding: expected none, got {content_encoding[:80]!r}")
    content_type = headers.get("content-type")
    if content_type is None:
        return Encoding.JSON
    encoding = _ENCODINGS.get(content_type.partition(";")[0].strip().lower())
    if encoding is None:
        expected = " or ".join(_ENCODINGS)
        raise UnsupportedMediaType(f"Content-Type: expected {expected}, got {content_type[:80]!r}")
    return encoding


async def read_body(request: HttpRequest) -> bytes:
    """Return the whole body of a request.

    Raises:
        MalformedMessage: The caller left before sending all of it.
        RequestEntityTooLarge: It is over the limit.
    """
    try:
        return await request.body()
    except InternalServerException as error:
        # What Litestar raises for a caller that is gone; no failure of the service.
        raise MalformedMessage([Wrong(Place(), "the connection was closed before its end")]) from error


def respond(request: HttpRequest, answer: Any, status: int = 200) -> Response[bytes]:
    """Return an answer in JSON, or in MessagePack if that is what the caller likes better."""
    accepted = request.headers.get("accept", "*/*")
    # Most callers accept anything; the others are worth a closer look.
    if accepted != "*/*" and Accept(accepted).best_match(list(_ENCODINGS)) == Encoding.MSGPACK.value:
        content, encoding = _encode_msgpack(answer), Encoding.MSGPACK
    else:
        content, encoding = _encode_json(answer), Encoding.JSON
    return Response(content, media_type=encoding.value, status_code=status, headers=_VARY)
