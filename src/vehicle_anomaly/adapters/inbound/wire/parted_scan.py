"""The items of a large array scanned in two parts, side by side.

Where a record ends, only who has read all before it knows. So a place near the middle where one seems to end
is guessed, and what was read behind it counts only if the scan of what stands before came to just this place.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from vehicle_anomaly.adapters.inbound.wire.scanned import Scan, Scanned, Shape, as_array, most_records

# Half a millisecond of work for each part: below this, a thread costs more than it saves.
_LARGE: Final = 512 * 1024
# How far from the middle an end is looked for; a record that is longer has many values, and is scanned fast.
_WINDOW: Final = 64 * 1024
_BETWEEN_RECORDS: Final = re.compile(rb"\}[ \t\r\n]{0,64},(?=[ \t\r\n]{0,64}\{)")


def scan_items(
    message: bytes, begin: int, shape: Shape, max_values: int, large: int = _LARGE
) -> tuple[Scanned, int] | None:
    """Read the items of an array.

    Args:
        message: Where it stands.
        begin: Behind its `[`.
        shape: Of the records; its names are all plain.
        max_values: Records times features that may be laid out.
        large: Bytes from which on two parts are read.

    Returns:
        The records, and where the array has ended; None when they are not all plain, or too many.
    """
    if len(message) - begin >= large:
        found = _in_two(message, begin, shape, max_values)
        if found is not None:
            return found
    scan = Scan(as_array(message), shape, most_records(len(message) - begin, shape, max_values), begin)
    return (scan.scanned(), scan.at) if scan.items() else None


def _in_two(message: bytes, begin: int, shape: Shape, max_values: int) -> tuple[Scanned, int] | None:
    near = begin + (len(message) - begin) // 2
    found = _BETWEEN_RECORDS.search(message, near, near + _WINDOW)
    if found is None:
        return None
    data, middle = as_array(message), found.end()
    in_first, in_second = (
        most_records(n_bytes, shape, max_values) for n_bytes in (middle - begin, len(message) - middle)
    )
    room = Scanned.with_room(data, shape, in_first + in_second)
    first = Scan(data[:middle], shape, in_first, begin, room.part(slice(in_first)))
    second = Scan(data, shape, in_second, middle, room.part(slice(in_first, None)))
    with ThreadPoolExecutor(1, "scan") as other:
        ended = other.submit(second.items)
        if first.items() or first.at != middle or not ended.result():
            return None
    n_records = first.n_records + second.n_records
    if n_records * shape.n_features > max_values:
        return None
    # To where the first have ended: memory that is new would cost more than to move what is there.
    room.move(slice(in_first, in_first + second.n_records), first.n_records)
    return room.part(slice(n_records)), second.at
