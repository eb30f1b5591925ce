"""What would be answered differently if another version answered."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes import FixedClock, InMemoryModels, a_batch, a_trained_model
from vehicle_anomaly.core.compare_versions import (
    MAX_EXAMPLES,
    CompareVersions,
    CompareVersionsCommand,
    Comparison,
)
from vehicle_anomaly.core.errors import (
    IncomparableVersions,
    NoTrainingSample,
    UnknownFeature,
    UnnamedFeatures,
    WrongFeatureCount,
)
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelVersion
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.telemetry_sample import MAX_READINGS, MAX_VALUES, TelemetrySample
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

NAMES = ("speed", "load", "coolant")


def trained(**batches: TelemetryBatch) -> InMemoryModels:
    models = InMemoryModels()
    train = TrainModel(models, FixedClock(), ForestParameters(20, 0.1, 42))
    for version, batch in batches.items():
        train(TrainModelCommand(batch, model_version=ModelVersion(version)))
    return models


def compare(
    models: InMemoryModels, version: str, other: str | None, batch: TelemetryBatch | None = None
) -> Comparison:
    against = None if other is None else ModelVersion(other)
    command = CompareVersionsCommand(DEFAULT_MODEL_NAME, ModelVersion(version), against, batch)
    return CompareVersions(ScoreTelemetry(models), models)(command)


def shifted(seed: int = 1, by: float = 1.5, **fields: object) -> TelemetryBatch:
    values = np.random.default_rng(seed).normal(size=(400, 3)) + by
    return a_batch(values, **fields)  # type: ignore[arg-type]


def test_every_count_is_what_the_two_versions_say_of_each_reading() -> None:
    models = trained(v1=shifted(0, 0.0), v2=shifted())
    posted = shifted(2, 0.7)

    found = compare(models, "v2", "v1", posted)

    first, second = (
        models.load(DEFAULT_MODEL_NAME, ModelVersion(version)).score(posted.values)
        for version in ("v1", "v2")
    )
    assert found.n_readings == 400
    assert found.newly_anomalous == np.count_nonzero((second < 0) & (first >= 0)) > 0
    assert found.no_longer_anomalous == np.count_nonzero((second >= 0) & (first < 0)) > 0
    assert found.both_anomalous == np.count_nonzero((second < 0) & (first < 0))
    assert found.shift.mean == pytest.approx(np.mean(second - first))
    assert (found.shift.lowest, found.shift.highest) == (np.min(second - first), np.max(second - first))
    assert found.shift.median == np.median(second - first)


def test_examples_are_bounded_and_those_that_move_most() -> None:
    models = trained(v1=shifted(0, 0.0), v2=shifted())
    posted = shifted(2, 0.7)

    examples = compare(models, "v2", "v1", posted).examples

    newly = [each for each in examples if each.difference == "newly_anomalous"]
    assert 0 < len(newly) <= MAX_EXAMPLES
    moves = [each.other_anomaly_score - each.anomaly_score for each in newly]
    assert moves == sorted(moves, reverse=True)
    for each in newly:
        assert each.anomaly_score < 0 <= each.other_anomaly_score
        assert [reason.code for reason in each.reasons] == ["isolation"]
        assert each.vehicle_id == "vehicle-1"
        assert each.timestamp is not None
        assert each.timestamp.second == each.record % 60


def test_a_version_is_the_same_as_itself() -> None:
    found = compare(trained(v1=shifted()), "v1", None)

    assert (found.newly_anomalous, found.no_longer_anomalous, found.examples) == (0, 0, ())
    assert found.other_version == ModelVersion("v1")
    assert found.shift.mean == 0.0


def test_without_readings_a_version_is_compared_on_its_own_training_and_tells_no_vehicle() -> None:
    found = compare(trained(v1=shifted(0, 0.0), v2=shifted()), "v2", "v1")

    assert (found.source, found.n_readings) == ("training_sample", 400)
    # Contamination: a tenth of its own training is anomalous to the version.
    assert found.newly_anomalous + found.both_anomalous == 40
    assert {(each.vehicle_id, each.timestamp) for each in found.examples} == {(None, None)}


def test_a_version_that_kept_nothing_says_what_to_do() -> None:
    models = InMemoryModels()
    models.publish(a_trained_model("v1"))

    with pytest.raises(NoTrainingSample, match="send readings"):
        compare(models, "v1", None)

    assert compare(models, "v1", None, a_batch(seed=3)).source == "posted"


def test_features_are_matched_by_name_whatever_their_order() -> None:
    batch = shifted(feature_names=NAMES)
    turned = replace(batch, values=batch.values[:, ::-1].copy(), feature_names=NAMES[::-1])
    models = trained(v1=shifted(0, 0.0, feature_names=NAMES), v2=batch)

    by_vector = compare(models, "v2", "v1", replace(batch, feature_names=None))
    by_name = compare(models, "v2", "v1", turned)

    assert by_name == by_vector
    assert (by_name.added_features, by_name.removed_features) == ((), ())


def test_a_feature_that_one_version_lacks_is_ignored_by_it_and_missing_to_the_other() -> None:
    old = shifted(0, feature_names=NAMES)
    new = replace(old, values=old.values[:, :2].copy(), feature_names=("speed", "load"))
    models = trained(v1=old, v2=new)

    found = compare(models, "v2", "v1")

    assert (found.added_features, found.removed_features) == ((), ("coolant",))
    lacking = np.column_stack([new.values, np.full(400, np.nan)])
    first = models.load(DEFAULT_MODEL_NAME, ModelVersion("v1")).score(lacking)
    second = models.load(DEFAULT_MODEL_NAME, ModelVersion("v2")).score(new.values)
    assert found.shift.mean == pytest.approx(np.mean(second - first))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (a_batch(n_features=3), a_batch(n_features=2), "2 and 3 features without names"),
        (a_batch(), a_batch(feature_names=NAMES), "only one of them"),
        (a_batch(feature_names=("a", "b", "c")), a_batch(feature_names=NAMES), "no feature in common"),
    ],
)
def test_versions_whose_features_cannot_be_matched_are_refused(
    old: TelemetryBatch, new: TelemetryBatch, why: str
) -> None:
    with pytest.raises(IncomparableVersions, match=why):
        compare(trained(v1=old, v2=new), "v2", "v1")


def test_readings_that_do_not_fit_are_refused() -> None:
    models = trained(v1=shifted(0, feature_names=NAMES), v2=shifted(feature_names=NAMES))
    with pytest.raises(WrongFeatureCount, match="expected 3 numbers, got 2"):
        compare(models, "v2", "v1", a_batch(n_features=2))
    with pytest.raises(UnknownFeature, match="neither version"):
        compare(models, "v2", "v1", a_batch(feature_names=("speed", "load", "colour")))
    with pytest.raises(UnnamedFeatures):
        compare(trained(v1=shifted()), "v1", None, a_batch(feature_names=NAMES))


def test_a_sample_is_bounded_and_always_the_same() -> None:
    small = TelemetrySample.of(a_batch(n_readings=7))
    np.testing.assert_array_equal(small.records, np.arange(7))

    batch = a_batch(n_readings=3 * MAX_READINGS)
    sample, again = TelemetrySample.of(batch), TelemetrySample.of(batch)
    assert len(sample.values) == MAX_READINGS
    np.testing.assert_array_equal(sample.records, again.records)
    np.testing.assert_array_equal(sample.values, batch.values[sample.records])
    wide = TelemetrySample.of(a_batch(np.zeros((600, 4096))))
    assert wide.values.size <= MAX_VALUES


@pytest.mark.parametrize(
    ("values", "records"),
    [
        (np.zeros((2, 3)), [0]),
        (np.zeros((0, 3)), []),
        (np.zeros((2, 3)), [1, 1]),
        (np.zeros((2, 3)), [-1, 1]),
        (np.full((1, 3), 1e300), [0]),
        (np.full((1, 3), np.inf), [0]),
    ],
)
def test_what_is_no_sample_is_refused(values: np.ndarray, records: list[int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        TelemetrySample(values, np.array(records, np.int64))
