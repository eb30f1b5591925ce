"""Records on the wire and the batches they make."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import numpy as np
import pytest

from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.readings import (
    MAX_RECORD_BYTES,
    decode_readings,
    to_batch,
    to_reading,
)
from vehicle_anomaly.adapters.inbound.wire.requests import TelemetryRecord
from vehicle_anomaly.core.errors import (
    EmptyBatch,
    InvalidFeatureNames,
    InvalidReading,
    InvalidTelemetry,
    UnknownFeature,
    UnnamedFeatures,
    WrongFeatureCount,
)
from vehicle_anomaly.core.telemetry import MAX_FEATURES, NamedValues, Reading, Vector

TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)


def _readings(values: Sequence[Vector | NamedValues]) -> list[Reading]:
    return [Reading(f"v{i}", TEN + timedelta(seconds=i), one) for i, one in enumerate(values)]


@pytest.mark.parametrize(
    ("sent", "moment", "answered"),
    [
        ("2026-11-22T10:00:00Z", TEN, "2026-11-22T10:00:00Z"),
        ("2026-11-22T12:30:00+02:30", TEN, "2026-11-22T12:30:00+02:30"),
        ("2026-11-22T10:00:00", TEN, "2026-11-22T10:00:00Z"),
    ],
)
def test_times(sent: str, moment: datetime, answered: str) -> None:
    reading, text = to_reading(TelemetryRecord("v", sent, [1.0]))
    assert (reading.timestamp, text) == (moment, answered)
    assert reading.timestamp.utcoffset() == timedelta(0)


@pytest.mark.parametrize("fields", [{}, {"feature_vector": [1.0], "features": {"a": 1.0}}])
def test_a_vector_or_names_but_not_both(fields: dict[str, object]) -> None:
    with pytest.raises(
        MalformedMessage, match=r"^feature_vector: expected feature_vector, or features by name"
    ):
        to_reading(TelemetryRecord("v", "2026-11-22T10:00:00Z", **fields))  # type: ignore[arg-type]


def test_names_come_in_the_order_in_which_they_are_first_seen() -> None:
    batch = to_batch(_readings([{"b": 1.0}, {"a": 2.0, "b": None}, {"c": 3.0, "a": 4.0}]), None)
    assert batch.feature_names == ("b", "a", "c")
    nan = np.nan
    np.testing.assert_array_equal(batch.values, [[1, nan, nan], [nan, 2, nan], [nan, 4, 3]])


def test_a_name_that_is_first_seen_in_a_later_thousand() -> None:
    batch = to_batch(_readings([{"a": 1.0}] * 1000 + [{"b": 2.0}] + [{"a": 3.0}] * 1000), None)
    assert batch.feature_names == ("a", "b")
    assert batch.values.shape == (2001, 2)
    np.testing.assert_array_equal(np.isnan(batch.values).sum(axis=0), [1, 2000])


@pytest.mark.parametrize("n_readings", [1, 999, 1000, 1001, 2000, 2001])
def test_nothing_is_lost_between_thousands(n_readings: int) -> None:
    batch = to_batch(_readings([[float(i), None] for i in range(n_readings)]), None)
    np.testing.assert_array_equal(batch.values[:, 0], np.arange(n_readings))
    assert np.isnan(batch.values[:, 1]).all()
    assert list(batch.vehicle_ids) == [f"v{i}" for i in range(n_readings)]
    assert (np.diff(batch.timestamps) == np.timedelta64(1, "s")).all()


@pytest.mark.parametrize("position", [1, 999, 1000, 1001, 1500])
def test_flaws_are_told_by_their_position_in_the_whole_batch(position: int) -> None:
    values: list[Vector] = [[1.0, 2.0]] * 1600
    values[position] = [1.0]
    with pytest.raises(WrongFeatureCount) as raised:
        to_batch(_readings(values), None)
    assert [flaw.record for flaw in raised.value.flaws] == [position]


def test_times_are_kept_in_utc() -> None:
    east = datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=2)))
    batch = to_batch([Reading("v", east, [1.0])], None)
    assert batch.timestamps.tolist() == [TEN.replace(tzinfo=None)]


def test_values_by_name_in_the_order_of_the_names_that_are_given() -> None:
    batch = to_batch(_readings([{"b": 1.0}, [2.0, 3.0]]), ["a", "b"])
    np.testing.assert_array_equal(batch.values, [[np.nan, 1], [2, 3]])
    assert batch.feature_names == ("a", "b")


@pytest.mark.parametrize(
    ("values", "names", "refusal", "record"),
    [
        ([], None, EmptyBatch, None),
        ([[1.0], {"a": 1.0}], None, UnnamedFeatures, 1),
        ([{"a": 1.0}, [1.0]], None, InvalidFeatureNames, 1),
        ([{"a": 1.0}, {"b": 1.0}], ["a"], UnknownFeature, 1),
        ([[1.0]], ["a", "b"], WrongFeatureCount, 0),
        ([[1.0, 2.0]], ["a", "a"], InvalidFeatureNames, None),
        ([], ["a", "a"], InvalidFeatureNames, None),
    ],
)
def test_readings_that_do_not_fit(
    values: list[Vector | NamedValues],
    names: list[str] | None,
    refusal: type[InvalidTelemetry],
    record: int | None,
) -> None:
    with pytest.raises(refusal) as raised:
        to_batch(_readings(values), names)
    assert raised.value.flaws[0].record == record


def test_names_that_widen_every_reading_are_bounded() -> None:
    """A batch of a few bytes a record must not lay out gigabytes."""
    readings = [Reading("veh-1", TEN, {f"sensor-{number}": 1.0}) for number in range(100)]
    assert to_batch(readings, None, 100 * 100).values.shape == (100, 100)
    with pytest.raises(InvalidReading, match="records: expected at most 9999 values, missing ones included"):
        to_batch(readings, None, 9999)
    many = [Reading("veh-1", TEN, {f"sensor-{number}": 1.0}) for number in range(MAX_FEATURES + 1)]
    with pytest.raises(WrongFeatureCount):
        to_batch(many, None)


def test_a_record_that_would_hold_the_interpreter_is_refused_undecoded() -> None:
    large = msgspec.Raw(b'{"vehicle_id":"' + b"v" * MAX_RECORD_BYTES + b'"}')
    with pytest.raises(MalformedMessage, match=r"records\[0\]: expected at most 4194304 bytes"):
        list(decode_readings([large], Encoding.JSON))
