"""Bodies with `records` in JSON: the records scanned into columns, all else decoded as ever.

The array of records is cut out, and what is left, with an array of one zero in its place, goes to the strict
decoder: so it judges names, versions and whatever else may stand there, and the whole as JSON.
"""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from vehicle_anomaly.adapters.inbound.wire.parted_scan import scan_items
from vehicle_anomaly.adapters.inbound.wire.repeated_keys import repeated
from vehicle_anomaly.adapters.inbound.wire.requests import IngestRequest, ScoreBatchRequest
from vehicle_anomaly.adapters.inbound.wire.scanned import Scanned, as_array, shape_at

Request = TypeVar("Request", bound=ScoreBatchRequest[Any] | IngestRequest[Any])

_KEY: Final = b'"records"'
_RECORDS: Final = re.compile(rb'"records"[ \t\r\n]*:[ \t\r\n]*\[')
_IN_THEIR_PLACE: Final = 0
# What stands beside the records: names of features, at the most.
_MAX_REST_BYTES: Final = 1024 * 1024

decode_score_batch: Final = msgspec.json.Decoder(ScoreBatchRequest[int]).decode
decode_ingest: Final = msgspec.json.Decoder(IngestRequest[int]).decode


def scan_body(
    message: bytes, decode_rest: Callable[[bytes], Request], max_values: int
) -> tuple[Request, Scanned] | None:
    """Read a body.

    Args:
        message: It.
        decode_rest: One of the decoders above.
        max_values: Records times features that may be laid out.

    Returns:
        The request, whose `records` mean nothing, and its records; None when it is not plain, or too much.
    """
    found = _RECORDS.search(message)
    if found is None:
        return None
    begin = found.end()
    shape = shape_at(as_array(message), begin, over_lines=True)
    items = None if shape is None else scan_items(message, begin, shape, max_values)
    if items is None:
        return None
    scanned, end = items
    # Before it is copied: beside no records there may be anything.
    if found.start() + len(message) - end > _MAX_REST_BYTES:
        return None
    head, tail = message[: begin - 1], message[end:]
    # With an escape, or another such key, the records might be other ones than these.
    beside = message[: found.start()] + tail
    if b"\\" in beside or _KEY in beside:
        return None
    rest = b"%b[%d]%b" % (head, _IN_THEIR_PLACE, tail)
    try:
        request = decode_rest(rest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    is_plain = request.records == [_IN_THEIR_PLACE] and repeated(rest) is None
    return (request, scanned) if is_plain else None
