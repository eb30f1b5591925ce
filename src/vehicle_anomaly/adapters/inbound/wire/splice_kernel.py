"""Verdicts, as text, put together by compiled code from what the records, the model and the encoder say."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.adapters.inbound.wire.record_layout import ID_FROM, ID_TO, TIME_FROM, TIME_TO
from vehicle_anomaly.adapters.inbound.wire.uncounted import uncounted

# Pieces of a verdict: before the vehicle, the timestamp, the score, the percentile, and to the end.
N_PIECES: Final = 5

_COMMA: Final = 0x2C
_END: Final = 0x5D
_Z: Final = 0x5A

# Vehicles that are remembered.
_REMEMBERED_BITS: Final = 12
_REMEMBERED: Final = 2**_REMEMBERED_BITS
_FNV_OFFSET: Final = np.uint64(0xCBF29CE484222325)
_FNV_PRIME: Final = np.uint64(0x100000001B3)
# Brings what differs in the last bytes to the upper bits (Fibonacci hashing).
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


@uncounted(cache=True)
def splice(
    data: NDArray[np.uint8],
    spans: NDArray[np.int64],
    has_offset: NDArray[np.uint8],
    pieces: NDArray[np.uint8],
    piece_at: NDArray[np.int64],
    scores: NDArray[np.uint8],
    percentiles: NDArray[np.uint8],
    others: NDArray[np.uint8],
    other_at: NDArray[np.int64],
    other_row: NDArray[np.int64],
    replaces: NDArray[np.uint8],
    separator: int,
    out: NDArray[np.uint8],
) -> int:
    """Write a verdict for each row, and what is to stand between or instead of them.

    Args:
        data: Where the spans are.
        spans: Shape (n_rows, N_SPANS): of vehicles and timestamps.
        has_offset: Shape (n_rows,): 0 adds the Z of UTC to the timestamp.
        pieces: What stands between the fields, one behind the other.
        piece_at: Shape (N_PIECES + 1,): where each begins, and their end.
        scores: A JSON array of numbers, one per row.
        percentiles: As `scores`; empty where the verdicts have none.
        others: Whole texts, one behind the other.
        other_at: Shape (n_others + 1,): where each begins, and their end.
        other_row: Shape (n_others,), rising: the row it stands before, or in whose place.
        replaces: Shape (n_others,): 1 where it stands in the row's place.
        separator: Comes after each, the last one too.
        out: Filled in; its size is for the caller to see to.

    Returns:
        How much of it.
    """
    n_rows, n_others = spans.shape[0], other_row.size
    to = 0
    score_at, percentile_at = 1, 1
    other = 0
    for row in range(n_rows + 1):
        replaced = False
        while other < n_others and other_row[other] <= row:
            to = _copied(others, other_at[other], other_at[other + 1], out, to)
            out[np.uint64(to)] = separator
            to += 1
            replaced = replaced or replaces[other] != 0
            other += 1
        if row == n_rows:
            break
        score_to = _item_end(scores, score_at)
        percentile_to = _item_end(percentiles, percentile_at)
        if not replaced:
            to = _copied(pieces, piece_at[0], piece_at[1], out, to)
            to = _copied(data, spans[row, ID_FROM], spans[row, ID_TO], out, to)
            to = _copied(pieces, piece_at[1], piece_at[2], out, to)
            to = _copied(data, spans[row, TIME_FROM], spans[row, TIME_TO], out, to)
            if has_offset[row] == 0:
                out[np.uint64(to)] = _Z
                to += 1
            to = _copied(pieces, piece_at[2], piece_at[3], out, to)
            to = _copied(scores, score_at, score_to, out, to)
            to = _copied(pieces, piece_at[3], piece_at[4], out, to)
            to = _copied(percentiles, percentile_at, percentile_to, out, to)
            to = _copied(pieces, piece_at[4], piece_at[5], out, to)
            out[np.uint64(to)] = separator
            to += 1
        score_at, percentile_at = score_to + 1, percentile_to + 1
    return to


@numba.njit(nogil=True, cache=True)
def number_vehicles(
    data: NDArray[np.uint8], spans: NDArray[np.int64], numbers: NDArray[np.int64], first: NDArray[np.int64]
) -> int:
    """Number the vehicles of rows, so that each name is made once and not in every row.

    It remembers so many at a time and no chains of them: a vehicle may have several numbers, and who makes up
    names gains nothing by it.

    Args:
        data: Where the spans are.
        spans: Shape (n_rows, N_SPANS).
        numbers: Shape (n_rows,), filled in.
        first: Shape (n_rows,), filled in: the row in which each number first stands.

    Returns:
        How many numbers there are.
    """
    known = np.full(_REMEMBERED, -1, np.int64)
    n_known = 0
    for row in range(spans.shape[0]):
        begin, end = spans[row, ID_FROM], spans[row, ID_TO]
        mixed = _FNV_OFFSET
        for at in range(begin, end):
            mixed = (mixed ^ np.uint64(data[np.uint64(at)])) * _FNV_PRIME
        slot = np.int64((mixed * _GOLDEN) >> np.uint64(64 - _REMEMBERED_BITS))
        vehicle = known[slot]
        if vehicle < 0 or not _alike(
            data, begin, end, spans[first[vehicle], ID_FROM], spans[first[vehicle], ID_TO]
        ):
            vehicle = n_known
            first[vehicle] = row
            known[slot] = vehicle
            n_known += 1
        numbers[row] = vehicle
    return n_known


@uncounted(forceinline=True)
def _copied(source, begin, end, out, to):  # type: ignore[no-untyped-def]
    for at in range(begin, end):
        out[np.uint64(to + at - begin)] = source[np.uint64(at)]
    return to + end - begin


@uncounted(forceinline=True)
def _item_end(numbers, at):  # type: ignore[no-untyped-def]
    while at < numbers.size and numbers[np.uint64(at)] != _COMMA and numbers[np.uint64(at)] != _END:
        at += 1
    return at


@uncounted(forceinline=True)
def _alike(data, begin, end, other, other_end):  # type: ignore[no-untyped-def]
    if end - begin != other_end - other:
        return False
    for place in range(end - begin):
        if data[np.uint64(begin + place)] != data[np.uint64(other + place)]:
            return False
    return True
