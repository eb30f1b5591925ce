"""Records in JSON → columns, by compiled code: as lines, or as the items of an array.

It reads what most records are: `vehicle_id`, `timestamp` and `feature_vector` or `features`, once each and in
any order, in plain strings and numbers (`scan_kernel`). Whatever else it meets, it stops before the record
that has it; `msgspec` decodes that one, and judges.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.adapters.inbound.wire.record_layout import (
    AT,
    DONE,
    FULL,
    HAS_ALL,
    HAS_ID,
    HAS_TIME,
    HAS_VALUES,
    ID_FROM,
    ID_TO,
    LINES,
    MAX_BYTES,
    MAX_ID,
    MAX_VALUE,
    MORE_STEPS,
    ODD,
    ROW,
    STEPS_PER_COLUMN,
    TIME_FROM,
    TIME_TO,
)
from vehicle_anomaly.adapters.inbound.wire.scan_kernel import (
    NOT_PLAIN,
    byte,
    instant,
    number,
    plain_string,
    same,
)
from vehicle_anomaly.adapters.inbound.wire.uncounted import uncounted

_VEHICLE_ID: Final = np.frombuffer(b'vehicle_id"', np.uint8)
_TIMESTAMP: Final = np.frombuffer(b'timestamp"', np.uint8)
_VECTOR: Final = np.frombuffer(b'feature_vector"', np.uint8)
_FEATURES: Final = np.frombuffer(b'features"', np.uint8)
_NULL: Final = np.frombuffer(b"null", np.uint8)

_SPACE: Final = 0x20
_TAB: Final = 0x09
_LF: Final = 0x0A
_CR: Final = 0x0D
_QUOTE: Final = 0x22
_COMMA: Final = 0x2C
_COLON: Final = 0x3A
_OPEN: Final = 0x7B
_CLOSE: Final = 0x7D
_BEGIN: Final = 0x5B
_END: Final = 0x5D
_N: Final = 0x6E


@uncounted(cache=True)
def scan(
    data: NDArray[np.uint8],
    state: NDArray[np.int64],
    as_items: bool,
    by_name: bool,
    names: NDArray[np.uint8],
    name_at: NDArray[np.int64],
    usual: NDArray[np.int64],
    values: NDArray[np.float64],
    spans: NDArray[np.int64],
    instants: NDArray[np.int64],
    has_offset: NDArray[np.uint8],
) -> int:
    """Read one record a line, blank lines being passed; or the items of an array from behind its `[`.

    Args:
        data: All of it; lines end with LF, the last one with or without.
        state: Shape (N_STATE,), where to go on; filled in with where it ended.
        as_items: Whether they are items of an array, which ends behind its `]`.
        by_name: Whether records have `features`, and not `feature_vector`.
        names: Names of the features one behind the other, as UTF-8; without `by_name` empty.
        name_at: Shape (n_features + 1,): where each begins; the last is their end.
        usual: Shape (n_features,), kept between calls: the column of the n-th name of the record before.
        values: Shape (n_rows, n_features), filled in; NaN is a missing reading.
        spans: Shape (n_rows, N_SPANS), filled in: where vehicle and timestamp stand, without their quotes.
        instants: Shape (n_rows,), filled in: microseconds since 1970 in UTC.
        has_offset: Shape (n_rows,), filled in: 0 where the timestamp has no offset from UTC.

    Returns:
        DONE; FULL when there is no row left; ODD when what begins at `state[AT]` is not plain, or is of
        another kind or length.
    """
    end = data.size
    while as_items or state[AT] < end:
        at = _space(data, state[AT], end, as_items)
        if not as_items and (at == end or data[np.uint64(at)] == _LF):
            state[AT] = min(at + 1, end)
            state[LINES] += 1
            continue
        row = state[ROW]
        if row == values.shape[0]:
            return FULL
        at = _record(
            data, at, end, as_items, row, by_name, names, name_at, usual, values, spans, instants, has_offset
        )
        if at == NOT_PLAIN:
            return ODD
        at = _space(data, at, end, as_items)
        behind = byte(data, at, end)
        if as_items:
            if behind != _COMMA and behind != _END:
                return ODD
        elif at < end and behind != _LF:
            return ODD
        state[AT] = min(at + 1, end)
        state[ROW] += 1
        state[LINES] += 1
        if as_items and behind == _END:
            return DONE
    return DONE


@uncounted(cache=True)
def shape_of(
    data: NDArray[np.uint8], at: int, over_lines: bool, name_at: NDArray[np.int64], name_to: NDArray[np.int64]
) -> int:
    """Look what kind of record begins at a position.

    Args:
        data: All of it.
        at: Where; white space may come before it.
        over_lines: Whether line ends are white space.
        name_at: Filled in, if it has `features`: where the name of each begins.
        name_to: Filled in: where it ends.

    Returns:
        How many values its `feature_vector` has; below 0, minus the number of its `features`; 0 when it is
        not plain, or has more than fit into `name_at`.
    """
    end = data.size
    at = _space(data, at, end, over_lines)
    if byte(data, at, end) != _OPEN:
        return 0
    # As far as the values, what stands before them is only passed: it is read, and judged, again.
    while True:
        at = _space(data, at + 1, end, over_lines)
        if byte(data, at, end) != _QUOTE:
            return 0
        key = at + 1
        at = plain_string(data, key, end)
        if at == NOT_PLAIN:
            return 0
        at = _space(data, at + 1, end, over_lines)
        if byte(data, at, end) != _COLON:
            return 0
        at = _space(data, at + 1, end, over_lines)
        if same(data, key, end, _VECTOR, 0, _VECTOR.size):
            n_values: int = _count(data, at, end, over_lines, name_at.size)
            return n_values
        if same(data, key, end, _FEATURES, 0, _FEATURES.size):
            n_names: int = _names(data, at, end, over_lines, name_at, name_to)
            return -n_names
        if byte(data, at, end) != _QUOTE:
            return 0
        at = plain_string(data, at + 1, end)
        if at == NOT_PLAIN:
            return 0
        at = _space(data, at + 1, end, over_lines)
        if byte(data, at, end) != _COMMA:
            return 0


@uncounted(forceinline=True)
def _count(data, at, end, over_lines, limit):  # type: ignore[no-untyped-def]
    if byte(data, at, end) != _BEGIN:
        return 0
    for count in range(1, limit + 1):
        at = _space(data, at + 1, end, over_lines)
        at = _behind_value(data, at, end)
        if at == NOT_PLAIN:
            return 0
        at = _space(data, at, end, over_lines)
        behind = byte(data, at, end)
        if behind == _END:
            return count
        if behind != _COMMA:
            return 0
    return 0


@uncounted(forceinline=True)
def _names(data, at, end, over_lines, name_at, name_to):  # type: ignore[no-untyped-def]
    if byte(data, at, end) != _OPEN:
        return 0
    for count in range(name_at.size):
        at = _space(data, at + 1, end, over_lines)
        if byte(data, at, end) != _QUOTE:
            return 0
        name_at[count] = at + 1
        at = plain_string(data, at + 1, end)
        if at == NOT_PLAIN:
            return 0
        name_to[count] = at
        at = _space(data, at + 1, end, over_lines)
        if byte(data, at, end) != _COLON:
            return 0
        at = _space(data, at + 1, end, over_lines)
        at = _behind_value(data, at, end)
        if at == NOT_PLAIN:
            return 0
        at = _space(data, at, end, over_lines)
        behind = byte(data, at, end)
        if behind == _CLOSE:
            return count + 1
        if behind != _COMMA:
            return 0
    return 0


@uncounted(forceinline=True)
def _space(data, at, end, over_lines):  # type: ignore[no-untyped-def]
    """Pass what JSON takes for white space; within lines, LF is none."""
    while at < end:
        one = data[np.uint64(at)]
        if one > _SPACE or (one != _SPACE and one != _TAB and one != _CR and not (over_lines and one == _LF)):
            return at
        at += 1
    return at


@uncounted(forceinline=True)
def _record(  # type: ignore[no-untyped-def]
    data,
    at,
    end,
    over_lines,
    row,
    by_name,
    names,
    name_at,
    usual,
    values,
    spans,
    instants,
    has_offset,
):
    """Read one record into a row; return the position behind, or NOT_PLAIN."""
    if byte(data, at, end) != _OPEN:
        return NOT_PLAIN
    begin = at
    has = 0
    while True:
        at = _space(data, at + 1, end, over_lines)
        if byte(data, at, end) != _QUOTE:
            return NOT_PLAIN
        at += 1
        if same(data, at, end, _TIMESTAMP, 0, _TIMESTAMP.size):
            part, length = HAS_TIME, _TIMESTAMP.size
        elif same(data, at, end, _VEHICLE_ID, 0, _VEHICLE_ID.size):
            part, length = HAS_ID, _VEHICLE_ID.size
        elif not by_name and same(data, at, end, _VECTOR, 0, _VECTOR.size):
            part, length = HAS_VALUES, _VECTOR.size
        elif by_name and same(data, at, end, _FEATURES, 0, _FEATURES.size):
            part, length = HAS_VALUES, _FEATURES.size
        else:
            return NOT_PLAIN
        if has & part:
            return NOT_PLAIN
        has |= part
        at = _space(data, at + length, end, over_lines)
        if byte(data, at, end) != _COLON:
            return NOT_PLAIN
        at = _space(data, at + 1, end, over_lines)
        if part == HAS_VALUES:
            if by_name:
                at = _by_name(data, at, end, over_lines, names, name_at, usual, values[row])
            else:
                at = _vector(data, at, end, over_lines, values[row])
        else:
            if byte(data, at, end) != _QUOTE:
                return NOT_PLAIN
            text = at + 1
            at = plain_string(data, text, end)
            if part == HAS_ID:
                spans[row, ID_FROM], spans[row, ID_TO] = text, at
                if not 1 <= at - text <= MAX_ID:
                    return NOT_PLAIN
            else:
                spans[row, TIME_FROM], spans[row, TIME_TO] = text, at
                micros, known = instant(data, text, at)
                if known < 0:
                    return NOT_PLAIN
                instants[row], has_offset[row] = micros, known
            at += 1
        # `values` may have found nothing plain.
        if at <= 0:
            return NOT_PLAIN
        at = _space(data, at, end, over_lines)
        behind = byte(data, at, end)
        if behind == _CLOSE:
            return at + 1 if has == HAS_ALL and at - begin < MAX_BYTES else NOT_PLAIN
        if behind != _COMMA:
            return NOT_PLAIN


@uncounted(forceinline=True)
def _value(data, at, end):  # type: ignore[no-untyped-def]
    """Read a number or null, which is NaN."""
    if byte(data, at, end) == _N:
        return np.nan, at + 4 if same(data, at, end, _NULL, 0, 4) else NOT_PLAIN
    value, at = number(data, at, end)
    if abs(value) > MAX_VALUE:
        return value, NOT_PLAIN
    return value, at


@uncounted()
def _behind_value(data, at, end):  # type: ignore[no-untyped-def]
    # Compiled once, where speed is no matter.
    return _value(data, at, end)[1]


@uncounted(forceinline=True)
def _vector(data, at, end, over_lines, row):  # type: ignore[no-untyped-def]
    if byte(data, at, end) != _BEGIN:
        return NOT_PLAIN
    last = row.size - 1
    for column in range(row.size):
        at = _space(data, at + 1, end, over_lines)
        value, at = _value(data, at, end)
        if at == NOT_PLAIN:
            return NOT_PLAIN
        row[column] = value
        at = _space(data, at, end, over_lines)
        if byte(data, at, end) != (_COMMA if column < last else _END):
            return NOT_PLAIN
    return at + 1


@uncounted(forceinline=True)
def _by_name(data, at, end, over_lines, names, name_at, usual, row):  # type: ignore[no-untyped-def]
    if byte(data, at, end) != _OPEN:
        return NOT_PLAIN
    n_columns = row.size
    for column in range(n_columns):
        row[column] = np.inf
    steps = STEPS_PER_COLUMN * n_columns + MORE_STEPS
    for place in range(n_columns):
        at = _space(data, at + 1, end, over_lines)
        if byte(data, at, end) != _QUOTE:
            return NOT_PLAIN
        name = at + 1
        column = usual[place]
        while not _is_name(data, name, end, names, name_at, column):
            column = column + 1 if column + 1 < n_columns else 0
            steps -= 1
            if column == usual[place] or steps == 0:
                return NOT_PLAIN
        usual[place] = column
        at = _space(data, name + name_at[column + 1] - name_at[column] + 1, end, over_lines)
        if byte(data, at, end) != _COLON:
            return NOT_PLAIN
        at = _space(data, at + 1, end, over_lines)
        value, at = _value(data, at, end)
        # Infinity is what no value has: else the name stands twice.
        if at == NOT_PLAIN or not np.isinf(row[column]):
            return NOT_PLAIN
        row[column] = value
        at = _space(data, at, end, over_lines)
        behind = byte(data, at, end)
        if behind == _CLOSE:
            for column in range(n_columns):
                if np.isinf(row[column]):
                    row[column] = np.nan
            return at + 1
        if behind != _COMMA:
            return NOT_PLAIN
    return NOT_PLAIN


@uncounted(forceinline=True)
def _is_name(data, at, end, names, name_at, column):  # type: ignore[no-untyped-def]
    begin = name_at[column]
    length = name_at[column + 1] - begin
    return same(data, at, end, names, begin, length) and byte(data, at + length, end) == _QUOTE
