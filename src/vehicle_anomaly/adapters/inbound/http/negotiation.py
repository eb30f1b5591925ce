"""In which encoding a request comes and its answer goes."""

from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures.headers import Accept
from litestar.types import ASGIApp, HTTPScope

from vehicle_anomaly.adapters.inbound.http.answer import Answer
from vehicle_anomaly.adapters.inbound.http.headers import header
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding

HttpRequest = Request[Any, Any, Any]

NDJSON = "application/x-ndjson"
"""One JSON value a line."""

_ENCODINGS = {encoding.value: encoding for encoding in Encoding}
_OFFERED = list(_ENCODINGS)
_encode_json = msgspec.json.Encoder().encode
_encode_msgpack = msgspec.msgpack.Encoder().encode


class UnsupportedMediaType(Exception):
    """A body of a type that is not read here; the message says which are."""


def is_of_lines(scope: HTTPScope) -> bool:
    """Tell whether a request's body is a stream of lines.

    Raises:
        UnsupportedMediaType: It is, and compressed.
    """
    if not says_lines(scope):
        return False
    _refuse_compressed(scope)
    return True


def says_lines(scope: HTTPScope) -> bool:
    """Tell whether a request says that its body is a stream of lines."""
    return _media_type(header(scope, b"content-type", "")) == NDJSON


def encoding_of(scope: HTTPScope, *further: str) -> Encoding:
    """Return the encoding of a request's body; without a Content-Type it is JSON.

    Args:
        scope: Of the request.
        further: Types that are read here too, for who sends none of them.

    Raises:
        UnsupportedMediaType: It is one that is not read here, or compressed.
    """
    _refuse_compressed(scope)
    content_type = header(scope, b"content-type", Encoding.JSON.value)
    encoding = _ENCODINGS.get(_media_type(content_type))
    if encoding is None:
        expected = " or ".join((*_ENCODINGS, *further))
        raise UnsupportedMediaType(f"Content-Type: expected {expected}, got {content_type[:80]!r}")
    return encoding


def request_encoding(request: HttpRequest) -> Encoding:
    """Return the encoding of a request's body; as `encoding_of`."""
    return encoding_of(request.scope)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _refuse_compressed(scope: HTTPScope) -> None:
    content_encoding = header(scope, b"content-encoding", "identity")
    if content_encoding.strip().lower() != "identity":
        raise UnsupportedMediaType(f"Content-Encoding: expected none, got {content_encoding[:80]!r}")


def respond(request: HttpRequest, answer: Any, status: int = 200) -> ASGIApp:
    """Return an answer in the encoding that the caller likes best; as `answer_to`."""
    return answer_to(request.scope, answer, status)


def answer_to(scope: HTTPScope, answer: Any, status: int = 200) -> ASGIApp:
    """Return an answer in JSON, or in MessagePack if that is what the caller likes better."""
    if likes_msgpack(scope):
        return Answer(_encode_msgpack(answer), b"application/msgpack", status)
    return Answer(_encode_json(answer), b"application/json", status)


def likes_msgpack(scope: HTTPScope) -> bool:
    """Tell whether a caller likes MessagePack better than JSON."""
    return liked_best(scope, _OFFERED) == Encoding.MSGPACK.value


def liked_best(scope: HTTPScope, offered: list[str]) -> str | None:
    """Return which type of an answer a caller likes best.

    Args:
        scope: Of the request.
        offered: Types, the usual first.

    Returns:
        One of them; None where it likes none, or does not say it in numbers (RFC 9110, section 12.4.2).
    """
    accepted = header(scope, b"accept", "*/*")
    # Most callers accept anything; the others are worth a closer look.
    if accepted == "*/*":
        return offered[0]
    try:
        return Accept(accepted).best_match(offered)
    except OverflowError:
        # Litestar takes `q=inf` for a number.
        return None
