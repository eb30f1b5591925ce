"""What texts are made of, read from bytes by compiled code: numbers, times, short plain strings.

Everything here knows the plain common form only, and says of anything else that it does not know it: nothing
is refused. Positions are of bytes; `end` is the first that is not there, and no byte from there on is read.
What is read is exactly what the strict decoder makes of the same bytes; tests hold it to that.

numba compiles these into the kernels that call them, and does not see when they change: then what it keeps of
those in `__pycache__` has to go.
"""

from typing import Final

import numpy as np

from vehicle_anomaly.adapters.inbound.wire.uncounted import uncounted

NOT_PLAIN: Final = -1
"""In place of a position: what stands there is not of the plain form."""

_QUOTE: Final = 0x22
_BACKSLASH: Final = 0x5C
_MINUS: Final = 0x2D
_PLUS: Final = 0x2B
_POINT: Final = 0x2E
_COLON: Final = 0x3A
_ZERO: Final = 0x30
_NINE: Final = 0x39

# So many digits fit into 64 bits whatever they are.
_MAX_DIGITS: Final = 19
# Powers of ten that a float64 holds exactly.
_EXACT_POWERS: Final = np.array([10.0**power for power in range(23)])
_MAX_EXACT_POWER: Final = 22
_MAX_EXACT_INTEGER: Final = np.uint64(2**53)

# Powers of five to 128 bits: enough for every magnitude between 1e-60 and float32's largest.
_LEAST_POWER: Final = -80
_LARGEST_POWER: Final = 40


def _power_of_five(power: int) -> int:
    """Return the upper 128 bits of 5^power, as in Lemire, "Number Parsing at a Gigabyte per Second"."""
    if power >= 0:
        five = int(5**power)
        excess = five.bit_length() - 128
        return five >> excess if excess > 0 else five << -excess
    five = int(5**-power)
    reciprocal = (1 << (five.bit_length() + 127)) // five + 1
    excess = reciprocal.bit_length() - 128
    return reciprocal >> excess


_FIVES: Final = [_power_of_five(power) for power in range(_LEAST_POWER, _LARGEST_POWER + 1)]
_FIVES_HIGH: Final = np.array([five >> 64 for five in _FIVES], np.uint64)
_FIVES_LOW: Final = np.array([five & (2**64 - 1) for five in _FIVES], np.uint64)

_LOW_HALF: Final = np.uint64(0xFFFFFFFF)
_ALL_BITS: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
_MASK_9: Final = np.uint64(0x1FF)
_ONE: Final = np.uint64(1)
_THREE: Final = np.uint64(3)
_TEN: Final = np.uint64(10)
_32: Final = np.uint64(32)
_IMPLICIT_BIT: Final = np.uint64(2**52)
_MANTISSA: Final = np.uint64(2**52 - 1)

# Eight digits at once, as in simdjson's `parse_eight_digits_unrolled`.
_DIGITS_HIGH: Final = np.uint64(0xF0F0F0F0F0F0F0F0)
_SIXES: Final = np.uint64(0x0606060606060606)
_THREES: Final = np.uint64(0x3333333333333333)
_ZEROS: Final = np.uint64(0x3030303030303030)
_PAIRS: Final = np.uint64(0x000000FF000000FF)
_TO_MILLIONS: Final = np.uint64(0x000F424000000064)
_TO_TENTHOUSANDS: Final = np.uint64(0x0000271000000001)
_HUNDRED_MILLION: Final = np.uint64(100_000_000)

_DAYS_BEFORE: Final = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
_DAYS_IN: Final = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
# Offsets from UTC lead beyond what a datetime can hold at its ends only.
_FIRST_YEAR: Final = 2
_LAST_YEAR: Final = 9998
_DAYS_TO_1970: Final = 719_162
_MAX_FRACTION_DIGITS: Final = 6


@uncounted(forceinline=True)
def byte(data, at, end):  # type: ignore[no-untyped-def]
    """Return the byte at a position, which must not be negative; 0 beyond the end."""
    return data[np.uint64(at)] if at < end else np.uint8(0)


@uncounted(forceinline=True)
def is_digit(one):  # type: ignore[no-untyped-def]
    """Tell whether a byte is 0 to 9."""
    return _ZERO <= one <= _NINE


@uncounted(forceinline=True)
def plain_string(data, at, end):  # type: ignore[no-untyped-def]
    """Return where the quote is that ends a string of printable ASCII without escapes."""
    while at < end:
        one = data[np.uint64(at)]
        if one == _QUOTE:
            return at
        if one < 0x20 or one > 0x7E or one == _BACKSLASH:
            return NOT_PLAIN
        at += 1
    return NOT_PLAIN


@uncounted(forceinline=True)
def same(data, at, end, other, other_at, length):  # type: ignore[no-untyped-def]
    """Tell whether so many bytes from two positions are alike; those of `other` are there."""
    if at + length > end:
        return False
    for place in range(length):
        if data[np.uint64(at + place)] != other[np.uint64(other_at + place)]:
            return False
    return True


@uncounted(forceinline=True)
def _eight(data, at):  # type: ignore[no-untyped-def]
    # LLVM makes one load of it.
    eight = np.uint64(0)
    for place in range(8):
        eight |= np.uint64(data[np.uint64(at + place)]) << np.uint64(8 * place)
    return eight


@uncounted(forceinline=True)
def _digits(data, at, end, value):  # type: ignore[no-untyped-def]
    """Read on a number whose digits so far are `value`; it wraps beyond 64 bits, and the caller counts."""
    while at + 8 <= end:
        eight = _eight(data, at)
        high = (eight & _DIGITS_HIGH) | (((eight + _SIXES) & _DIGITS_HIGH) >> np.uint64(4))
        if high != _THREES:
            break
        eight -= _ZEROS
        eight = eight * _TEN + (eight >> np.uint64(8))
        eight = (
            (eight & _PAIRS) * _TO_MILLIONS + ((eight >> np.uint64(16)) & _PAIRS) * _TO_TENTHOUSANDS
        ) >> _32
        value = value * _HUNDRED_MILLION + eight
        at += 8
    while at < end:
        one = data[np.uint64(at)]
        if not is_digit(one):
            break
        value = value * _TEN + np.uint64(one - _ZERO)
        at += 1
    return value, at


@uncounted(forceinline=True)
def number(data, at, end):  # type: ignore[no-untyped-def]
    """Read a number as JSON has it: the nearest float64, and the position behind; or 0.0 and NOT_PLAIN.

    Not plain are more than 19 digits, and what is so small or large that the tables do not reach.
    """
    negative = byte(data, at, end) == _MINUS
    if negative:
        at += 1
    begun = at
    digits, at = _digits(data, at, end, np.uint64(0))
    n_digits = at - begun
    if n_digits == 0 or (n_digits > 1 and data[np.uint64(begun)] == _ZERO):
        return 0.0, NOT_PLAIN
    whole = True
    exponent = 0
    if byte(data, at, end) == _POINT:
        whole = False
        point = at + 1
        digits, at = _digits(data, point, end, digits)
        exponent = point - at
        if exponent == 0:
            return 0.0, NOT_PLAIN
        n_digits -= exponent
    if n_digits > _MAX_DIGITS:
        # Zeros in front do not count.
        place = begun
        while place < at and (data[np.uint64(place)] == _ZERO or data[np.uint64(place)] == _POINT):
            n_digits -= data[np.uint64(place)] == _ZERO
            place += 1
        if n_digits > _MAX_DIGITS:
            return 0.0, NOT_PLAIN
    if byte(data, at, end) | 0x20 == 0x65:
        whole = False
        shift, at = _exponent(data, at + 1, end)
        if at == NOT_PLAIN:
            return 0.0, NOT_PLAIN
        exponent += shift
    value = _nearest(digits, exponent)
    if value < 0.0:
        return 0.0, NOT_PLAIN
    if negative and not (whole and digits == 0):
        # The decoder takes -0 for an integer, which has no sign.
        value = -value
    return value, at


@uncounted(forceinline=True)
def _exponent(data, at, end):  # type: ignore[no-untyped-def]
    sign = byte(data, at, end)
    if sign == _MINUS or sign == _PLUS:
        at += 1
    value = np.int64(0)
    begun = at
    while at < end and is_digit(data[np.uint64(at)]):
        if at - begun > 3:
            return 0, NOT_PLAIN
        value = value * 10 + np.int64(data[np.uint64(at)] - _ZERO)
        at += 1
    if at == begun:
        return 0, NOT_PLAIN
    return (-value if sign == _MINUS else value), at


@uncounted(forceinline=True)
def _nearest(digits, exponent):  # type: ignore[no-untyped-def]
    """Return the float64 nearest to digits × 10^exponent, ties to even; -1.0 when this cannot tell."""
    if digits == 0:
        return 0.0
    if digits <= _MAX_EXACT_INTEGER and -_MAX_EXACT_POWER <= exponent <= _MAX_EXACT_POWER:
        # Both are exact, so one operation rounds once (Clinger).
        if exponent < 0:
            return np.float64(digits) / _EXACT_POWERS[-exponent]
        return np.float64(digits) * _EXACT_POWERS[exponent]
    if not _LEAST_POWER <= exponent <= _LARGEST_POWER:
        return -1.0
    return _eisel_lemire(digits, exponent)


@uncounted(forceinline=True)
def _eisel_lemire(digits, exponent):  # type: ignore[no-untyped-def]
    zeros = _leading_zeros(digits)
    digits <<= np.uint64(zeros)
    place = exponent - _LEAST_POWER
    high, low = _product(digits, _FIVES_HIGH[place])
    if high & _MASK_9 == _MASK_9:
        further, _ = _product(digits, _FIVES_LOW[place])
        low += further
        high += np.uint64(further > low)
    if low == _ALL_BITS and not -27 <= exponent <= 55:
        return -1.0
    upper = high >> np.uint64(63)
    shift = upper + np.uint64(9)
    mantissa = high >> shift
    power = ((217706 * exponent) >> 16) + 63 + np.int64(upper) - zeros + 1023
    if not 0 < power < 2046:
        return -1.0
    if low <= 1 and -4 <= exponent <= 23 and mantissa & _THREE == 1 and mantissa << shift == high:
        # Exactly between two: to the even one.
        mantissa &= ~_ONE
    mantissa += mantissa & _ONE
    mantissa >>= _ONE
    if mantissa >= _IMPLICIT_BIT << _ONE:
        mantissa = _IMPLICIT_BIT
        power += 1
    bits = np.uint64((mantissa & _MANTISSA) | (np.uint64(power) << np.uint64(52)))
    return bits.view(np.float64)


@uncounted(forceinline=True)
def _leading_zeros(bits):  # type: ignore[no-untyped-def]
    zeros = 0
    for width in (32, 16, 8, 4, 2, 1):
        if bits >> np.uint64(64 - width) == 0:
            zeros += width
            bits <<= np.uint64(width)
    return zeros


@uncounted(forceinline=True)
def _product(a, b):  # type: ignore[no-untyped-def]
    """Return the upper and the lower half of a 128-bit product."""
    a_low, a_high = a & _LOW_HALF, a >> _32
    b_low, b_high = b & _LOW_HALF, b >> _32
    low = a_low * b_low
    middle = a_high * b_low + (low >> _32)
    other = a_low * b_high + (middle & _LOW_HALF)
    return a_high * b_high + (middle >> _32) + (other >> _32), a * b


@uncounted(forceinline=True)
def _two(data, at):  # type: ignore[no-untyped-def]
    """Read two digits; -1 when they are none."""
    tens, ones = data[np.uint64(at)], data[np.uint64(at + 1)]
    if not (is_digit(tens) and is_digit(ones)):
        return -1
    return 10 * np.int64(tens - _ZERO) + np.int64(ones - _ZERO)


@uncounted(forceinline=True)
def instant(data, at, end):  # type: ignore[no-untyped-def]
    """Read all of `at` to `end` as an RFC 3339 time.

    Returns:
        Microseconds since 1970 in UTC, and 1 when it has an offset from UTC, 0 when it has none and is taken
        as UTC; -1 when it is not plain.
    """
    if end - at < 19:
        return 0, -1
    century, year = _two(data, at), _two(data, at + 2)
    month, day = _two(data, at + 5), _two(data, at + 8)
    hour, minute, second = _two(data, at + 11), _two(data, at + 14), _two(data, at + 17)
    if min(century, year, month, day, hour, minute, second) < 0:
        return 0, -1
    between = data[np.uint64(at + 10)]
    if (
        data[np.uint64(at + 4)] != _MINUS
        or data[np.uint64(at + 7)] != _MINUS
        or (between | 0x20 != 0x74 and between != 0x20)
        or data[np.uint64(at + 13)] != _COLON
        or data[np.uint64(at + 16)] != _COLON
    ):
        return 0, -1
    year += 100 * century
    if not (
        _FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12 and hour < 24 and max(minute, second) < 60
    ):
        return 0, -1
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _DAYS_IN[month - 1] + (leap and month == 2):
        return 0, -1
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - _DAYS_TO_1970
    days += _DAYS_BEFORE[month - 1] + (leap and month > 2) + day - 1
    micros = ((days * 24 + hour) * 60 + minute) * 60 + second
    fraction, at = _fraction(data, at + 19, end)
    if at == NOT_PLAIN:
        return 0, -1
    shift, known = _offset(data, at, end)
    return (micros - 60 * shift) * 1_000_000 + fraction, known


@uncounted(forceinline=True)
def _fraction(data, at, end):  # type: ignore[no-untyped-def]
    """Read microseconds behind a point, if there is one."""
    if byte(data, at, end) != _POINT:
        return 0, at
    at += 1
    begun = at
    micros = np.int64(0)
    while at < end and is_digit(data[np.uint64(at)]):
        if at - begun == _MAX_FRACTION_DIGITS:
            return 0, NOT_PLAIN
        micros = 10 * micros + np.int64(data[np.uint64(at)] - _ZERO)
        at += 1
    if at == begun:
        return 0, NOT_PLAIN
    for _ in range(at - begun, _MAX_FRACTION_DIGITS):
        micros *= 10
    return micros, at


@uncounted(forceinline=True)
def _offset(data, at, end):  # type: ignore[no-untyped-def]
    """Read an offset from UTC in minutes; and 1, 0 when there is none, -1 when it is not plain."""
    if at == end:
        return 0, 0
    sign = data[np.uint64(at)]
    if sign | 0x20 == 0x7A and at + 1 == end:
        return 0, 1
    if (sign != _PLUS and sign != _MINUS) or at + 6 != end or data[np.uint64(at + 3)] != _COLON:
        return 0, -1
    hours, minutes = _two(data, at + 1), _two(data, at + 4)
    if not (0 <= hours < 24 and 0 <= minutes < 60):
        return 0, -1
    shift = 60 * hours + minutes
    return (-shift if sign == _MINUS else shift), 1
