"""Two parts scanned side by side say what one scan says, or nothing."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vehicle_anomaly.adapters.inbound.wire import parted_scan
from vehicle_anomaly.adapters.inbound.wire.parted_scan import scan_items
from vehicle_anomaly.adapters.inbound.wire.scanned import Shape

_MANY = 10**6
_VEHICLES = st.sampled_from(["veh-1", "},{", "}, {", "a},{b", "]"])
_TIMES = st.sampled_from(["2026-11-22T10:00:00", "2026-11-22T10:00:00Z"])
_VALUES = st.lists(
    st.one_of(st.none(), st.integers(-1000, 1000).map(lambda number: number / 4)), min_size=2, max_size=2
)
_RECORDS = st.lists(st.tuples(_VEHICLES, _TIMES, _VALUES), min_size=1, max_size=30)
_SPACE = st.sampled_from(["", " ", "\n", "  \r\n\t"])


def _array(records: list[tuple[str, str, list[float | None]]], space: str = "") -> bytes:
    texts = (
        json.dumps({"vehicle_id": vehicle, "timestamp": time, "feature_vector": values})
        for vehicle, time, values in records
    )
    return (f"{space},{space}".join(texts) + f"{space}]").encode()


@given(records=_RECORDS, space=_SPACE, behind=st.sampled_from([b"", b"}", b',"a":[{},{},{},{}]}']))
def test_two_parts_are_as_one(
    records: list[tuple[str, str, list[float | None]]], space: str, behind: bytes
) -> None:
    """Also where a vehicle's name looks like the end of a record, and where the array ends early."""
    message = _array(records, space) + behind
    one = scan_items(message, 0, Shape(2), _MANY, large=_MANY)
    two = scan_items(message, 0, Shape(2), _MANY, large=0)
    assert one is not None
    assert two is not None
    assert two[1] == one[1] == len(message) - len(behind)
    assert two[0].told(range(len(records))) == one[0].told(range(len(records)))
    for name in ("values", "spans", "instants", "has_offset"):
        np.testing.assert_array_equal(getattr(two[0], name), getattr(one[0], name))


def test_records_of_one_kind_are_read_in_two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all that is said above would be said of one part."""
    began: list[int] = []

    class Threads(ThreadPoolExecutor):
        def __init__(self, max_workers: int, thread_name_prefix: str) -> None:
            began.append(max_workers)
            super().__init__(max_workers, thread_name_prefix)

    monkeypatch.setattr(parted_scan, "ThreadPoolExecutor", Threads)
    message = _array([("veh-1", "2026-11-22T10:00:00Z", [1.0, None])] * 10)
    assert scan_items(message, 0, Shape(2), 20, large=0) is not None
    assert began == [1]


@pytest.mark.parametrize("place", [0, 4, 5, 9])
@pytest.mark.parametrize("odd", [("veh-\u00dc", [1.0, 2.0]), ("veh-1", [1.0]), ("veh-1", [1.0, 2.0, 3.0])])
def test_what_is_not_plain_in_either_part_is_left_to_the_decoder(
    place: int, odd: tuple[str, list[float | None]]
) -> None:
    """Nothing is read of such an array."""
    records: list[tuple[str, str, list[float | None]]] = [
        ("veh-1", "2026-11-22T10:00:00Z", [1.0, 2.0]) for _ in range(10)
    ]
    records[place] = (odd[0], "2026-11-22T10:00:00Z", odd[1])
    assert scan_items(_array(records), 0, Shape(2), _MANY, large=0) is None


def test_both_parts_together_lay_out_no_more_than_may_be() -> None:
    """Each alone would be few enough."""
    message = _array([("veh-1", "2026-11-22T10:00:00Z", [1.0, 2.0])] * 10)
    assert scan_items(message, 0, Shape(2), 20, large=0) is not None
    assert scan_items(message, 0, Shape(2), 18, large=0) is None


@pytest.mark.parametrize("n_bytes", range(0, 700, 7))
def test_an_array_that_is_cut_off_is_none(n_bytes: int) -> None:
    """Wherever it is cut."""
    message = _array([("veh-1", "2026-11-22T10:00:00Z", [1.0, 2.0])] * 10)[:n_bytes]
    assert scan_items(message, 0, Shape(2), _MANY, large=0) is None
