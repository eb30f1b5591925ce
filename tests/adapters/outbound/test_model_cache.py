"""What the cache keeps, for how long, and what it does while the store is away."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fakes import ADA, InMemoryModels, renamed
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.model_cache import CachedModels
from vehicle_anomaly.core.errors import (
    DamagedModel,
    ModelStoreUnavailable,
    UnknownModel,
    UnknownModelVersion,
    VersionExists,
)
from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.promotions import TRAINER, Promoter

DEFAULT = ModelName("default")
V1, V2, V3 = ModelVersion("v1"), ModelVersion("v2"), ModelVersion("v3")


class Timer:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Return what it was set to."""
        return self.seconds


class WatchedModels(InMemoryModels):
    """Counts what it is asked, and fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_latest = 0
        self.loads: list[str] = []
        self.fails: Exception | None = None
        self.load_fails: Exception | None = None
        self.latest_fails: dict[str, Exception] = {}
        self.before_answering: Callable[[], object] = lambda: None
        self.before_failing: Callable[[], object] = lambda: None
        self.changed = threading.Event()

    def latest(self, name: ModelName) -> ModelVersion:
        """Count, and answer what was so before `before_answering`."""
        self.asked_latest += 1
        if self.fails is not None:
            self.before_failing()
            raise self.fails
        if name.value in self.latest_fails:
            raise self.latest_fails[name.value]
        version = super().latest(name)
        self.before_answering()
        return version

    def load(self, name: ModelName, version: ModelVersion) -> TrainedModel:
        """Take note."""
        for error in (self.fails, self.load_fails):
            if error is not None:
                raise error
        self.loads.append(f"{name}/{version}")
        return super().load(name, version)

    def publish(self, model: TrainedModel, promoted_by: str | None = TRAINER) -> ModelMetadata:
        """Say when it is done."""
        published = super().publish(model, promoted_by)
        self.changed.set()
        return published

    def promote(self, name: ModelName, version: ModelVersion, promoter: Promoter) -> None:
        """Say when it is done."""
        super().promote(name, version, promoter)
        self.changed.set()


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def behind() -> WatchedModels:
    return WatchedModels()


@pytest.fixture
def cached(behind: WatchedModels, timer: Timer) -> CachedModels:
    return CachedModels(behind, refresh_seconds=1, size=3, monotonic=timer)


def answer(cached: CachedModels, name: ModelName = DEFAULT) -> str:
    """Return the version that answers when none is named, as scoring asks for it."""
    return cached.load(name, cached.latest(name)).metadata.model_version.value


def test_the_latest_version_is_asked_for_once_in_a_while(
    cached: CachedModels, behind: WatchedModels, timer: Timer, model: TrainedModel
) -> None:
    behind.publish(model)
    assert answer(cached) == "v1"
    behind.publish(renamed(model, "v2"))

    timer.seconds += 0.999
    assert answer(cached) == "v1"
    assert behind.asked_latest == 1

    timer.seconds += 0.001
    assert answer(cached) == "v2"
    assert behind.asked_latest == 2


def test_a_version_is_loaded_once(
    cached: CachedModels, behind: WatchedModels, timer: Timer, model: TrainedModel
) -> None:
    behind.publish(model)
    for _ in range(5):
        answer(cached)
        cached.load(DEFAULT, V1)
        timer.seconds += 10

    assert behind.loads == ["default/v1"]


@pytest.mark.parametrize("act", ["publish", "promote"])
def test_who_publishes_or_promotes_here_sees_it_at_once(
    cached: CachedModels, behind: WatchedModels, model: TrainedModel, act: str
) -> None:
    for version in ("v2", "v1"):
        behind.publish(renamed(model, version))
    assert answer(cached) == "v1"

    if act == "publish":
        cached.publish(renamed(model, "v3"))
        assert answer(cached) == "v3"
    else:
        cached.promote(DEFAULT, V2, ADA)
        assert answer(cached) == "v2"


@pytest.mark.parametrize("act", ["publish", "promote"])
def test_an_answer_on_its_way_does_not_hide_what_is_published_here_meanwhile(
    cached: CachedModels, behind: WatchedModels, model: TrainedModel, act: str
) -> None:
    for version in ("v2", "v1"):
        behind.publish(renamed(model, version))
    acts: dict[str, Callable[[], object]] = {
        "publish": lambda: cached.publish(renamed(model, "v3")),
        "promote": lambda: cached.promote(DEFAULT, V2, ADA),
    }
    with ThreadPoolExecutor(1) as pool:

        def let_the_other_act() -> None:
            behind.before_answering = lambda: None
            behind.changed.clear()
            acting.append(pool.submit(acts[act]))
            assert behind.changed.wait(30)

        acting: list[Future[object]] = []
        behind.before_answering = let_the_other_act
        assert cached.latest(DEFAULT) == V1
        acting[0].result(30)

    assert answer(cached) == ("v3" if act == "publish" else "v2")


@pytest.mark.parametrize(
    "away",
    [
        ModelStoreUnavailable("gone"),
        DamagedModel("default", "LATEST", "empty"),
        UnknownModel("default"),
        UnknownModelVersion("default", "v2"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_while_the_store_is_away_the_last_good_version_serves_and_it_is_told(
    cached: CachedModels, behind: WatchedModels, timer: Timer, model: TrainedModel, away: Exception
) -> None:
    behind.publish(model)
    answer(cached)
    assert cached.degraded.told() == {}
    behind.fails = away

    for _ in range(3):
        timer.seconds += 1
        assert answer(cached) == "v1"
        assert cached.degraded.told() == {"default": str(away)}

    behind.fails = None
    behind.publish(renamed(model, "v2"))
    assert answer(cached) == "v1", "the store is not asked more often because it was away"
    timer.seconds += 1
    assert answer(cached) == "v2"
    assert cached.degraded.told() == {}


def test_a_latest_version_that_does_not_load_leaves_the_one_before_serving(
    cached: CachedModels, behind: WatchedModels, timer: Timer, model: TrainedModel
) -> None:
    behind.publish(model)
    answer(cached)
    behind.publish(renamed(model, "v2"))
    behind.load_fails = DamagedModel("default", "v2", "a bit is wrong")
    timer.seconds += 1

    assert answer(cached) == "v1"
    assert "'v2'" in cached.degraded.told()["default"]
    with pytest.raises(DamagedModel):
        cached.load(DEFAULT, V2)

    behind.load_fails = None
    timer.seconds += 1
    assert answer(cached) == "v2"
    assert cached.degraded.told() == {}


def test_rolling_back_from_a_damaged_version_clears_the_fault(
    cached: CachedModels, behind: WatchedModels, timer: Timer, model: TrainedModel
) -> None:
    behind.publish(model)
    answer(cached)
    behind.publish(renamed(model, "v2"))
    behind.load_fails = DamagedModel("default", "v2", "a bit is wrong")
    timer.seconds += 1
    answer(cached)
    behind.load_fails = None

    cached.promote(DEFAULT, V1, ADA)

    assert answer(cached) == "v1"
    assert cached.degraded.told() == {}


def test_a_damaged_version_on_a_disk_leaves_the_one_before_serving(
    store: FilesystemModels, folder: Path, timer: Timer, model: TrainedModel
) -> None:
    cached = CachedModels(store, refresh_seconds=1, size=3, monotonic=timer)
    store.publish(model)
    answer(cached)
    store.publish(renamed(model, "v2"))
    forest = folder / "v2/forest.npz"
    whole = forest.read_bytes()
    forest.write_bytes(whole[:-1])
    timer.seconds += 1

    assert answer(cached) == "v1"
    assert "'v2'" in cached.degraded.told()["default"]

    forest.write_bytes(whole)
    timer.seconds += 1
    assert answer(cached) == "v2"
    assert cached.degraded.told() == {}


def test_a_store_whose_folder_is_gone_leaves_the_last_version_serving(
    store: FilesystemModels, root: Path, timer: Timer, model: TrainedModel
) -> None:
    """As when the volume is no longer mounted."""
    cached = CachedModels(store, refresh_seconds=1, size=3, monotonic=timer)
    store.publish(model)
    answer(cached)
    root.rename(root.with_name("elsewhere"))
    timer.seconds += 1

    assert answer(cached) == "v1"
    assert "default" in cached.degraded.told()


@pytest.mark.parametrize(
    "away",
    [ModelStoreUnavailable("gone"), DamagedModel("default", "LATEST", "empty"), UnknownModel("default")],
)
def test_with_nothing_in_memory_a_fault_is_passed_on(
    cached: CachedModels, behind: WatchedModels, model: TrainedModel, away: Exception
) -> None:
    behind.publish(model)
    behind.fails = away

    with pytest.raises(type(away)):
        cached.latest(DEFAULT)
    assert cached.degraded.told() == {}

    behind.fails = None
    assert answer(cached) == "v1"


def test_a_refused_publishing_changes_nothing(
    cached: CachedModels, behind: WatchedModels, model: TrainedModel, other: TrainedModel
) -> None:
    cached.publish(model)
    answer(cached)

    with pytest.raises(VersionExists):
        cached.publish(other)

    assert answer(cached) == "v1"
    assert behind.asked_latest == 1


def test_the_version_used_longest_ago_goes_first(
    cached: CachedModels, behind: WatchedModels, model: TrainedModel
) -> None:
    for version in ("v1", "v2", "v3", "v4"):
        behind.publish(renamed(model, version))
    for version in ("v1", "v2", "v3"):
        cached.load(DEFAULT, ModelVersion(version))
    cached.load(DEFAULT, V1)

    cached.load(DEFAULT, ModelVersion("v4"))

    assert [
        version for version in ("v1", "v2", "v3", "v4") if cached.at_hand(DEFAULT, ModelVersion(version))
    ] == [
        "v1",
        "v3",
        "v4",
    ]


def test_the_latest_version_stays_while_others_can_go(
    cached: CachedModels, behind: WatchedModels, timer: Timer, model: TrainedModel
) -> None:
    for version in ("v1", "v2", "v3", "v4", "v5", "v6"):
        behind.publish(renamed(model, version))
    answer(cached)
    for version in ("v1", "v2", "v3", "v4", "v5"):
        cached.load(DEFAULT, ModelVersion(version))

    behind.fails = ModelStoreUnavailable("gone")
    timer.seconds += 1

    assert answer(cached) == "v6"


def test_more_models_than_fit_still_answer(behind: WatchedModels, timer: Timer, model: TrainedModel) -> None:
    cached = CachedModels(behind, refresh_seconds=1, size=1, monotonic=timer)
    names = [ModelName(name) for name in ("a", "b", "c")]
    for name in names:
        behind.publish(renamed(model, "v1", model_name=name))

    for name in names * 2:
        assert answer(cached, name) == "v1"

    assert [cached.at_hand(name, V1) is not None for name in names] == [False, False, True]


def test_what_is_in_memory_is_at_hand(
    cached: CachedModels, behind: WatchedModels, timer: Timer, model: TrainedModel
) -> None:
    behind.publish(model)
    assert cached.at_hand(DEFAULT, None) is None
    assert cached.at_hand(DEFAULT, V1) is None

    answer(cached)
    assert cached.at_hand(DEFAULT, None) is not None
    assert cached.at_hand(DEFAULT, V1) is not None

    timer.seconds += 1
    assert cached.at_hand(DEFAULT, None) is None
    assert cached.at_hand(DEFAULT, V1) is not None


def test_one_thread_asks_the_store_while_the_others_wait(
    cached: CachedModels, behind: WatchedModels, model: TrainedModel
) -> None:
    behind.publish(model)
    asked, may_answer = threading.Event(), threading.Event()

    def hold() -> None:
        asked.set()
        assert may_answer.wait(30)

    behind.before_answering = hold
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(cached.latest, DEFAULT)
        assert asked.wait(30)
        others = [pool.submit(cached.latest, DEFAULT) for _ in range(8)]
        assert not any(other.done() for other in others)
        may_answer.set()
        assert {one.result(30) for one in (first, *others)} == {V1}

    assert behind.asked_latest == 1
    assert behind.loads == ["default/v1"]


def test_while_the_store_is_away_only_who_asks_it_waits(
    cached: CachedModels, behind: WatchedModels, timer: Timer, model: TrainedModel
) -> None:
    behind.publish(model)
    answer(cached)
    behind.fails = ModelStoreUnavailable("it hangs")
    timer.seconds += 1
    assert answer(cached) == "v1"
    asked, may_fail = threading.Event(), threading.Event()

    def hang() -> None:
        asked.set()
        assert may_fail.wait(30)

    behind.before_failing = hang
    timer.seconds += 1

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cached.latest, DEFAULT)
        assert asked.wait(30)
        assert [answer(cached) for _ in range(8)] == ["v1"] * 8
        may_fail.set()
        assert first.result(30) == V1


def test_a_store_that_takes_long_to_fail_is_left_alone_afterwards(
    cached: CachedModels, behind: WatchedModels, timer: Timer, model: TrainedModel
) -> None:
    behind.publish(model)
    answer(cached)
    timer.seconds += 1

    def take_long() -> None:
        timer.seconds += 5

    behind.fails, behind.before_failing = ModelStoreUnavailable("no answer"), take_long
    assert answer(cached) == "v1"
    asked = behind.asked_latest

    timer.seconds += 0.9
    assert answer(cached) == "v1"
    assert behind.asked_latest == asked


def test_asking_for_models_that_are_not_there_leaves_nothing_in_memory(
    cached: CachedModels, behind: WatchedModels
) -> None:
    for number in range(100):
        with pytest.raises(UnknownModel):
            cached.latest(ModelName(f"m{number}"))

    kept = [value for value in vars(cached).values() if isinstance(value, dict)]
    assert kept
    assert all(not value for value in kept)


def test_many_models_are_loaded_and_asked_for_at_once(behind: WatchedModels, model: TrainedModel) -> None:
    cached = CachedModels(behind, refresh_seconds=0, size=5)
    names = [ModelName(f"m{number}") for number in range(40)]
    for name in names:
        behind.publish(renamed(model, "v1", model_name=name))
    together = threading.Barrier(8)

    def use(start: int) -> None:
        together.wait()
        for step in range(200):
            assert answer(cached, names[(start * 5 + step) % len(names)]) == "v1"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
