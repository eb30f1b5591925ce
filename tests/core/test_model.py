"""Names, versions, and what makes one version what it is."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from tests.fakes import NOON, a_batch, a_trained_model, renamed
from vehicle_anomaly.core.errors import InvalidFeatureNames, InvalidModelName, InvalidModelVersion
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import ModelName, ModelVersion, newest_first

HOSTILE = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/etc",
    "a\\b",
    "%2e%2e",
    ".hidden",
    "-flag",
    "_x",
    "a b",
    " a",
    "a\n",
    "a\r",
    "a\n\n",
    "\na",
    "a\0",
    "\0",
    "a\0b",
    "é",
    "a\u0301",
    "٣",
    "a٣",
    "1\u0663",
    "²",
    "\uff41",
    "a\u202e",
    "~",
    "a:b",
    "a*",
    "\ud800",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_names_neither_model_nor_version(name: str) -> None:
    with pytest.raises(InvalidModelName):
        ModelName(name)
    with pytest.raises(InvalidModelVersion):
        ModelVersion(name)


@pytest.mark.parametrize("name", ["a", "0", "a.b_c-D", "a..b", "a" * 64, "v1.", "LATEST"])
def test_a_model_name_is_kept_as_it_is(name: str) -> None:
    assert str(ModelName(name)) == name


def test_names_have_a_longest_length() -> None:
    assert ModelVersion("a" * 128).value == "a" * 128
    with pytest.raises(InvalidModelName):
        ModelName("a" * 65)
    with pytest.raises(InvalidModelVersion):
        ModelVersion("a" * 129)


@pytest.mark.parametrize("version", ["LATEST", "latest", "Latest", "lATEST"])
def test_a_version_is_not_called_latest(version: str) -> None:
    with pytest.raises(InvalidModelVersion, match="reserved"):
        ModelVersion(version)


def test_a_refusal_repeats_no_more_of_a_name_than_it_needs_to() -> None:
    with pytest.raises(InvalidModelName) as refused_name:
        ModelName("a" * 1_000_000)
    with pytest.raises(InvalidModelVersion) as refused_version:
        ModelVersion("a" * 1_000_000)

    assert len(str(refused_name.value)) < 1_000
    assert len(str(refused_version.value)) < 1_000


def test_a_made_version_starts_with_the_utc_time() -> None:
    in_tokyo = datetime(2026, 3, 1, 21, 4, 5, 678, tzinfo=timezone(timedelta(hours=9)))

    assert re.fullmatch(r"20260301120405000678-[0-9a-f]{12}", ModelVersion.made_at(in_tokyo).value)


def test_made_versions_sort_by_time_and_never_meet() -> None:
    moments = [NOON + timedelta(microseconds=step) for step in range(500)]

    versions = [ModelVersion.made_at(moment).value for moment in moments for _ in range(4)]

    assert len(set(versions)) == len(versions)
    assert [version[:20] for version in sorted(versions)] == [version[:20] for version in versions]


@pytest.mark.parametrize(
    ("known", "complaint"),
    [
        ({"n_features": 4, "missing_per_feature": (0,) * 4}, "features"),
        ({"n_estimators": 6}, "trees"),
        ({"max_samples": 39}, "max_samples"),
        ({"missing_per_feature": (0, 0)}, "missing_per_feature"),
    ],
)
def test_metadata_of_another_model_is_refused(known: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        renamed(a_trained_model(), "v1", **known)


def test_metadata_with_other_names_than_features_is_refused() -> None:
    with pytest.raises(InvalidFeatureNames):
        renamed(a_trained_model(), "v1", feature_names=("a", "b"))


@pytest.mark.parametrize(
    "medians",
    [
        np.zeros(2),
        np.zeros((1, 3)),
        np.zeros(3, np.float32),
        np.array([0, np.nan, 0]),
        np.array([0, np.inf, 0]),
        np.array([0, 1e39, 0]),
    ],
    ids=["too few", "two dimensions", "float32", "NaN", "infinite", "beyond float32"],
)
def test_medians_that_stand_in_for_nothing_are_refused(medians: Any) -> None:
    with pytest.raises(ValueError, match="medians"):
        replace(a_trained_model(), medians=medians)


def test_a_missing_value_counts_as_the_training_median() -> None:
    model = a_trained_model()
    readings = np.random.default_rng(3).normal(size=(20, 3))
    imputed = readings.copy()
    readings[3, 0] = readings[5] = np.nan
    imputed[3, 0] = model.medians[0]
    imputed[5] = model.medians

    np.testing.assert_array_equal(model.score(readings), model.score(imputed))
    assert np.isnan(readings[3, 0]), "the caller's array is as it was"


def test_two_trainings_of_one_batch_have_the_same_content() -> None:
    first = a_trained_model(trained_at=NOON)
    second = a_trained_model(trained_at=NOON + timedelta(days=1))

    assert first.content_sha256() == second.content_sha256()
    assert re.fullmatch("[0-9a-f]{64}", first.content_sha256())


def test_whatever_differs_between_two_versions_but_the_time_is_content() -> None:
    model = a_trained_model(batch=a_batch(feature_names="abc"))
    forest = model.forest
    others = [
        renamed(model, "v2"),
        renamed(model, "v1", model_name=ModelName("other")),
        renamed(model, "v1", feature_names=("a", "c", "b")),
        renamed(model, "v1", feature_names=None),
        renamed(model, "v1", random_state=43),
        replace(model, medians=np.nextafter(model.medians, 9)),
        replace(model, forest=replace(forest, offset=float(np.nextafter(forest.offset, 0)))),
        replace(model, forest=replace(forest, threshold=forest.threshold + 1)),
        replace(model, forest=replace(forest, path_length=forest.path_length * 2)),
    ]

    assert len({other.content_sha256() for other in [model, *others]}) == len(others) + 1


def test_the_newest_version_is_first_and_names_decide_between_equals() -> None:
    model = a_trained_model()
    known = [
        renamed(model, version, trained_at=trained_at).metadata
        for version, trained_at in [
            ("a", NOON),
            ("b", NOON + timedelta(1)),
            ("c", NOON),
            ("d", NOON.astimezone(timezone(timedelta(hours=-8))) - timedelta(1)),
        ]
    ]

    assert [one.model_version.value for one in newest_first(known)] == ["b", "c", "a", "d"]


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"n_estimators": 0}, "n_estimators"),
        ({"contamination": 0.0}, "contamination"),
        ({"contamination": 0.51}, "contamination"),
        ({"contamination": float("nan")}, "contamination"),
        ({"random_state": -1}, "random_state"),
        ({"random_state": 2**32}, "random_state"),
    ],
)
def test_parameters_that_grow_no_forest_are_refused(parameters: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ForestParameters(**parameters)


def test_times_are_compared_in_utc() -> None:
    assert ModelVersion.made_at(NOON).value[:14] == f"{NOON.astimezone(UTC):%Y%m%d%H%M%S}"
