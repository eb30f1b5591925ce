"""Numbers in sentences: what differs looks different, and nothing has more digits than that takes."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vehicle_anomaly.core.told_apart import rounded, smallest_step, told_apart

# What a sensor may read: that is single precision's.
finite = st.floats(-3.4e38, 3.4e38)
near = st.builds(lambda start, step: start + step, st.floats(-1e9, 1e9), st.floats(-1e-3, 1e-3))
sensors = st.lists(st.one_of(finite, near, st.floats(-1e6, 1e6)), min_size=1, max_size=4)
thorough = settings(max_examples=500, database=None)


@thorough
@example([1.0, 1.0000000000000002])
@example([0.0, 5e-324, 1e10])
@example([-3.4e38, 3.4e38])
@example([999.95, 999.96, 1000.0])
@given(sensors)
def test_what_differs_looks_different_and_keeps_its_order(numbers: list[float]) -> None:
    texts = told_apart(*numbers)

    ordered = sorted(zip(numbers, texts, strict=True))
    for (low, below), (high, above) in pairwise(ordered):
        if low < high:
            assert float(below) < float(above), (below, above)
        else:
            assert float(below) == pytest.approx(float(above), rel=1e-3)


@thorough
@given(sensors)
def test_each_is_within_the_smallest_difference_of_what_it_tells(numbers: list[float]) -> None:
    step = smallest_step(numbers)

    for number, text in zip(numbers, told_apart(*numbers), strict=True):
        assert abs(float(text) - number) <= min(step, 1e-3 * abs(number))


@thorough
@given(sensors)
def test_none_has_digits_that_say_nothing(numbers: list[float]) -> None:
    for text in told_apart(*numbers):
        assert text != "-0"
        digits = text.partition("e")[0]
        assert "." not in digits or not digits.endswith(("0", "."))
        assert len(text.lstrip("-").replace(".", "").lstrip("0").partition("e")[0]) <= 17


@thorough
@given(st.floats(min_value=1e-4, max_value=9_999_999_999, exclude_min=True), finite)
def test_what_sensors_read_is_written_without_powers_of_ten(number: float, other: float) -> None:
    assert all("e" not in told_apart(*pair)[0] for pair in ((number, other), (-number, other)))
    assert "e" not in told_apart(other, number)[1]


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ((101345.0, 101325.0), ["101345", "101325"]),
        ((101345.0, 101325.25, 101326.0), ["101345", "101325.2", "101326"]),
        ((1.000002, 1.0), ["1.000002", "1"]),
        ((1_700_000_000.0, 1_700_000_128.0), ["1700000000", "1700000128"]),
        ((1_013_250.5,), ["1013250.5"]),
        ((120_902_000.25, 120_903_125.0), ["120902000", "120903125"]),
        ((19.37, 88.76123, 80.0), ["19.37", "88.76", "80"]),
        ((19.370000001, 88.76123), ["19.37", "88.76"]),
        ((19.370000839233398, 88.75999), ["19.37", "88.76"]),
        ((813.25, 1805.318), ["813.25", "1805"]),
        ((-0.0, -40.0), ["0", "-40"]),
        ((0.0, -0.0), ["0", "0"]),
        ((65535.0, 812.3456, 0.0012345), ["65535", "812.3", "0.001234"]),
        ((9999.7, 9999.6), ["9999.7", "9999.6"]),
        ((0.0001, 0.00002), ["0.0001", "2e-05"]),
        ((5e-05, 1e300), ["5e-05", "1e+300"]),
        ((1.7e12, 1_700_000_000_128.0), ["1.7e+12", "1.70000000013e+12"]),
        ((3.4e38, 1.0), ["3.4e+38", "1"]),
        ((10.0, 99999.7), ["10", "100000"]),
    ],
)
def test_numbers_of_a_sentence(numbers: tuple[float, ...], texts: list[str]) -> None:
    assert told_apart(*numbers) == texts


def test_thousands_stand_apart_where_that_is_wanted() -> None:
    assert rounded(29_123_456.0, 1e6, ",") == "29,123,456"
    assert rounded(1470.0, 1e6, ",") == "1,470"
    assert rounded(-2.5, 1e6, ",") == "-2.5"


def test_nothing_is_written_of_what_was_not_there() -> None:
    assert told_apart(None, 99999.7) == ["", "100000"]
