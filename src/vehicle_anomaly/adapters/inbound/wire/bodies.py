"""Bodies with `records` in JSON: the records scanned into columns, all else decoded as ever.

The array of records is cut out, and what is left, with an array of one zero in its place, goes to the strict
decoder: so it judges names, versions and whatever else may stand there, and the whole as JSON.
"""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from vehicle_anomaly.adapters.inbound.wire.requests import IngestRequest, ScoreBatchRequest
from vehicle_anomaly.adapters.inbound.wire.scanned import Scan, Scanned, as_array, most_records, shape_at

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
    data, begin = as_array(message), found.end()
    shape = shape_at(data, begin, over_lines=True)
    if shape is None:
        return None
    scan = Scan(data, shape, most_records(message, begin, shape, max_values), begin)
    if not scan.items():
        return None
    head, tail = message[: begin - 1], message[scan.at :]
    # With an escape, or another such key, the records might be other ones than these.
    beside = message[: found.start()] + tail
    if len(beside) > _MAX_REST_BYTES or b"\\" in beside or _KEY in beside:
        return None
    try:
        request = decode_rest(b"%b[%d]%b" % (head, _IN_THEIR_PLACE, tail))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return (request, scan.scanned()) if request.records == [_IN_THEIR_PLACE] else None
