"""What `vehicle_anomaly.core.ports.ModelRepository` promises, asked of every store alike."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.fakes import (
    ADA,
    NOON,
    FixedClock,
    InMemoryModels,
    a_batch,
    a_trained_model,
    renamed,
    some_readings,
)
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.model_cache import CachedModels
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket
from vehicle_anomaly.adapters.outbound.s3_client import s3_client
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.core.errors import UnknownModel, UnknownModelVersion, VersionExists
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand
from vehicle_anomaly.core.training_report import EarlierVersion, TrainingReport

DEFAULT = ModelName("default")
V1, V2, V3 = ModelVersion("v1"), ModelVersion("v2"), ModelVersion("v3")

STORES: dict[str, Callable[[Path, Callable[[], str]], ModelRepository]] = {
    "in-memory": lambda _, __: InMemoryModels(),
    "filesystem": lambda folder, _: FilesystemModels(folder / "artifacts"),
    "s3": lambda _, new_bucket: S3Models(S3Bucket(s3_client(), new_bucket()), "some/models"),
    "cached": lambda folder, _: CachedModels(
        FilesystemModels(folder / "artifacts"), refresh_seconds=60, size=2
    ),
}


@pytest.fixture(params=STORES)
def models(request: pytest.FixtureRequest, tmp_path: Path, new_bucket: Callable[[], str]) -> ModelRepository:
    return STORES[request.param](tmp_path, new_bucket)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return a_trained_model("v1")


@pytest.fixture(scope="module")
def other() -> TrainedModel:
    return a_trained_model("v1", seed=1)


def test_a_version_that_was_published_scores_as_it_did_before(
    models: ModelRepository, model: TrainedModel
) -> None:
    models.publish(model)

    loaded = models.load(DEFAULT, V1)

    X = some_readings(model)
    np.testing.assert_array_equal(loaded.score(X), model.score(X))
    X[:, 0] = np.nan
    np.testing.assert_array_equal(loaded.score(X), model.score(X))


def test_a_version_that_was_published_is_known_as_it_was_before(models: ModelRepository) -> None:
    names = ("engine_speed_rpm", "Kühlmittel °C", 'a "quoted", name')
    model = a_trained_model(
        "v1", model_name="fleet-1.a_b", contamination="auto", batch=a_batch(feature_names=names)
    )

    published = models.publish(model)

    name = ModelName("fleet-1.a_b")
    assert published == model.metadata
    assert models.metadata(name, V1) == model.metadata
    assert models.load(name, V1).metadata == model.metadata
    assert models.versions(name).versions == (model.metadata,)


def test_what_was_said_of_a_training_is_kept(models: ModelRepository, model: TrainedModel) -> None:
    report = a_trained_model("v2", seed=1, before=EarlierVersion("v1", _report(model))).report
    models.publish(model)
    models.publish(replace(renamed(model, "v2"), report=report))

    assert models.report(DEFAULT, V1) == model.report
    assert models.report(DEFAULT, V2) == report
    assert models.load(DEFAULT, V2).report is None


def test_a_version_may_have_no_report(models: ModelRepository, model: TrainedModel) -> None:
    models.publish(replace(model, report=None))

    assert models.report(DEFAULT, V1) is None
    models.promote(DEFAULT, V1, ADA)


def test_the_report_that_is_kept_is_that_of_the_first_publishing(
    models: ModelRepository, model: TrainedModel
) -> None:
    models.publish(model)

    models.publish(replace(model, report=None))

    assert models.report(DEFAULT, V1) == model.report


def _report(model: TrainedModel) -> TrainingReport:
    assert model.report is not None
    return model.report


def test_loading_gives_no_estimator(models: ModelRepository, model: TrainedModel) -> None:
    models.publish(model)

    assert models.load(DEFAULT, V1).estimator is None


def test_publishing_makes_a_version_the_latest(models: ModelRepository, model: TrainedModel) -> None:
    models.publish(model)
    assert models.latest(DEFAULT) == V1

    models.publish(renamed(model, "v2"))

    assert models.latest(DEFAULT) == V2
    assert models.versions(DEFAULT).latest == V2


def test_publishing_the_same_content_again_returns_what_is_known_of_the_first(
    models: ModelRepository, model: TrainedModel
) -> None:
    models.publish(model)

    again = models.publish(renamed(model, "v1", trained_at=NOON + timedelta(hours=1)))

    assert again == model.metadata
    assert models.metadata(DEFAULT, V1) == model.metadata
    assert models.versions(DEFAULT).versions == (model.metadata,)


def test_publishing_other_content_under_a_version_is_refused(
    models: ModelRepository, model: TrainedModel, other: TrainedModel
) -> None:
    models.publish(model)

    with pytest.raises(VersionExists) as refused:
        models.publish(other)

    assert (refused.value.model_name, refused.value.model_version) == ("default", "v1")
    X = some_readings(model)
    np.testing.assert_array_equal(models.load(DEFAULT, V1).score(X), model.score(X))


@pytest.mark.parametrize(
    "changed",
    [
        {"feature_names": ("a", "b", "c")},
        {"record_count": 41},
        {"contamination": 0.2},
        {"last_timestamp": NOON + timedelta(seconds=1)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_is_known_of_a_version_is_content_too(
    models: ModelRepository, model: TrainedModel, changed: dict[str, object]
) -> None:
    models.publish(model)

    with pytest.raises(VersionExists):
        models.publish(renamed(model, "v1", **changed))


def test_a_refused_version_leaves_the_latest_as_it_is(
    models: ModelRepository, model: TrainedModel, other: TrainedModel
) -> None:
    models.publish(model)
    models.publish(renamed(model, "v2"))

    with pytest.raises(VersionExists):
        models.publish(other)

    assert models.latest(DEFAULT) == V2


def test_publishing_an_old_version_again_leaves_the_latest_as_it_is(
    models: ModelRepository, model: TrainedModel
) -> None:
    models.publish(model)
    models.publish(renamed(model, "v2"))

    models.publish(model)

    assert models.latest(DEFAULT) == V2


def test_publishing_a_version_again_after_a_rollback_leaves_the_latest_as_it_is(
    models: ModelRepository, model: TrainedModel
) -> None:
    models.publish(model)
    models.publish(renamed(model, "v2"))
    models.promote(DEFAULT, V1, ADA)

    models.publish(renamed(model, "v2"))

    assert models.latest(DEFAULT) == V1


def test_promoting_goes_back_and_forward(models: ModelRepository, model: TrainedModel) -> None:
    for new in ("v1", "v2", "v3"):
        models.publish(renamed(model, new))

    for version in (V1, V3, V2, V2):
        models.promote(DEFAULT, version, ADA)
        assert models.latest(DEFAULT) == version
        assert models.versions(DEFAULT).latest == version


def test_publishing_after_a_rollback_makes_the_new_version_the_latest(
    models: ModelRepository, model: TrainedModel
) -> None:
    models.publish(model)
    models.publish(renamed(model, "v2"))
    models.promote(DEFAULT, V1, ADA)

    models.publish(renamed(model, "v3"))

    assert models.latest(DEFAULT) == V3


def test_promoting_a_version_that_is_not_there_is_refused_and_changes_nothing(
    models: ModelRepository, model: TrainedModel
) -> None:
    models.publish(model)

    with pytest.raises(UnknownModelVersion) as refused:
        models.promote(DEFAULT, V2, ADA)

    assert (refused.value.model_name, refused.value.model_version) == ("default", "v2")
    assert models.latest(DEFAULT) == V1


def test_of_a_name_without_a_version_nothing_is_known(models: ModelRepository, model: TrainedModel) -> None:
    models.publish(model)
    unknown = ModelName("unknown")

    with pytest.raises(UnknownModel):
        models.latest(unknown)
    with pytest.raises(UnknownModel):
        models.versions(unknown)
    for ask in (
        models.load,
        models.metadata,
        models.report,
        lambda name, version: models.promote(name, version, ADA),
    ):
        with pytest.raises(UnknownModelVersion):
            ask(unknown, V1)
    assert models.names() == [DEFAULT]


def test_of_a_version_that_is_not_there_nothing_is_known(
    models: ModelRepository, model: TrainedModel
) -> None:
    models.publish(model)

    for ask in (models.load, models.metadata):
        with pytest.raises(UnknownModelVersion):
            ask(DEFAULT, V2)


def test_a_store_in_which_nothing_was_published_is_empty_and_within_reach(models: ModelRepository) -> None:
    models.check()

    assert models.names() == []
    with pytest.raises(UnknownModel):
        models.latest(DEFAULT)


def test_names_are_sorted(models: ModelRepository, model: TrainedModel) -> None:
    for name in ("b", "a-2", "B", "a.1", "a"):
        models.publish(renamed(model, "v1", model_name=ModelName(name)))

    assert [name.value for name in models.names()] == ["B", "a", "a-2", "a.1", "b"]


def test_versions_are_newest_first(models: ModelRepository, model: TrainedModel) -> None:
    for version, hours in (("b", 2), ("a", 3), ("c", 1), ("d", 1)):
        models.publish(renamed(model, version, trained_at=NOON + timedelta(hours=hours)))

    known = models.versions(DEFAULT)

    assert [version.model_version.value for version in known.versions] == ["a", "b", "d", "c"]
    assert known.damaged == ()


def test_models_do_not_share_versions(
    models: ModelRepository, model: TrainedModel, other: TrainedModel
) -> None:
    models.publish(model)
    models.publish(renamed(other, "v1", model_name=ModelName("other")))

    X = some_readings(model)
    np.testing.assert_array_equal(models.load(DEFAULT, V1).score(X), model.score(X))
    np.testing.assert_array_equal(models.load(ModelName("other"), V1).score(X), other.score(X))


@pytest.mark.parametrize("version", ["0", "v1.tmp-1", "a" * 128, "manifest.json", "x..y", "CON", "latest-1"])
def test_any_valid_version_can_be_published(
    models: ModelRepository, model: TrainedModel, version: str
) -> None:
    models.publish(renamed(model, version))

    assert models.latest(DEFAULT) == ModelVersion(version)
    assert models.load(DEFAULT, ModelVersion(version)).metadata.model_version == ModelVersion(version)


@pytest.mark.parametrize("name", ["0", "a" * 64, "LATEST", "latest", "x..y", "v1.tmp-1"])
def test_any_valid_name_can_be_published(models: ModelRepository, model: TrainedModel, name: str) -> None:
    models.publish(renamed(model, "v1", model_name=ModelName(name)))

    assert models.names() == [ModelName(name)]
    assert models.latest(ModelName(name)) == V1


def test_of_concurrent_publishers_of_one_version_exactly_one_wins(models: ModelRepository) -> None:
    contents = [a_trained_model("v1", seed=seed, n_estimators=1) for seed in range(8)]
    together = threading.Barrier(len(contents))

    def publish(model: TrainedModel) -> TrainedModel | None:
        together.wait()
        try:
            models.publish(model)
        except VersionExists:
            return None
        return model

    with ThreadPoolExecutor(len(contents)) as pool:
        winners = [model for model in pool.map(publish, contents) if model is not None]

    assert len(winners) == 1
    assert models.latest(DEFAULT) == V1
    X = some_readings(winners[0])
    np.testing.assert_array_equal(models.load(DEFAULT, V1).score(X), winners[0].score(X))


def test_concurrent_publishers_of_the_same_content_all_succeed(
    models: ModelRepository, model: TrainedModel
) -> None:
    together = threading.Barrier(8)

    def publish(attempt: int) -> TrainedModel:
        together.wait()
        later = replace(model.metadata, trained_at=NOON + timedelta(seconds=attempt))
        return replace(model, metadata=models.publish(replace(model, metadata=later)))

    with ThreadPoolExecutor(8) as pool:
        published = list(pool.map(publish, range(8)))

    assert len({model.metadata for model in published}) == 1
    assert models.versions(DEFAULT).versions == (published[0].metadata,)


def test_concurrent_trainers_lose_no_version_and_mix_none(models: ModelRepository) -> None:
    trainers, trainings = 6, 3
    # All at the same moment: only the version's random part tells them apart.
    train = TrainModel(models, FixedClock(), ForestParameters(1, 0.1, 42))
    batches = [a_batch(seed=seed, n_readings=20 + seed) for seed in range(trainers)]
    together = threading.Barrier(trainers)

    def train_some(trainer: int) -> list[tuple[ModelVersion, int]]:
        together.wait()
        trained = [train(TrainModelCommand(batches[trainer])) for _ in range(trainings)]
        return [(known.model_version, known.record_count) for known in trained]

    with ThreadPoolExecutor(trainers) as pool:
        published = [trained for some in pool.map(train_some, range(trainers)) for trained in some]

    known = models.versions(DEFAULT)
    assert len(dict(published)) == trainers * trainings
    assert {(version.model_version, version.record_count) for version in known.versions} == set(published)
    assert known.damaged == ()
    assert models.latest(DEFAULT) in dict(published)
    for version, record_count in published:
        assert models.load(DEFAULT, version).metadata.record_count == record_count
