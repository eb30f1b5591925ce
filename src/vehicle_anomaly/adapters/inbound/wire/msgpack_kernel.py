"""Records in MessagePack → columns, by compiled code; as `json_kernel`, and as careful.

It reads maps of three: vehicle and timestamp in strings of printable ASCII, and values of any number type, or
nil. Whatever else it meets, it stops before the record that has it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.adapters.inbound.wire.record_layout import (
    AT,
    DONE,
    FULL,
    HAS_ID,
    HAS_TIME,
    HAS_VALUES,
    ID_FROM,
    ID_TO,
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
from vehicle_anomaly.adapters.inbound.wire.scan_kernel import NOT_PLAIN, byte, instant, same
from vehicle_anomaly.adapters.inbound.wire.uncounted import uncounted

_VEHICLE_ID: Final = np.frombuffer(b"vehicle_id", np.uint8)
_TIMESTAMP: Final = np.frombuffer(b"timestamp", np.uint8)
_VECTOR: Final = np.frombuffer(b"feature_vector", np.uint8)
_FEATURES: Final = np.frombuffer(b"features", np.uint8)


@uncounted(cache=True)
def scan(
    data: NDArray[np.uint8],
    state: NDArray[np.int64],
    n_records: int,
    by_name: bool,
    names: NDArray[np.uint8],
    name_at: NDArray[np.int64],
    usual: NDArray[np.int64],
    values: NDArray[np.float64],
    spans: NDArray[np.int64],
    instants: NDArray[np.int64],
    has_offset: NDArray[np.uint8],
) -> int:
    """Read so many records that stand one behind the other; all else as `json_kernel.scan`."""
    end = data.size
    while state[ROW] < n_records:
        row = state[ROW]
        if row == values.shape[0]:
            return FULL
        at = _record(
            data, state[AT], end, row, by_name, names, name_at, usual, values, spans, instants, has_offset
        )
        if at == NOT_PLAIN:
            return ODD
        state[AT] = at
        state[ROW] += 1
    return DONE


@uncounted(cache=True)
def shape_of(data: NDArray[np.uint8], at: int, name_at: NDArray[np.int64], name_to: NDArray[np.int64]) -> int:
    """Look what kind of record begins at a position; as `json_kernel.shape_of`."""
    end = data.size
    n_fields, at = _count(data, at, end, 0x80, 0xDE)
    for _ in range(min(n_fields, 3)):
        key, length, at = _string(data, at, end)
        if at == NOT_PLAIN:
            return 0
        if _is(data, key, length, _VECTOR):
            n_values, at = _count(data, at, end, 0x90, 0xDC)
            return int(n_values) if 0 < n_values <= name_at.size else 0
        if _is(data, key, length, _FEATURES):
            n_values, at = _count(data, at, end, 0x80, 0xDE)
            if not 0 < n_values <= name_at.size:
                return 0
            for place in range(n_values):
                key, length, at = _string(data, at, end)
                if at == NOT_PLAIN:
                    return 0
                name_at[place], name_to[place] = key, key + length
                at = _behind_value(data, at, end)
                if at == NOT_PLAIN:
                    return 0
            return -int(n_values)
        _, _, at = _string(data, at, end)
        if at == NOT_PLAIN:
            return 0
    return 0


@uncounted(forceinline=True)
def _count(data, at, end, few, many):  # type: ignore[no-untyped-def]
    """Read how long a map or an array is, which begins with `few`, `many`, or for 32 bits one more."""
    if at >= end:
        return -1, NOT_PLAIN
    first = data[np.uint64(at)]
    if few <= first <= few + 15:
        return np.int64(first - few), at + 1
    if first == many and at + 3 <= end:
        return np.int64(_bits(data, at + 1, 2)), at + 3
    if first == many + 1 and at + 5 <= end:
        return np.int64(_bits(data, at + 1, 4)), at + 5
    return -1, NOT_PLAIN


@uncounted(forceinline=True)
def _bits(data, at, n_bytes):  # type: ignore[no-untyped-def]
    bits = np.uint64(0)
    for place in range(n_bytes):
        bits = (bits << np.uint64(8)) | np.uint64(data[np.uint64(at + place)])
    return bits


@uncounted(forceinline=True)
def _string(data, at, end):  # type: ignore[no-untyped-def]
    """Read a string of up to 255 bytes of printable ASCII: where it begins, its length, and its end."""
    first = byte(data, at, end)
    begin = at + 1
    length = np.int64(0)
    if 0xA0 <= first <= 0xBF:
        length = np.int64(first) - 0xA0
    elif first == 0xD9:
        length = np.int64(byte(data, begin, end))
        begin += 1
    else:
        return 0, 0, NOT_PLAIN
    if begin + length > end:
        return 0, 0, NOT_PLAIN
    for place in range(begin, begin + length):
        one = data[np.uint64(place)]
        if one < 0x20 or one > 0x7E or one == 0x22 or one == 0x5C:
            return 0, 0, NOT_PLAIN
    return begin, length, begin + length


@uncounted(forceinline=True)
def _is(data, at, length, word):  # type: ignore[no-untyped-def]
    return length == word.size and same(data, at, at + length, word, 0, length)


@uncounted(forceinline=True)
def _value(data, at, end):  # type: ignore[no-untyped-def]
    """Read a number or nil, which is NaN."""
    if at >= end:
        return 0.0, NOT_PLAIN
    first = data[np.uint64(at)]
    at += 1
    if first == 0xCB:
        if at + 8 > end:
            return 0.0, NOT_PLAIN
        bits = np.uint64(_bits(data, at, 8))
        value = bits.view(np.float64)
        # NaN fails it too.
        return value, at + 8 if abs(value) <= MAX_VALUE else NOT_PLAIN
    if first == 0xC0:
        return np.nan, at
    if first <= 0x7F:
        return np.float64(first), at
    if first >= 0xE0:
        return np.float64(np.int64(first) - 256), at
    if first == 0xCA:
        if at + 4 > end:
            return 0.0, NOT_PLAIN
        word = np.uint32(_bits(data, at, 4))
        single = np.float64(word.view(np.float32))
        return single, at + 4 if abs(single) <= MAX_VALUE else NOT_PLAIN
    if 0xCC <= first <= 0xD3:
        width = np.int64(1) << np.int64((first - 0xCC) & 3)
        if at + width > end:
            return 0.0, NOT_PLAIN
        bits = np.uint64(_bits(data, at, width))
        if first <= 0xCF:
            return np.float64(bits), at + width
        # The sign is brought to the top and back.
        shift = 64 - 8 * width
        return np.float64(np.int64(bits << np.uint64(shift)) >> shift), at + width
    return 0.0, NOT_PLAIN


@uncounted()
def _behind_value(data, at, end):  # type: ignore[no-untyped-def]
    # Compiled once, where speed is no matter.
    return _value(data, at, end)[1]


@uncounted(forceinline=True)
def _record(data, at, end, row, by_name, names, name_at, usual, values, spans, instants, has_offset):  # type: ignore[no-untyped-def]
    begin = at
    n_fields, at = _count(data, at, end, 0x80, 0xDE)
    if n_fields != 3:
        return NOT_PLAIN
    has = 0
    for _ in range(3):
        key, length, at = _string(data, at, end)
        if at == NOT_PLAIN:
            return NOT_PLAIN
        if _is(data, key, length, _VECTOR) and not by_name:
            has |= HAS_VALUES
            at = _vector(data, at, end, values[row])
        elif _is(data, key, length, _FEATURES) and by_name:
            has |= HAS_VALUES
            at = _by_name(data, at, end, names, name_at, usual, values[row])
        elif _is(data, key, length, _VEHICLE_ID):
            has |= HAS_ID
            text, length, at = _string(data, at, end)
            if not 1 <= length <= MAX_ID:
                return NOT_PLAIN
            spans[row, ID_FROM], spans[row, ID_TO] = text, text + length
        elif _is(data, key, length, _TIMESTAMP):
            has |= HAS_TIME
            text, length, at = _string(data, at, end)
            micros, known = instant(data, text, text + length)
            if known < 0:
                return NOT_PLAIN
            spans[row, TIME_FROM], spans[row, TIME_TO] = text, text + length
            instants[row], has_offset[row] = micros, known
        else:
            return NOT_PLAIN
        if at == NOT_PLAIN:
            return NOT_PLAIN
    # Of three fields none stands twice if all are there.
    whole = has == HAS_ID | HAS_TIME | HAS_VALUES and at - begin <= MAX_BYTES
    return at if whole else NOT_PLAIN


@uncounted(forceinline=True)
def _vector(data, at, end, row):  # type: ignore[no-untyped-def]
    n_values, at = _count(data, at, end, 0x90, 0xDC)
    if n_values != row.size:
        return NOT_PLAIN
    for column in range(row.size):
        value, at = _value(data, at, end)
        if at == NOT_PLAIN:
            return NOT_PLAIN
        row[column] = value
    return at


@uncounted(forceinline=True)
def _by_name(data, at, end, names, name_at, usual, row):  # type: ignore[no-untyped-def]
    n_values, at = _count(data, at, end, 0x80, 0xDE)
    n_columns = row.size
    if not 0 < n_values <= n_columns:
        return NOT_PLAIN
    for column in range(n_columns):
        row[column] = np.inf
    steps = STEPS_PER_COLUMN * n_columns + MORE_STEPS
    for place in range(n_values):
        name, length, at = _string(data, at, end)
        if at == NOT_PLAIN:
            return NOT_PLAIN
        column = usual[place]
        while length != name_at[column + 1] - name_at[column] or not same(
            data, name, end, names, name_at[column], length
        ):
            column = column + 1 if column + 1 < n_columns else 0
            steps -= 1
            if column == usual[place] or steps == 0:
                return NOT_PLAIN
        usual[place] = column
        value, at = _value(data, at, end)
        # Infinity is what no value has: else the name stands twice.
        if at == NOT_PLAIN or not np.isinf(row[column]):
            return NOT_PLAIN
        row[column] = value
    for column in range(n_columns):
        if np.isinf(row[column]):
            row[column] = np.nan
    return at
