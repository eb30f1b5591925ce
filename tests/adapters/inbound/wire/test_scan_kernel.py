"""What compiled code reads out of bytes is what the strict decoder makes of them, to the last bit."""

import struct
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import msgspec
import numba
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vehicle_anomaly.adapters.inbound.wire import scan_kernel

_decode = msgspec.json.Decoder(float).decode


@numba.njit
def _numbers(data: np.ndarray, begin: np.ndarray, values: np.ndarray, ends: np.ndarray) -> None:
    for item in range(values.size):
        values[item], ends[item] = scan_kernel.number(data, begin[item], begin[item + 1])


@numba.njit
def _instant(data: np.ndarray) -> tuple[int, int]:
    micros: tuple[int, int] = scan_kernel.instant(data, 0, data.size)
    return micros


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    _check_numbers(["1"])
    _instant(np.frombuffer(b"", np.uint8))


def _check_numbers(texts: list[str]) -> int:
    """Hold each that is plain to the decoder; return how many are."""
    data = np.frombuffer("".join(texts).encode(), np.uint8)
    begin = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    values, ends = np.empty(len(texts)), np.empty(len(texts), np.int64)
    _numbers(data, begin, values, ends)
    plain = 0
    for text, value, start, end in zip(texts, values.tolist(), begin.tolist(), ends.tolist(), strict=False):
        if end == scan_kernel.NOT_PLAIN:
            continue
        # It stops where the number ends, whatever comes then.
        number = text[: end - start]
        assert struct.pack("<d", value) == struct.pack("<d", _decode(number.encode())), number
        plain += end - start == len(text)
    return plain


def _random_numbers(random: Random, n_numbers: int) -> list[str]:
    texts = []
    for _ in range(n_numbers):
        kind = random.randrange(6)
        if kind == 0:
            texts.append(repr(struct.unpack("<f", struct.pack("<I", random.randrange(0x7F80_0000)))[0]))
        elif kind == 1:
            texts.append(repr(random.gauss(0, 1) * 10.0 ** random.randrange(-30, 30)))
        elif kind == 2:
            texts.append(f"{random.gauss(0, 1) * 10.0 ** random.randrange(-40, 35):.17g}")
        elif kind == 3:
            texts.append(f"{random.getrandbits(random.randrange(1, 64))}e{random.randrange(-60, 20)}")
        elif kind == 4:
            # Halfway between two, where only the last digit tells; as many digits as it takes, or 17.
            halfway = Decimal(2 * (random.getrandbits(52) | 1 << 52) + 1) * Decimal(2) ** random.randrange(
                -9, 9
            )
            texts.append(str(halfway if random.random() < 0.5 else +halfway.quantize(Decimal(1))))
        else:
            texts.append(f"{random.gauss(0, 1000):.{random.randrange(12)}f}")
    return texts


def test_numbers_are_the_decoders_to_the_last_bit() -> None:
    texts = _random_numbers(Random(1), 20_000)
    # Most numbers are read, or there would be no use in it.
    assert _check_numbers(texts) > 0.7 * len(texts)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(50))
def test_millions_of_numbers_are_the_decoders_to_the_last_bit(seed: int) -> None:
    assert _check_numbers(_random_numbers(Random(seed), 200_000)) > 0


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([repr, "{:.17g}".format, "{:.20e}".format]),
)
@example(5e-324, repr)
@example(2.2250738585072014e-308, repr)
def test_any_double_is_the_decoders_or_not_plain(value: float, written: object) -> None:
    _check_numbers([written(value)])  # type: ignore[operator]


@given(st.from_regex(r"-?[0-9]{0,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{0,5})?[,\]} a-z]?", fullmatch=True))
@example("-0")
@example("-0.0")
@example("-0e0")
@example("0e99999")
@example("1e99999")
@example("9007199254740993")
@example("9999999999999999999")
@example("18446744073709551616")
@example("0.000000000000000000000000000001234567890123456789")
@example("1" * 400)
@example("01")
@example("1.")
@example("1e")
def test_what_looks_like_a_number_is_the_decoders_or_not_plain(text: str) -> None:
    _check_numbers([text])


_TIMES = st.builds(
    "{}-{:02}-{:02}{}{:02}:{:02}:{:02}{}{}".format,
    st.sampled_from(["2026", "2024", "2000", "1900", "1970", "1969", "0001", "0002", "9998", "9999", "1"]),
    st.integers(0, 13),
    st.integers(0, 32),
    st.sampled_from(["T", "t", " ", "_"]),
    st.integers(0, 25),
    st.integers(0, 61),
    st.integers(0, 61),
    st.sampled_from(["", ".", ".1", ".123456", ".1234567", ".000001"]),
    st.sampled_from(["", "Z", "z", "+05:30", "-00:00", "-23:59", "+24:00", "+0530", "Zz", "+5:30"]),
)


@given(_TIMES, st.integers(0, 40), st.sampled_from([*"0:-TZ+. x", ""]))
@example("2026-11-22T10:00:00Z", 40, "")
@example("2024-02-29T10:00:00Z", 40, "")
@example("2023-02-29T10:00:00Z", 40, "")
def test_times_are_the_decoders_or_not_plain(text: str, position: int, changed: str) -> None:
    text = text[:position] + changed + text[position + 1 :]
    micros, has_offset = _instant(np.frombuffer(text.encode(), np.uint8))
    if has_offset < 0:
        return
    moment = msgspec.convert(text, datetime)
    assert (moment.tzinfo is not None) == bool(has_offset)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    assert np.datetime64(micros, "us") == np.datetime64(moment.replace(tzinfo=None), "us")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T10:00:00Z",
        "2026-11-22T10:00:00.123456+05:30",
        "2026-11-22 10:00:00",
        "2024-02-29T23:59:59.1z",
    ],
)
def test_usual_times_are_plain(text: str) -> None:
    assert _instant(np.frombuffer(text.encode(), np.uint8))[1] >= 0
