"""What only a store in a folder does: its layout, its faults, and who tampers with it."""

import errno
import hashlib
import json
import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from tests.fakes import ADA, NOON, a_trained_model, renamed, some_readings
from vehicle_anomaly.adapters.outbound import sealed_folder
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.sealed_folder import SealedFolder
from vehicle_anomaly.core.errors import (
    DamagedModel,
    ModelStoreUnavailable,
    UnknownModel,
    UnknownModelVersion,
    VersionExists,
)
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel

DEFAULT = ModelName("default")
V1, V2 = ModelVersion("v1"), ModelVersion("v2")
HOUR = 3600


class Died(BaseException):
    """Stands for the end of the process: nothing catches it."""


def tree(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return all that is in a folder: inode, time of the last change and content, by path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(path.relative_to(folder))] = (
            status.st_ino,
            status.st_mtime_ns,
            hashlib.sha256(content).hexdigest(),
        )
    return found


def temporaries(folder: Path) -> list[str]:
    hidden = [path.name for path in folder.rglob(".*") if path.name not in (".lock", ".promotions")]
    return hidden + [path.name for path in folder.rglob("pending.*")]


def make_older(path: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment), follow_symlinks=False)


def fail(monkeypatch: pytest.MonkeyPatch, function: str, error: BaseException, *, at: int = 0) -> None:
    """Let a call of an `os` function fail, the first one being number 0, and none after it."""
    real = getattr(os, function)
    calls = iter(range(10**6))

    def failing(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == at:
            raise error
        return real(*args, **kwargs)

    monkeypatch.setattr(os, function, failing)


# Layout


def test_a_version_lies_where_the_contract_says(
    store: FilesystemModels, root: Path, model: TrainedModel
) -> None:
    store.publish(model)
    store.publish(renamed(model, "v2"))

    files = {
        f"default/{version}/{file}"
        for version in ("v1", "v2")
        for file in ("forest.npz", "manifest.json", "model.joblib", "report.json")
    }
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    promotions = {"default/.promotions/00000001-v1.json", "default/.promotions/00000002-v2.json"}
    assert found == files | promotions | {"default/LATEST", "default/.lock"}
    assert (root / "default/LATEST").read_text() == "v2"


def test_the_manifest_vouches_for_the_files(
    store: FilesystemModels, folder: Path, model: TrainedModel
) -> None:
    store.publish(model)

    manifest = json.loads((folder / "v1/manifest.json").read_bytes())

    assert manifest["format_version"] == 1
    assert manifest["metadata"]["model_version"] == "v1"
    assert manifest["metadata"]["trained_at"] == "2026-03-01T12:00:00Z"
    assert set(manifest["files"]) == {"forest.npz", "model.joblib", "report.json"}
    for name, entry in manifest["files"].items():
        data = (folder / "v1" / name).read_bytes()
        assert entry == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_the_estimator_is_there_for_notebooks(
    store: FilesystemModels, folder: Path, model: TrainedModel
) -> None:
    store.publish(model)

    estimator = joblib.load(folder / "v1/model.joblib")

    X = some_readings(model)
    np.testing.assert_array_equal(estimator.decision_function(X), model.score(X))


def test_the_folder_is_made_with_those_above_it(tmp_path: Path, model: TrainedModel) -> None:
    store = FilesystemModels(tmp_path / "a/b/c")

    store.publish(model)

    assert store.latest(DEFAULT) == V1


def test_the_folder_may_itself_be_a_link(tmp_path: Path, model: TrainedModel) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "artifacts").symlink_to(tmp_path / "disk")

    FilesystemModels(tmp_path / "artifacts").publish(model)

    assert FilesystemModels(tmp_path / "disk").latest(DEFAULT) == V1


def test_reading_makes_nothing(store: FilesystemModels, root: Path) -> None:
    assert store.names() == []
    with pytest.raises(UnknownModel):
        store.latest(DEFAULT)

    assert not root.exists()


def test_publishing_the_same_content_again_rewrites_nothing(
    store: FilesystemModels, root: Path, model: TrainedModel
) -> None:
    store.publish(model)
    before = tree(root)

    store.publish(renamed(model, "v1", trained_at=NOON.replace(hour=13)))

    assert tree(root) == before


def test_refusing_other_content_rewrites_nothing(
    store: FilesystemModels, root: Path, model: TrainedModel, other: TrainedModel
) -> None:
    store.publish(model)
    before = tree(root)

    with pytest.raises(VersionExists):
        store.publish(other)

    assert tree(root) == before


def test_nothing_temporary_is_left(store: FilesystemModels, root: Path, model: TrainedModel) -> None:
    store.publish(model)
    store.publish(renamed(model, "v2"))
    store.promote(DEFAULT, V1, ADA)

    assert temporaries(root) == []


def test_a_loser_who_has_built_his_version_leaves_nothing(
    store: FilesystemModels,
    root: Path,
    model: TrainedModel,
    other: TrainedModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = SealedFolder.locked
    winner = FilesystemModels(root)

    def locked(folder: SealedFolder, name: str) -> Any:
        monkeypatch.setattr(SealedFolder, "locked", real)
        winner.publish(other)
        return real(folder, name)

    for loser, refused in ((model, True), (renamed(other, "v1", trained_at=NOON.replace(hour=1)), False)):
        shutil.rmtree(root, ignore_errors=True)
        monkeypatch.setattr(SealedFolder, "locked", locked)
        if refused:
            with pytest.raises(VersionExists):
                store.publish(loser)
        else:
            assert store.publish(loser) == other.metadata
        assert temporaries(root) == []
        assert store.latest(DEFAULT) == V1


# Order and durability


def test_what_is_told_to_exist_is_on_the_disk_first(
    store: FilesystemModels, model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    opened: dict[int, str] = {}

    def traced(function: str, describe: Callable[..., str]) -> None:
        real = getattr(os, function)

        def tracing(*args: Any, **kwargs: Any) -> Any:
            result = real(*args, **kwargs)
            if function == "open":
                opened[result] = Path(str(args[0])).name
            else:
                steps.append(describe(*args))
            return result

        monkeypatch.setattr(os, function, tracing)

    traced("open", str)
    traced("fsync", lambda descriptor: f"sync {opened[descriptor]}")
    traced("rename", lambda old, new: f"rename {old} {new}")
    store.publish(model)

    temporary = next(step.split()[1] for step in steps if step.endswith(" v1"))
    pointer = next(step.split()[1] for step in steps if step.endswith(" .next"))
    record = "00000001-v1.json"
    assert steps[steps.index("sync artifacts") :] == [
        "sync artifacts",
        "sync forest.npz",
        "sync model.joblib",
        "sync report.json",
        "sync manifest.json",
        f"sync {temporary}",
        "sync default",
        "sync .promotions",
        "sync pending.tmp",
        "rename pending.tmp pending.json",
        "sync .promotions",
        f"sync {pointer}",
        f"rename {pointer} .next",
        f"rename {temporary} v1",
        "sync default",
        "rename .next LATEST",
        "sync default",
        f"rename pending.json {record}",
        "sync .promotions",
    ]


@pytest.mark.parametrize(
    ("function", "at"), [*(("rename", at) for at in range(5)), *(("fsync", at) for at in range(6, 13))]
)
def test_publishing_again_finishes_what_a_dead_publisher_left(
    store: FilesystemModels,
    root: Path,
    model: TrainedModel,
    monkeypatch: pytest.MonkeyPatch,
    *,
    function: str,
    at: int,
) -> None:
    """He dies at a rename or before a sync: each of the steps from the record to LATEST, and on."""
    store.publish(model)
    second = renamed(model, "v2")
    with monkeypatch.context() as dying:
        fail(dying, function, Died(), at=at)
        with pytest.raises(Died):
            store.publish(second)

    survivor = FilesystemModels(root)
    latest = survivor.latest(DEFAULT)
    assert survivor.versions(DEFAULT).damaged == ()
    # What is told of is what has happened, no more and no less.
    assert told(survivor) == [(None, V1), (V1, V2)][: 1 if latest == V1 else 2]

    survivor.publish(second)

    assert survivor.latest(DEFAULT) == V2
    assert told(survivor) == [(None, V1), (V1, V2)]
    assert survivor.load(DEFAULT, V2).metadata == second.metadata


def told(store: FilesystemModels) -> list[tuple[ModelVersion | None, ModelVersion]]:
    return [(each.from_version, each.to_version) for each in store.promotions(DEFAULT)]


def die_before_latest(store: FilesystemModels, model: TrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as dying:
        fail(dying, "rename", Died(), at=3)
        with pytest.raises(Died):
            store.publish(model)


def test_a_dead_publisher_of_the_first_version_leaves_a_model_that_publishing_again_completes(
    store: FilesystemModels, model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_before_latest(store, model, monkeypatch)
    with pytest.raises(UnknownModel):
        store.latest(DEFAULT)
    assert store.versions(DEFAULT).latest is None
    assert [known.model_version for known in store.versions(DEFAULT).versions] == [V1]

    store.publish(model)

    assert store.latest(DEFAULT) == V1


def test_a_decision_after_a_dead_publisher_stays_when_his_version_is_published_again(
    store: FilesystemModels, model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.publish(model)
    die_before_latest(store, renamed(model, "v2"), monkeypatch)
    store.publish(renamed(model, "v3"))

    store.publish(renamed(model, "v2"))
    assert store.latest(DEFAULT) == ModelVersion("v3")

    die_before_latest(store, renamed(model, "v4"), monkeypatch)
    store.promote(DEFAULT, V1, ADA)

    store.publish(renamed(model, "v4"))
    assert store.latest(DEFAULT) == V1


def test_times_in_the_store_decide_nothing(
    store: FilesystemModels, folder: Path, model: TrainedModel
) -> None:
    """A copy of a store, or a clock set back, gives files other times."""
    store.publish(model)
    store.publish(renamed(model, "v2"))
    make_older(folder / "LATEST", 10 * HOUR)

    store.publish(model)

    assert store.latest(DEFAULT) == V2


def test_a_dead_builder_leaves_no_version(store: FilesystemModels, root: Path, model: TrainedModel) -> None:
    store.publish(model)
    (root / "default/v1").rename(root / "default/.tmp-dead")
    (root / "default/LATEST").unlink()

    assert store.names() == []
    with pytest.raises(UnknownModel):
        store.versions(DEFAULT)
    with pytest.raises(UnknownModel):
        store.latest(DEFAULT)
    with pytest.raises(UnknownModelVersion):
        store.load(DEFAULT, V1)


def test_a_folder_without_a_manifest_is_no_version_and_gives_way_to_one(
    store: FilesystemModels, folder: Path, model: TrainedModel
) -> None:
    (folder / "v1/inner").mkdir(parents=True)
    (folder / "v1/forest.npz").write_bytes(b"something")
    assert store.names() == []
    with pytest.raises(UnknownModelVersion):
        store.load(DEFAULT, V1)
    with pytest.raises(UnknownModelVersion):
        store.promote(DEFAULT, V1, ADA)

    store.publish(model)

    assert store.load(DEFAULT, V1).metadata == model.metadata
    assert sorted(path.name for path in (folder / "v1").iterdir()) == [
        "forest.npz",
        "manifest.json",
        "model.joblib",
        "report.json",
    ]


def test_what_a_dead_publisher_left_is_removed_after_an_hour_and_not_before(
    store: FilesystemModels, folder: Path, model: TrainedModel, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    for age, seconds in (("old", HOUR + 60), ("young", HOUR - 60)):
        (folder / f".tmp-{age}-folder/inner").mkdir(parents=True)
        (folder / f".tmp-{age}-folder/forest.npz").write_bytes(b"half")
        (folder / f".tmp-{age}-folder/link").symlink_to(outside)
        (folder / f".tmp-{age}-file").write_text("v1")
        (folder / f".tmp-{age}-link").symlink_to(outside)
        for entry in folder.glob(f".tmp-{age}-*"):
            make_older(entry, seconds)
    (folder / "other-folder").mkdir()
    make_older(folder / "other-folder", 100 * HOUR)

    store.publish(model)

    left = {path.name for path in folder.iterdir()}
    assert left == {
        ".tmp-young-folder",
        ".tmp-young-file",
        ".tmp-young-link",
        "other-folder",
        "v1",
        "LATEST",
        ".lock",
        ".promotions",
    }
    assert (outside / "kept").read_text() == "kept"


@pytest.mark.parametrize("function", ["stat", "rename", "rmdir", "unlink"])
def test_what_cannot_be_removed_hinders_nobody(
    store: FilesystemModels,
    folder: Path,
    model: TrainedModel,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
) -> None:
    """As when its publisher is removing it at this moment."""
    (folder / ".tmp-old").mkdir(parents=True)
    (folder / ".tmp-old/forest.npz").write_bytes(b"half")
    make_older(folder / ".tmp-old", HOUR + 60)
    real = getattr(os, function)

    def failing(path: str, *args: Any, **kwargs: Any) -> Any:
        removing = function in ("rmdir", "unlink")
        if removing or path == ".tmp-old":
            raise FileNotFoundError(errno.ENOENT, "gone")
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, function, failing)
    store.publish(model)

    assert store.latest(DEFAULT) == V1


# Faults


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EROFS, "Read-only file system")],
    ids=["full", "read-only"],
)
@pytest.mark.parametrize(
    ("function", "at"),
    [
        *(("mkdir", at) for at in range(2)),
        *(("open", at) for at in range(11)),
        *(("fsync", at) for at in range(6)),
        *(("rename", at) for at in range(3)),
    ],
)
def test_a_full_or_read_only_disk_is_a_store_out_of_reach_and_leaves_nothing(
    store: FilesystemModels,
    root: Path,
    model: TrainedModel,
    monkeypatch: pytest.MonkeyPatch,
    *,
    function: str,
    at: int,
    error: OSError,
) -> None:
    root.mkdir()
    with monkeypatch.context() as broken:
        fail(broken, function, error, at=at)
        with pytest.raises(ModelStoreUnavailable, match=error.strerror):
            store.publish(model)

    assert store.names() == []
    assert [name for name in temporaries(root) if name.startswith(".tmp")] == []

    store.publish(model)

    assert store.latest(DEFAULT) == V1
    assert temporaries(root) == []


def test_a_disk_that_is_full_in_the_middle_of_a_file_leaves_nothing(
    store: FilesystemModels, root: Path, model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.publish(model)
    with monkeypatch.context() as broken:
        fail(broken, "fsync", OSError(errno.ENOSPC, "No space left on device"), at=2)
        with pytest.raises(ModelStoreUnavailable):
            store.publish(renamed(model, "v2"))

    assert temporaries(root) == []
    assert store.latest(DEFAULT) == V1


def test_a_disk_that_fails_while_cleaning_up_does_not_hide_the_answer(
    store: FilesystemModels,
    root: Path,
    model: TrainedModel,
    other: TrainedModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = SealedFolder.locked

    def locked(folder: SealedFolder, name: str) -> Any:
        monkeypatch.setattr(SealedFolder, "locked", real)
        FilesystemModels(root).publish(other)
        fail(monkeypatch, "rmdir", OSError(errno.EIO, "Input/output error"))
        return real(folder, name)

    monkeypatch.setattr(SealedFolder, "locked", locked)
    with pytest.raises(VersionExists):
        store.publish(model)


@pytest.mark.parametrize(
    "act", ["publish", "load", "latest", "names", "versions", "metadata", "promote", "check"]
)
def test_a_disk_that_cannot_be_read_is_a_store_out_of_reach(
    store: FilesystemModels, model: TrainedModel, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    store.publish(model)
    acts: dict[str, Callable[[], Any]] = {
        "publish": lambda: store.publish(model),
        "load": lambda: store.load(DEFAULT, V1),
        "latest": lambda: store.latest(DEFAULT),
        "names": store.names,
        "versions": lambda: store.versions(DEFAULT),
        "metadata": lambda: store.metadata(DEFAULT, V1),
        "promote": lambda: store.promote(DEFAULT, V1, ADA),
        "check": store.check,
    }

    def failing(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "open", failing)
    with pytest.raises(ModelStoreUnavailable, match="Input/output error"):
        acts[act]()


def test_a_file_in_the_place_of_the_store_is_a_store_out_of_reach(
    store: FilesystemModels, root: Path, model: TrainedModel
) -> None:
    root.write_text("a file")

    for act in (store.check, store.names, lambda: store.publish(model), lambda: store.latest(DEFAULT)):
        with pytest.raises(ModelStoreUnavailable):
            act()


@pytest.mark.parametrize("act", ["publish", "promote"])
def test_a_link_in_the_place_of_the_lock_is_not_followed(
    store: FilesystemModels, folder: Path, model: TrainedModel, tmp_path: Path, act: str
) -> None:
    store.publish(model)
    (folder / ".lock").unlink()
    (folder / ".lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ModelStoreUnavailable):
        store.publish(renamed(model, "v2")) if act == "publish" else store.promote(DEFAULT, V1, ADA)

    assert not (tmp_path / "elsewhere").exists()
    assert temporaries(folder) == []


def test_no_descriptor_stays_open(
    store: FilesystemModels, folder: Path, model: TrainedModel, other: TrainedModel
) -> None:
    def use() -> None:
        store.publish(model)
        store.load(DEFAULT, V1)
        store.versions(DEFAULT)
        store.promote(DEFAULT, V1, ADA)
        with pytest.raises(VersionExists):
            store.publish(other)
        (folder / "v2").mkdir(exist_ok=True)
        (folder / "v2/manifest.json").mkdir(exist_ok=True)
        with pytest.raises(DamagedModel):
            store.metadata(DEFAULT, V2)
        with pytest.raises(UnknownModel):
            store.latest(ModelName("unknown"))

    use()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        use()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# Tampering


def reading_acts(store: FilesystemModels, version: ModelVersion) -> list[Callable[[], Any]]:
    return [lambda: store.load(DEFAULT, version), lambda: store.promote(DEFAULT, version, ADA)]


@pytest.mark.parametrize("file", ["forest.npz", "manifest.json"])
@pytest.mark.parametrize("stand_in", ["link", "dangling link", "folder", "pipe", "link to itself"])
def test_what_stands_for_a_file_and_is_none_is_not_followed(
    store: FilesystemModels, folder: Path, model: TrainedModel, tmp_path: Path, *, file: str, stand_in: str
) -> None:
    store.publish(renamed(model, "v2"))
    store.publish(model)
    path = folder / "v1" / file
    path.rename(tmp_path / file)
    match stand_in:
        case "link":
            path.symlink_to(tmp_path / file)
        case "dangling link":
            path.symlink_to(tmp_path / "nowhere")
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link to itself":
            path.symlink_to(path)

    for act in reading_acts(store, V1):
        with pytest.raises(DamagedModel, match=f"version 'v1' of model 'default'.*{file}"):
            act()
    known = store.versions(DEFAULT)
    assert [one.model_version for one in known.versions] == [V2]
    assert [one.model_version for one in known.damaged] == ["v1"]
    assert known.latest is None


@pytest.mark.parametrize("dangling", [True, False])
def test_a_version_that_is_a_link_is_not_followed(
    store: FilesystemModels, folder: Path, model: TrainedModel, tmp_path: Path, dangling: bool
) -> None:
    store.publish(model)
    store.publish(renamed(model, "v2"))
    (folder / "v1").rename(tmp_path / "v1")
    (folder / "v1").symlink_to(tmp_path / ("nowhere" if dangling else "v1"))
    before = tree(tmp_path)

    acts: list[Callable[[], Any]] = [lambda: store.metadata(DEFAULT, V1), lambda: store.publish(model)]
    for act in [*reading_acts(store, V1), *acts]:
        with pytest.raises(
            DamagedModel, match="version 'v1' of model 'default' is damaged: v1 is a symbolic"
        ):
            act()

    assert [one.model_version for one in store.versions(DEFAULT).damaged] == ["v1"]
    assert store.latest(DEFAULT) == V2
    (folder / "LATEST").write_text("v1")
    with pytest.raises(DamagedModel, match="v1"):
        store.latest(DEFAULT)
    (folder / "LATEST").write_text("v2")
    assert tree(tmp_path).keys() == before.keys()


@pytest.mark.parametrize("dangling", [True, False])
def test_a_model_that_is_a_link_is_not_followed(
    store: FilesystemModels, root: Path, model: TrainedModel, tmp_path: Path, dangling: bool
) -> None:
    store.publish(model)
    (root / "default").rename(tmp_path / "default")
    (root / "default").symlink_to(tmp_path / ("nowhere" if dangling else "default"))
    before = tree(tmp_path)

    acts: list[Callable[[], Any]] = [
        lambda: store.metadata(DEFAULT, V1),
        lambda: store.latest(DEFAULT),
        lambda: store.versions(DEFAULT),
        lambda: store.publish(renamed(model, "v2")),
    ]
    for act in [*reading_acts(store, V1), *acts]:
        with pytest.raises(DamagedModel, match="default"):
            act()

    assert store.names() == []
    assert tree(tmp_path) == before


def test_a_link_in_the_place_of_latest_is_not_read_and_gives_way(
    store: FilesystemModels, folder: Path, model: TrainedModel, tmp_path: Path
) -> None:
    store.publish(model)
    (folder / "LATEST").rename(tmp_path / "elsewhere")
    (folder / "LATEST").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(DamagedModel, match="LATEST"):
        store.latest(DEFAULT)
    store.publish(renamed(model, "v2"))

    assert (tmp_path / "elsewhere").read_text() == "v1"
    assert not (folder / "LATEST").is_symlink()
    assert store.latest(DEFAULT) == V2


def test_a_link_in_the_place_of_what_latest_is_about_to_become_gives_way(
    store: FilesystemModels, folder: Path, model: TrainedModel, tmp_path: Path
) -> None:
    store.publish(model)
    (tmp_path / "elsewhere").write_text("v1")
    (folder / ".next").symlink_to(tmp_path / "elsewhere")

    store.publish(model)
    store.publish(renamed(model, "v2"))

    assert (tmp_path / "elsewhere").read_text() == "v1"
    assert store.latest(DEFAULT) == V2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"../../etc",
        b"v1/../v1",
        b"v1\nv2",
        b"\xff\xfe",
        b"v1\0",
        b"LATEST",
        b"v3",
        b"a" * 2000,
        b".tmp-x",
    ],
)
def test_latest_that_names_no_version_is_damaged_until_the_next_decision(
    store: FilesystemModels, folder: Path, model: TrainedModel, content: bytes
) -> None:
    store.publish(model)
    (folder / "LATEST").write_bytes(content)

    with pytest.raises(DamagedModel, match="LATEST"):
        store.latest(DEFAULT)
    known = store.versions(DEFAULT)
    assert known.latest is None
    assert [one.model_version for one in known.versions] == [V1]
    assert [one.model_version for one in known.damaged] == ["LATEST"]

    store.promote(DEFAULT, V1, ADA)

    assert store.latest(DEFAULT) == V1
    assert store.versions(DEFAULT).damaged == ()


@pytest.mark.parametrize("content", [b"v1\n", b" v1 ", b"v1\r\n"])
def test_latest_may_be_written_by_hand(
    store: FilesystemModels, folder: Path, model: TrainedModel, content: bytes
) -> None:
    store.publish(model)
    (folder / "LATEST").write_bytes(content)

    assert store.latest(DEFAULT) == V1


def test_what_is_not_the_stores_is_left_alone_and_is_no_version(
    store: FilesystemModels, root: Path, model: TrainedModel
) -> None:
    store.publish(model)
    for path in ("README", ".git", "lost+found", "default/notes.txt", "default/.hidden", "default/a b"):
        (root / path).write_text("mine")
    (root / "empty").mkdir()
    (root / "default/empty").mkdir()

    store.publish(renamed(model, "v2"))

    assert store.names() == [DEFAULT]
    known = store.versions(DEFAULT)
    assert {one.model_version for one in known.versions} == {V1, V2}
    assert known.damaged == ()
    assert (root / "default/notes.txt").read_text() == "mine"


def test_a_version_of_another_name_is_damaged(
    store: FilesystemModels, folder: Path, model: TrainedModel
) -> None:
    store.publish(model)
    (folder / "v1").rename(folder / "v2")

    with pytest.raises(DamagedModel, match=r"version 'v2' of model 'default'.*'v1'"):
        store.load(DEFAULT, V2)
    with pytest.raises(DamagedModel, match="v1"):
        store.latest(DEFAULT)


@pytest.mark.parametrize(
    "damage",
    [lambda _: b"", lambda data: data[:-1], lambda data: data + b"x", lambda data: data[:-1] + b"x"],
    ids=["empty", "truncated", "longer", "one byte other"],
)
def test_a_damaged_forest_is_damaged_by_name_everywhere(
    store: FilesystemModels, folder: Path, model: TrainedModel, damage: Callable[[bytes], bytes]
) -> None:
    store.publish(renamed(model, "v2"))
    store.publish(model)
    path = folder / "v1/forest.npz"
    path.write_bytes(damage(path.read_bytes()))

    for act in reading_acts(store, V1):
        with pytest.raises(DamagedModel, match=r"version 'v1' of model 'default'.*SHA-256"):
            act()
    known = store.versions(DEFAULT)
    assert [one.model_version for one in known.versions] == [V2]
    assert [one.model_version for one in known.damaged] == ["v1"]
    assert store.metadata(DEFAULT, V1) == model.metadata
    store.promote(DEFAULT, V2, ADA)
    assert store.latest(DEFAULT) == V2


def test_a_lost_forest_is_damaged_by_name(store: FilesystemModels, folder: Path, model: TrainedModel) -> None:
    store.publish(model)
    (folder / "v1/forest.npz").unlink()

    for act in reading_acts(store, V1):
        with pytest.raises(DamagedModel, match=r"version 'v1' of model 'default'.*forest.npz is not there"):
            act()
    assert [one.model_version for one in store.versions(DEFAULT).damaged] == ["v1"]


def test_a_refused_promotion_leaves_the_latest_as_it_is(
    store: FilesystemModels, folder: Path, model: TrainedModel
) -> None:
    store.publish(renamed(model, "v2"))
    store.publish(model)
    store.promote(DEFAULT, V2, ADA)
    (folder / "v1/forest.npz").write_bytes(b"")

    with pytest.raises(DamagedModel):
        store.promote(DEFAULT, V1, ADA)

    assert store.latest(DEFAULT) == V2


class Executed:
    """A pickle of this runs code when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


def test_an_estimator_that_runs_code_is_never_loaded(
    store: FilesystemModels, folder: Path, model: TrainedModel, tmp_path: Path
) -> None:
    store.publish(model)
    joblib.dump(Executed(tmp_path / "executed"), folder / "v1/model.joblib")

    store.load(DEFAULT, V1)
    store.latest(DEFAULT)
    store.names()
    store.versions(DEFAULT)
    store.metadata(DEFAULT, V1)
    store.promote(DEFAULT, V1, ADA)
    store.publish(model)

    assert not (tmp_path / "executed").exists()
    joblib.load(folder / "v1/model.joblib")
    assert (tmp_path / "executed").exists(), "it would have run"


def test_a_model_is_served_without_its_estimator(
    store: FilesystemModels, folder: Path, model: TrainedModel
) -> None:
    store.publish(model)
    (folder / "v1/model.joblib").unlink()

    X = some_readings(model)
    np.testing.assert_array_equal(store.load(DEFAULT, V1).score(X), model.score(X))
    assert store.versions(DEFAULT).damaged == ()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "a\0"])
def test_a_sealed_folder_takes_no_name_that_leads_out_of_it(tmp_path: Path, name: str) -> None:
    with SealedFolder.opened(tmp_path) as sealed:
        acts: tuple[Callable[[], Any], ...] = (
            lambda: sealed.make_folder(name),
            lambda: sealed.exists(name),
            lambda: sealed.read(name, 10),
            lambda: sealed.write(name, b""),
            lambda: sealed.rename("a", name),
            lambda: sealed.rename(name, "a"),
            lambda: sealed.remove(name),
            lambda: sealed.modified_ns(name),
        )
        for act in acts:
            with pytest.raises(ValueError, match="is not the name of a file or folder"):
                act()


def test_a_sealed_folder_reads_no_more_than_it_may(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    with SealedFolder.opened(tmp_path) as sealed:
        assert sealed.read("file", 5) == b"12345"
        with pytest.raises(sealed_folder.TooLarge):
            sealed.read("file", 4)


def test_a_sealed_folder_overwrites_no_file_and_follows_no_link_when_it_writes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"first")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with SealedFolder.opened(tmp_path) as sealed:
        for name in ("file", "link"):
            with pytest.raises(FileExistsError):
                sealed.write(name, b"second")
    assert (tmp_path / "file").read_bytes() == b"first"
    assert not (tmp_path / "elsewhere").exists()


def test_a_version_with_many_trees_is_stored_whole(store: FilesystemModels) -> None:
    model = a_trained_model("v1", n_estimators=200)

    store.publish(model)

    X = some_readings(model)
    np.testing.assert_array_equal(store.load(DEFAULT, V1).score(X), model.score(X))
