"""What a valid reading and a valid batch are, and where an invalid one is at fault."""

import math
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from tests.fakes import NOON, a_batch
from vehicle_anomaly.core.errors import (
    EmptyBatch,
    Flaw,
    InvalidFeatureNames,
    InvalidReading,
    UnknownFeature,
    UnnamedFeatures,
    WrongFeatureCount,
)
from vehicle_anomaly.core.telemetry import (
    MAX_FEATURE,
    MAX_FEATURE_NAME_LENGTH,
    MAX_FEATURES,
    MAX_FLAWS,
    Reading,
    TelemetryBatch,
    check_feature_names,
    matrix,
)

BEYOND_FLOAT32 = [math.inf, -math.inf, 1e39, -1e300, float(np.nextafter(MAX_FEATURE, math.inf))]


@pytest.mark.parametrize("vehicle_id", ["v", "v" * 64, "Ω" * 64])
def test_a_vehicle_has_one_to_64_characters(vehicle_id: str) -> None:
    assert Reading(vehicle_id, NOON, [1.0]).vehicle_id == vehicle_id


@pytest.mark.parametrize("vehicle_id", ["", "v" * 65])
def test_a_vehicle_has_no_other_number_of_characters(vehicle_id: str) -> None:
    with pytest.raises(InvalidReading, match=f"got {len(vehicle_id)}") as refused:
        Reading(vehicle_id, NOON, [1.0])

    assert [flaw.field for flaw in refused.value.flaws] == ["vehicle_id"]


def test_a_reading_without_an_offset_from_utc_is_refused() -> None:
    with pytest.raises(InvalidReading) as refused:
        Reading("v", datetime(2026, 3, 1), [1.0])  # noqa: DTZ001  # what is refused

    assert [flaw.field for flaw in refused.value.flaws] == ["timestamp"]


def test_a_batch_has_at_least_one_reading() -> None:
    with pytest.raises(EmptyBatch) as refused:
        a_batch(np.empty((0, 3)))

    assert [flaw.field for flaw in refused.value.flaws] == ["records"]


@pytest.mark.parametrize(
    ("values", "vehicle_ids", "n_timestamps"),
    [
        (np.zeros((2, 1)), ["v"], 2),
        (np.zeros((2, 1)), ["v", "v"], 3),
        (np.zeros(2), ["v", "v"], 2),
        (np.zeros((2, 1), np.float32), ["v", "v"], 2),
    ],
    ids=["vehicles", "timestamps", "dimensions", "dtype"],
)
def test_the_columns_of_a_batch_fit_each_other(
    values: Any, vehicle_ids: list[str], n_timestamps: int
) -> None:
    with pytest.raises(ValueError, match="values"):
        TelemetryBatch(values, vehicle_ids, np.zeros(n_timestamps, "datetime64[us]"))


@pytest.mark.parametrize("value", BEYOND_FLOAT32)
def test_a_batch_with_a_value_beyond_float32_is_refused(value: float) -> None:
    with pytest.raises(InvalidReading) as refused:
        a_batch([[1.0, 2.0], [3.0, value]])

    (flaw,) = refused.value.flaws
    assert (flaw.field, flaw.record, flaw.item) == ("feature_vector", 1, 1)


@pytest.mark.parametrize("value", [MAX_FEATURE, -MAX_FEATURE, math.nan, 0.0, 5e-324])
def test_a_batch_takes_every_finite_float32_and_missing_values(value: float) -> None:
    np.testing.assert_array_equal(a_batch([[value]]).values, [[value]])


def test_a_refusal_names_a_bounded_number_of_places() -> None:
    with pytest.raises(InvalidReading) as refused:
        a_batch(np.full((60, 60), math.inf))

    assert len(refused.value.flaws) == MAX_FLAWS


def test_feature_names_name_each_position_once() -> None:
    with pytest.raises(InvalidFeatureNames) as refused:
        check_feature_names(["rpm", "", "rpm", "load"], 3)

    assert [(flaw.field, flaw.item) for flaw in refused.value.flaws] == [
        ("feature_names", None),
        ("feature_names", 1),
        ("feature_names", 2),
    ]
    assert "got 4" in refused.value.flaws[0].reason
    assert "position 0" in refused.value.flaws[2].reason


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"], ["a", "a"], ["a", ""]])
def test_a_batch_with_other_names_than_features_is_refused(names: list[str]) -> None:
    with pytest.raises(InvalidFeatureNames):
        a_batch([[1.0, 2.0]], feature_names=names)


def test_readings_are_laid_out_in_the_order_of_the_features() -> None:
    X = matrix([[1.0, None], {"b": 4, "a": 3.0}, {"b": 6.0}, {}], 2, ["a", "b"])

    assert X.dtype == np.float64
    np.testing.assert_array_equal(X, [[1, math.nan], [3, 4], [math.nan, 6], [math.nan, math.nan]])


def test_no_readings_are_laid_out_as_no_rows() -> None:
    assert matrix([], 3, None).shape == (0, 3)


def test_vectors_of_another_length_are_refused_each_by_its_place() -> None:
    with pytest.raises(WrongFeatureCount) as refused:
        matrix([[1.0, 2.0], [1.0], [1.0, 2.0], [], [1.0, 2.0, 3.0]], 2, None, first_record=100)

    assert refused.value.flaws == (
        Flaw("feature_vector", "expected 2 numbers, got 1", 101),
        Flaw("feature_vector", "expected 2 numbers, got 0", 103),
        Flaw("feature_vector", "expected 2 numbers, got 3", 104),
    )


def test_unknown_names_are_refused_each_by_its_place() -> None:
    with pytest.raises(UnknownFeature) as refused:
        matrix([{"a": 1.0}, {"z": 1.0, "a": 1.0, "y": None}], 2, ["a", "b"], first_record=5)

    assert [(flaw.field, flaw.record, flaw.item) for flaw in refused.value.flaws] == [
        ("features", 6, "y"),
        ("features", 6, "z"),
    ]
    assert "a, b" in refused.value.flaws[0].reason


def test_many_unknown_names_for_many_features_give_a_short_refusal() -> None:
    names = [f"feature_{position}" for position in range(5_000)]

    with pytest.raises(UnknownFeature) as refused:
        matrix([{f"unknown_{position}": 0.0 for position in range(10_000)}], len(names), names)

    assert len(refused.value.flaws) == MAX_FLAWS
    assert len(str(refused.value)) < 100_000
    assert refused.value.flaws[0].reason.endswith("and 4980 more")


def test_names_for_features_without_names_are_refused() -> None:
    with pytest.raises(UnnamedFeatures) as refused:
        matrix([[1.0], {"a": 1.0}], 1, None)

    assert [(flaw.field, flaw.record) for flaw in refused.value.flaws] == [("features", 1)]


@pytest.mark.parametrize("value", BEYOND_FLOAT32)
def test_a_value_beyond_float32_is_refused_by_its_place(value: float) -> None:
    with pytest.raises(InvalidReading) as by_position:
        matrix([[1.0, 2.0], [1.0, value]], 2, ["a", "b"], first_record=10)
    with pytest.raises(InvalidReading) as by_name:
        matrix([{"b": value}], 2, ["a", "b"], first_record=10)

    assert [(flaw.field, flaw.record, flaw.item) for flaw in by_position.value.flaws] == [
        ("feature_vector", 11, 1)
    ]
    assert [(flaw.field, flaw.record, flaw.item) for flaw in by_name.value.flaws] == [("features", 10, "b")]


@pytest.mark.parametrize("n_features", [0, MAX_FEATURES + 1])
def test_a_batch_has_a_feature_and_not_too_many(n_features: int) -> None:
    with pytest.raises(WrongFeatureCount, match=f"records: expected 1 to {MAX_FEATURES} features"):
        a_batch(np.zeros((2, n_features)))


def test_a_feature_name_has_a_length_that_a_manifest_can_hold() -> None:
    longest = "n" * MAX_FEATURE_NAME_LENGTH
    check_feature_names([longest])
    with pytest.raises(InvalidFeatureNames, match="expected 1 to 128 characters, got 129"):
        check_feature_names([longest + "n"])
