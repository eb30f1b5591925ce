"""Training and scoring, in memory."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.fakes import NOON, FixedClock, InMemoryModels, a_batch
from vehicle_anomaly.core.errors import (
    EmptyBatch,
    FeatureWithoutValues,
    InvalidReading,
    Refusal,
    UnknownFeature,
    UnknownModel,
    UnknownModelVersion,
    UnnamedFeatures,
    VersionExists,
    WrongFeatureCount,
)
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelMetadata, ModelName, ModelVersion
from vehicle_anomaly.core.promotions import Promoter
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand, Verdict
from vehicle_anomaly.core.telemetry import NamedValues, Reading, TelemetryBatch, Vector
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

SMALL = ForestParameters(n_estimators=10, contamination=0.1, random_state=7)
V1 = ModelVersion("v1")


@pytest.fixture
def models() -> InMemoryModels:
    return InMemoryModels()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def train(models: InMemoryModels, clock: FixedClock) -> TrainModel:
    return TrainModel(models, clock, SMALL)


@pytest.fixture
def score(models: InMemoryModels) -> ScoreTelemetry:
    return ScoreTelemetry(models)


def trained(train: TrainModel, batch: TelemetryBatch, version: str = "v1") -> ModelMetadata:
    return train(TrainModelCommand(batch, model_version=ModelVersion(version)))


def readings(*values: Vector | NamedValues) -> ScoreTelemetryCommand:
    return ScoreTelemetryCommand([Reading("vehicle-1", NOON, each) for each in values])


def verdict(score: ScoreTelemetry, values: Vector | NamedValues) -> Verdict:
    (verdict,) = score(readings(values)).verdicts
    return verdict


def test_training_tells_what_is_known_of_the_version(models: InMemoryModels, train: TrainModel) -> None:
    nan = np.nan
    values = np.random.default_rng(0).normal(size=(300, 3))
    values[[1, 2, 3], 0] = nan
    values[3, 2] = nan
    noon = np.datetime64("2026-03-01T12:00:00", "us")
    moments = noon + np.roll(np.arange(300), 100).astype("timedelta64[s]")
    batch = TelemetryBatch(values, [f"v{row % 4}" for row in range(300)], moments, ("a", "b", "c"))

    known = train(TrainModelCommand(batch, ModelName("fleet"), V1))

    assert known == ModelMetadata(
        model_name=ModelName("fleet"),
        model_version=V1,
        trained_at=NOON,
        n_estimators=10,
        contamination=0.1,
        random_state=7,
        max_samples=256,
        n_features=3,
        feature_names=("a", "b", "c"),
        record_count=300,
        records_with_missing=3,
        missing_per_feature=(3, 0, 1),
        vehicle_count=4,
        first_timestamp=datetime(2026, 3, 1, 12, tzinfo=UTC),
        last_timestamp=datetime(2026, 3, 1, 12, 4, 59, tzinfo=UTC),
        percentile_readings=300,
    )
    assert models.latest(ModelName("fleet")) == V1


def test_a_version_without_a_name_is_named_by_the_time(train: TrainModel, clock: FixedClock) -> None:
    clock.moment = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)

    first, second = (train(TrainModelCommand(a_batch())) for _ in range(2))

    assert first.model_name == DEFAULT_MODEL_NAME
    assert first.model_version.value.startswith("20270102030405")
    assert first.model_version != second.model_version


def test_missing_values_are_trained_on_as_the_median(models: InMemoryModels, train: TrainModel) -> None:
    values = np.random.default_rng(0).normal(size=(51, 2))
    imputed = values.copy()
    values[7, 1] = np.nan
    imputed[7, 1] = np.median(np.delete(values[:, 1], 7))

    trained(train, a_batch(values))
    trained(train, a_batch(imputed), "v2")

    with_missing, without = (models.load(DEFAULT_MODEL_NAME, ModelVersion(v)) for v in ("v1", "v2"))
    np.testing.assert_array_equal(with_missing.score(imputed), without.score(imputed))
    assert with_missing.medians[1] == imputed[7, 1]


def test_a_feature_without_any_value_is_refused_by_position_and_by_name(
    models: InMemoryModels, train: TrainModel
) -> None:
    values = np.ones((5, 3))
    values[:, [0, 2]] = np.nan

    with pytest.raises(FeatureWithoutValues) as by_position:
        trained(train, a_batch(values))
    with pytest.raises(FeatureWithoutValues) as by_name:
        trained(train, a_batch(values, feature_names="abc"))

    assert [(flaw.field, flaw.item) for flaw in by_position.value.flaws] == [
        ("feature_vector", 0),
        ("feature_vector", 2),
    ]
    assert [(flaw.field, flaw.item) for flaw in by_name.value.flaws] == [("features", "a"), ("features", "c")]
    assert models.names() == []


def test_training_the_same_again_is_fine_and_other_content_is_refused(
    train: TrainModel, clock: FixedClock
) -> None:
    first = trained(train, a_batch())
    clock.moment += timedelta(hours=1)

    assert trained(train, a_batch()) == first
    with pytest.raises(VersionExists):
        trained(train, a_batch(seed=1))


def test_only_what_may_still_be_promoted_waits(models: InMemoryModels, clock: FixedClock) -> None:
    """One that was promoted and followed by another waits for nothing, though it is sent again."""
    train = TrainModel(models, clock, ForestParameters(n_estimators=5), auto_promote=False)
    first, second = ModelVersion("v1"), ModelVersion("v2")
    assert train.published(TrainModelCommand(a_batch(), model_version=first)).waits
    for version in (first, second):
        train.published(TrainModelCommand(a_batch(), model_version=version))
        models.promote(DEFAULT_MODEL_NAME, version, Promoter("ada", clock.now()))
    assert not train.published(TrainModelCommand(a_batch(), model_version=first)).waits
    assert not train.known(DEFAULT_MODEL_NAME, first).waits
    third = train.published(TrainModelCommand(a_batch(), model_version=ModelVersion("v3")))
    assert third.waits
    assert train.known(DEFAULT_MODEL_NAME, ModelVersion("v3")) == third


@pytest.mark.parametrize("n_readings", [1, 2, 3])
def test_a_few_readings_are_enough_to_train_on(
    train: TrainModel, score: ScoreTelemetry, n_readings: int
) -> None:
    trained(train, a_batch(n_readings=n_readings))

    assert np.isfinite(verdict(score, [0.0, 0.0, 0.0]).anomaly_score)


def test_the_largest_float32_can_be_trained_on_and_scored(train: TrainModel, score: ScoreTelemetry) -> None:
    most = float(np.finfo(np.float32).max)
    values = np.array([[most, -most], [-most, most], [most, most], [0, 0], [np.nan, -most]])

    trained(train, a_batch(values))

    assert np.isfinite(verdict(score, [most, -most]).anomaly_score)


def test_readings_are_judged_in_order_by_the_latest_version(
    models: InMemoryModels, train: TrainModel, score: ScoreTelemetry
) -> None:
    trained(train, a_batch(seed=1))
    trained(train, a_batch(n_readings=200), "v2")
    values: list[Vector] = [[0.0, 0.0, 0.0], [50.0, 50.0, 50.0], [0.1, 0.0, 0.0]]
    moments = [NOON + timedelta(seconds=second) for second in range(3)]

    said = score(
        ScoreTelemetryCommand(
            [Reading(f"v{n}", moments[n], vector) for n, vector in enumerate(values)],
        )
    )

    assert (said.model_name, said.model_version) == (DEFAULT_MODEL_NAME, ModelVersion("v2"))
    assert [each.vehicle_id for each in said.verdicts] == ["v0", "v1", "v2"]
    assert [each.timestamp for each in said.verdicts] == moments
    assert [each.is_anomaly for each in said.verdicts] == [False, True, False]
    expected = models.load(DEFAULT_MODEL_NAME, ModelVersion("v2")).score(np.array(values))
    assert [each.anomaly_score for each in said.verdicts] == expected.tolist()


def test_a_named_version_judges_when_it_is_asked_for(train: TrainModel, score: ScoreTelemetry) -> None:
    trained(train, a_batch(seed=1))
    trained(train, a_batch(), "v2")
    command = readings([0.0, 0.0, 0.0])

    said = score(ScoreTelemetryCommand(command.readings, model_version=V1))

    assert said.model_version == V1
    assert said.verdicts != score(command).verdicts


def test_a_missing_value_is_told_by_position(train: TrainModel, score: ScoreTelemetry) -> None:
    trained(train, a_batch())

    assert verdict(score, [None, 0.0, None]).missing == (0, 2)
    assert verdict(score, [0.0, 0.0, 0.0]).missing == ()
    assert verdict(score, [None, None, None]).missing == (0, 1, 2)


def test_a_missing_value_is_told_by_name(train: TrainModel, score: ScoreTelemetry) -> None:
    trained(train, a_batch(feature_names="abc"))

    assert verdict(score, {"b": 0.0, "c": None}).missing == ("a", "c")
    assert verdict(score, [None, 0.0, 0.0]).missing == ("a",)
    assert verdict(score, {}).missing == ("a", "b", "c")


def test_a_missing_value_scores_as_the_median(train: TrainModel, score: ScoreTelemetry) -> None:
    batch = a_batch(feature_names="abc")
    trained(train, batch)
    medians = np.median(batch.values, axis=0).tolist()

    assert verdict(score, {"b": 3.0}).anomaly_score == (
        verdict(score, [medians[0], 3.0, medians[2]]).anomaly_score
    )


def test_names_and_positions_mean_the_same(train: TrainModel, score: ScoreTelemetry) -> None:
    trained(train, a_batch(feature_names="abc"))

    by_name = verdict(score, {"c": 3.0, "a": 1.0, "b": 2.0})

    assert by_name == verdict(score, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("values", "refusal", "place"),
    [
        ([1.0, 2.0], WrongFeatureCount, ("feature_vector", 1, None)),
        ({"a": 1.0, "d": 1.0}, UnknownFeature, ("features", 1, "d")),
        ([1.0, 2.0, 1e39], InvalidReading, ("feature_vector", 1, 2)),
        ({"b": float("inf")}, InvalidReading, ("features", 1, "b")),
    ],
)
def test_readings_that_the_model_cannot_take_are_refused_by_their_place(
    train: TrainModel,
    score: ScoreTelemetry,
    values: Vector | NamedValues,
    refusal: type[Refusal],
    place: tuple[str, int, str | None],
) -> None:
    trained(train, a_batch(feature_names="abc"))

    with pytest.raises(refusal) as refused:
        score(readings([0.0, 0.0, 0.0], values))

    flaws = getattr(refused.value, "flaws", ())
    assert [(flaw.field, flaw.record, flaw.item) for flaw in flaws] == [place]


def test_names_are_refused_by_a_model_without_any(train: TrainModel, score: ScoreTelemetry) -> None:
    trained(train, a_batch())

    with pytest.raises(UnnamedFeatures):
        score(readings({"a": 1.0}))


def test_nothing_to_score_is_refused() -> None:
    with pytest.raises(EmptyBatch):
        readings()


def test_scoring_with_what_was_never_trained_is_refused(train: TrainModel, score: ScoreTelemetry) -> None:
    command = readings([0.0, 0.0, 0.0])
    with pytest.raises(UnknownModel, match="not available"):
        score(command)
    with pytest.raises(UnknownModelVersion, match="not available"):
        score(ScoreTelemetryCommand(command.readings, model_version=V1))

    trained(train, a_batch())

    with pytest.raises(UnknownModelVersion, match="not available"):
        score(ScoreTelemetryCommand(command.readings, model_version=ModelVersion("v2")))


def test_a_reading_exactly_on_the_offset_is_no_anomaly(models: InMemoryModels, clock: FixedClock) -> None:
    """As for scikit-learn's `predict`: below the offset is anomalous, on it is not."""
    command = TrainModelCommand(a_batch(np.ones((20, 2))))
    TrainModel(models, clock, SMALL)(command)
    (verdict,) = ScoreTelemetry(models)(ScoreTelemetryCommand([Reading("veh-1", NOON, [1.0, 1.0])])).verdicts
    assert verdict.anomaly_score == 0.0
    assert verdict.is_anomaly is False
