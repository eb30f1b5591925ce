"""What is found out about models that answer from memory, without anybody asking for them."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.adapters.outbound.test_model_cache import Timer, WatchedModels
from tests.fakes import renamed
from vehicle_anomaly.adapters.outbound.examination import Examination
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.model_cache import CachedModels
from vehicle_anomaly.core.errors import DamagedModel, ModelStoreUnavailable
from vehicle_anomaly.core.model import ModelName, TrainedModel

DEFAULT = ModelName("default")


@pytest.mark.parametrize("file", ["LATEST", "v1/manifest.json"])
def test_what_was_damaged_behind_a_model_in_memory_is_told(
    store: FilesystemModels, folder: Path, model: TrainedModel, file: str
) -> None:
    cached = CachedModels(store, refresh_seconds=3600, size=3)
    examination = Examination(cached, store, 0)
    store.publish(model)
    cached.latest(DEFAULT)
    examination.examine()
    assert examination.degraded() == {}
    damaged = folder / file
    whole = damaged.read_bytes()

    damaged.write_bytes(b"")
    with capture_logs() as log:
        for _ in range(3):
            examination.examine()

    assert [*examination.degraded()] == ["default"]
    told = {"log_level": "warning", "event": "model degraded", "model_name": "default"}
    assert log == [{**told, "error": "DamagedModel"}], "once, though it is looked at again and again"
    assert cached.load(DEFAULT, cached.latest(DEFAULT)).metadata.model_version.value == "v1"

    damaged.write_bytes(whole)
    examination.examine()
    assert examination.degraded() == {}


def test_the_model_that_answers_when_none_is_named_is_looked_at_before_it_does(
    store: FilesystemModels, folder: Path, model: TrainedModel
) -> None:
    examination = Examination(CachedModels(store, refresh_seconds=0, size=3), store, 0)
    examination.examine()
    assert examination.degraded() == {}, "there need be no such model"
    store.publish(model)
    (folder / "v1" / "manifest.json").write_bytes(b"{}")

    examination.examine()

    assert "manifest.json" in examination.degraded()["default"]


def test_what_is_well_again_is_told_though_nobody_asks_for_it(model: TrainedModel) -> None:
    behind, timer = WatchedModels(), Timer()
    behind.publish(model)
    cached = CachedModels(behind, refresh_seconds=1, size=3, monotonic=timer)
    examination = Examination(cached, behind, 1, timer)
    cached.latest(DEFAULT)
    behind.fails = DamagedModel("default", "LATEST", "empty")
    timer.seconds += 1
    cached.latest(DEFAULT)
    assert "default" in examination.degraded()

    behind.fails = None
    timer.seconds += 1
    examination.examine()

    assert examination.degraded() == {}


def test_a_model_that_is_gone_is_told(store: FilesystemModels, folder: Path, model: TrainedModel) -> None:
    cached = CachedModels(store, refresh_seconds=3600, size=3)
    examination = Examination(cached, store, 0)
    store.publish(model)
    cached.latest(DEFAULT)
    folder.rename(folder.with_name("elsewhere"))

    examination.examine()

    assert "not available" in examination.degraded()["default"]


def test_the_store_is_asked_no_more_often_than_said_and_for_a_few_models_at_once(
    model: TrainedModel,
) -> None:
    behind, timer = WatchedModels(), Timer()
    cached = CachedModels(behind, refresh_seconds=3600, size=30, monotonic=timer)
    examination = Examination(cached, behind, 1, timer)
    for name in map("m-{:02}".format, range(19)):
        behind.publish(renamed(model, "v1", model_name=ModelName(name)))
        cached.latest(ModelName(name))
    behind.asked_latest = 0

    for _ in range(5):
        examination.examine()
    assert behind.asked_latest == 8

    # Twenty with the default one: each has had its turn after three.
    broken = ModelName("m-18")
    behind.latest_fails = {broken.value: DamagedModel(broken.value, "LATEST", "empty")}
    for _ in range(2):
        timer.seconds += 1
        examination.examine()
    assert [*examination.degraded()] == ["m-18"]


def test_a_store_that_is_away_is_no_damage(model: TrainedModel) -> None:
    behind = WatchedModels()
    behind.publish(model)
    cached = CachedModels(behind, refresh_seconds=3600, size=3)
    examination = Examination(cached, behind, 0)
    cached.latest(DEFAULT)
    behind.fails = ModelStoreUnavailable("gone")

    examination.examine()

    assert examination.degraded() == {}


def test_what_never_answered_and_is_removed_is_forgotten(
    store: FilesystemModels, folder: Path, model: TrainedModel
) -> None:
    examination = Examination(CachedModels(store, refresh_seconds=0, size=3), store, 0)
    store.publish(model)
    (folder / "LATEST").write_bytes(b"tuesday")
    examination.examine()
    assert "default" in examination.degraded()

    folder.rename(folder.with_name("elsewhere"))
    examination.examine()

    assert examination.degraded() == {}


def test_a_few_of_the_degraded_are_looked_at_at_once_too(model: TrainedModel) -> None:
    behind, timer = WatchedModels(), Timer()
    cached = CachedModels(behind, refresh_seconds=1, size=30, monotonic=timer)
    examination = Examination(cached, behind, 1, timer)
    names = [*map("m-{:02}".format, range(19))]
    for name in names:
        behind.publish(renamed(model, "v1", model_name=ModelName(name)))
        cached.latest(ModelName(name))
    behind.latest_fails = {name: DamagedModel(name, "LATEST", "empty") for name in names}
    timer.seconds += 1
    for name in names:
        cached.latest(ModelName(name))
    behind.asked_latest = 0
    timer.seconds += 1

    examination.examine()

    # The cache asks, and the examination.
    assert behind.asked_latest <= 2 * 8
    assert len(examination.degraded()) == len(names)


def test_one_line_says_it_though_two_find_out(
    store: FilesystemModels, folder: Path, model: TrainedModel
) -> None:
    cached = CachedModels(store, refresh_seconds=0, size=3)
    examination = Examination(cached, store, 0)
    store.publish(model)
    cached.latest(DEFAULT)
    with capture_logs() as log:
        (folder / "LATEST").write_bytes(b"")
        cached.latest(DEFAULT)
        examination.examine()
        (folder / "LATEST").write_bytes(b"v1")
        cached.latest(DEFAULT)
        examination.examine()
    assert [line["event"] for line in log] == ["model degraded", "model not degraded any more"]
