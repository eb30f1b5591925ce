"""Rows of CSV → columns, by compiled code.

It reads rows of plain cells: no quotes, a vehicle of printable ASCII, an RFC 3339 time, numbers as JSON has
them with spaces about them or nothing. Whatever else it meets, it stops before the row that has it;
`csv_files` reads that one, and judges.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.adapters.inbound.wire.record_layout import (
    AT,
    DONE,
    FULL,
    ID_FROM,
    ID_TO,
    LINES,
    MAX_ID,
    MAX_VALUE,
    ODD,
    ROW,
    TIME_FROM,
    TIME_TO,
)
from vehicle_anomaly.adapters.inbound.wire.scan_kernel import NOT_PLAIN, byte, instant, number
from vehicle_anomaly.adapters.inbound.wire.uncounted import uncounted

# What a column may be beside the number of a feature.
VEHICLE: Final = -1
TIME: Final = -2


_SPACE: Final = 0x20
_TAB: Final = 0x09
_LF: Final = 0x0A
_CR: Final = 0x0D
_QUOTE: Final = 0x22
_COMMA: Final = 0x2C
_MINUS: Final = 0x2D
_BACKSLASH: Final = 0x5C


@uncounted(cache=True)
def scan_rows(
    data: NDArray[np.uint8],
    state: NDArray[np.int64],
    role: NDArray[np.int64],
    values: NDArray[np.float64],
    spans: NDArray[np.int64],
    instants: NDArray[np.int64],
    has_offset: NDArray[np.uint8],
) -> int:
    """Read rows; empty lines are passed.

    Args:
        data: All of it; rows end with LF or CRLF, the last one with or without.
        state: Shape (N_STATE,), where to go on; filled in with where it ended.
        role: Shape (n_columns,): the feature that each column is, or `VEHICLE` or `TIME`.
        values: Shape (n_rows, n_features), filled in; NaN is a missing reading, as is all without a column.
        spans: As for `json_kernel.scan`, filled in.
        instants: As for `json_kernel.scan`, filled in.
        has_offset: As for `json_kernel.scan`, filled in.

    Returns:
        DONE; FULL when there is no row left; ODD when the row at `state[AT]` is not plain.
    """
    end = data.size
    while state[AT] < end:
        at = _line_end(data, state[AT], end)
        if at == NOT_PLAIN:
            row = state[ROW]
            if row == values.shape[0]:
                return FULL
            at = _row(data, state[AT], end, role, values[row], spans[row], instants, has_offset, row)
            if at == NOT_PLAIN:
                return ODD
            state[ROW] += 1
        state[AT] = at
        state[LINES] += 1
    return DONE


@uncounted(forceinline=True)
def _line_end(data, at, end):  # type: ignore[no-untyped-def]
    """Return what is behind a line end; NOT_PLAIN where none is."""
    if byte(data, at, end) == _CR:
        at += 1
        if at == end:
            return NOT_PLAIN
    if at == end:
        return at
    return at + 1 if data[np.uint64(at)] == _LF else NOT_PLAIN


@uncounted(forceinline=True)
def _row(data, at, end, role, values, spans, instants, has_offset, row):  # type: ignore[no-untyped-def]
    for column in range(values.size):
        values[column] = np.nan
    for column in range(role.size):
        if column > 0:
            if byte(data, at, end) != _COMMA:
                return NOT_PLAIN
            at += 1
        part = role[column]
        begin = at
        if part >= 0:
            value, at = _value(data, at, end)
            if at == NOT_PLAIN:
                return NOT_PLAIN
            values[part] = value
        elif part == VEHICLE:
            at = _text_end(data, at, end)
            spans[ID_FROM], spans[ID_TO] = begin, at
            if not 1 <= at - begin <= MAX_ID:
                return NOT_PLAIN
        else:
            at = _text_end(data, at, end)
            spans[TIME_FROM], spans[TIME_TO] = begin, at
            micros, known = instant(data, begin, at)
            if known < 0:
                return NOT_PLAIN
            instants[row], has_offset[row] = micros, known
    return _line_end(data, at, end)


@uncounted(forceinline=True)
def _text_end(data, at, end):  # type: ignore[no-untyped-def]
    """Return where a text of printable ASCII ends that is the same in CSV and in JSON."""
    while at < end:
        one = data[np.uint64(at)]
        if one < _SPACE or one > 0x7E or one == _COMMA or one == _QUOTE or one == _BACKSLASH:
            break
        at += 1
    return at


@uncounted(forceinline=True)
def _blank(data, at, end):  # type: ignore[no-untyped-def]
    while at < end and (data[np.uint64(at)] == _SPACE or data[np.uint64(at)] == _TAB):
        at += 1
    return at


@uncounted(forceinline=True)
def _value(data, at, end):  # type: ignore[no-untyped-def]
    """Read a number, or nothing, which is NaN."""
    begin = _blank(data, at, end)
    behind = byte(data, begin, end)
    if begin == end or behind == _COMMA or behind == _LF or behind == _CR:
        return np.nan, begin
    value, at = number(data, begin, end)
    if at == NOT_PLAIN or abs(value) > MAX_VALUE:
        return value, NOT_PLAIN
    if value == 0.0 and behind == _MINUS:
        # A cell is always a float, whose zero has a sign.
        value = -0.0
    return value, _blank(data, at, end)
