"""Arrays that processes have in memory once, and what they do not take from each other."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.fakes import FixedClock, InMemoryModels, a_batch
from vehicle_anomaly.adapters.outbound.shared_arrays import Arrays, SharedArrays
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import ModelVersion, TrainedModel
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="there is no memory to be sealed")

# Run with a folder: offers what `large` makes until its standard input ends.
_OTHER = """
import sys
from pathlib import Path
from tests.adapters.outbound.test_shared_arrays import large
from vehicle_anomaly.adapters.outbound.shared_arrays import SharedArrays
kept = SharedArrays(Path(sys.argv[1])).place("m@v1", large())
print("offered", flush=True)
sys.stdin.read()
"""


def large(last: float = 1.0) -> dict[str, NDArray[np.generic]]:
    """Make arrays that are worth sharing, with an odd size among them."""
    many = np.arange(200_001, dtype=np.float64)
    many[-1] = last
    return {"many": many, "few": np.array([7], np.uint16), "table": np.full((3, 5), np.nan, np.float32)}


def _same(one: Arrays, other: Arrays) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[name], other[name], equal_nan=name == "table")
        and one[name].dtype == other[name].dtype
        and one[name].shape == other[name].shape
        for name in one
    )


def _held(name: str) -> bool:
    """Tell whether this process has memory of a name open or mapped."""
    return name in Path("/proc/self/maps").read_text() or any(name in each for each in _open_files())


def _open_files() -> Iterator[str]:
    for each in Path("/proc/self/fd").iterdir():
        # The one that lists them is gone by now.
        with suppress(FileNotFoundError):
            yield str(each.readlink())


@contextmanager
def _another_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = (sys.executable, "-c", _OTHER, str(folder))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "offered\n"
            yield process
        finally:
            process.kill()


def test_what_another_process_offers_is_taken_and_outlives_it(tmp_path: Path) -> None:
    with _another_process(tmp_path) as other:
        offered = (tmp_path / "m@v1").readlink()
        own = large()
        placed = SharedArrays(tmp_path).place("m@v1", own)
        assert placed is not own
        assert (tmp_path / "m@v1").readlink() == offered
        other.kill()
    assert _same(placed, large())
    assert placed["many"].flags.aligned
    # As compiled code knows them: one that is read-only is another type.
    assert placed["many"].flags.writeable


def test_who_comes_after_a_process_that_is_gone_offers_anew(tmp_path: Path) -> None:
    with _another_process(tmp_path):
        pass
    placed = SharedArrays(tmp_path).place("m@v1", large())
    assert (tmp_path / "m@v1").readlink().parts[2] == str(os.getpid())
    assert _same(placed, large())


def test_nobody_sees_what_another_writes(tmp_path: Path) -> None:
    one = SharedArrays(tmp_path).place("m@v1", large())
    other = SharedArrays(tmp_path).place("m@v1", large())
    one["many"][0] = -1.0
    assert other["many"][0] == 0.0
    with pytest.raises(PermissionError), (tmp_path / "m@v1").open("r+b") as offered:
        offered.write(b"x")


@pytest.mark.parametrize("trap", ["other content", "other size", "a file", "nowhere", "a pipe", "not sealed"])
def test_what_is_not_the_same_is_not_taken(tmp_path: Path, trap: str) -> None:
    link = tmp_path / "m@v1"
    kept: list[object] = []
    match trap:
        case "other content":
            kept.append(SharedArrays(tmp_path).place("m@v1", large(last=2.0)))
        case "other size":
            kept.append(SharedArrays(tmp_path).place("m@v1", {"many": np.zeros(300_000)}))
        case "a file":
            (tmp_path / "file").write_bytes(bytes(2_000_000))
            link.symlink_to(tmp_path / "file")
        case "nowhere":
            link.symlink_to(tmp_path / "nowhere")
        case "a pipe":
            os.mkfifo(link)
        case _:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(f"{SharedArrays.__module__}._SEALS", 0)
                kept.append(SharedArrays(tmp_path).place("m@v1", large()))
    before = link.readlink() if link.is_symlink() else None
    placed = SharedArrays(tmp_path).place("m@v1", large())
    assert _same(placed, large())
    # It offers its own in the place of it.
    assert link.readlink() != before


def test_nothing_stays_open_once_the_arrays_are_gone(tmp_path: Path) -> None:
    placed = SharedArrays(tmp_path).place("soon@gone", large())
    assert _held("soon@gone")
    del placed
    gc.collect()
    assert not _held("soon@gone")
    assert list(tmp_path.iterdir()) == []


def test_little_is_not_worth_it(tmp_path: Path) -> None:
    few: Arrays = {"few": np.zeros(100)}
    assert SharedArrays(tmp_path).place("m@v1", few) is few


def test_a_folder_that_is_gone_harms_nobody(tmp_path: Path) -> None:
    own = large()
    assert SharedArrays(tmp_path / "gone").place("m@v1", own) is own


@pytest.fixture
def model() -> TrainedModel:
    """A model whose forest takes a megabyte and more."""
    models = InMemoryModels()
    train = TrainModel(models, FixedClock(), ForestParameters(n_estimators=200))
    X = np.random.default_rng(0).normal(size=(2000, 3))
    known = train(TrainModelCommand(a_batch(X), model_version=ModelVersion("v1")))
    return models.load(known.model_name, known.model_version)


def test_a_shared_model_is_the_same_model(tmp_path: Path, model: TrainedModel) -> None:
    first = SharedArrays(tmp_path).share(model)
    second = SharedArrays(tmp_path).share(model)
    X = np.random.default_rng(1).normal(size=(100, 3))
    for shared in (first, second):
        assert shared.forest.path_length.base is not None
        assert shared.content_sha256() == model.content_sha256()
        assert shared.score(X).tobytes() == model.score(X).tobytes()
        assert [shared.score_alone(row, guarded=False) for row in X.tolist()] == [
            model.score_alone(row, guarded=False) for row in X.tolist()
        ]
