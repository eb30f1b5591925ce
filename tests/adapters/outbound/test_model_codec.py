"""Files that are not what was published are refused by the version's name, and nothing in them runs."""

import hashlib
import io
import json
import os
import random
import resource
import struct
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.lib import format as npy

from tests.fakes import NOON, a_batch, a_trained_model, renamed, some_readings
from vehicle_anomaly.adapters.outbound import model_codec, npz
from vehicle_anomaly.core.errors import DamagedModel
from vehicle_anomaly.core.forest import ARRAY_DTYPES
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel

DEFAULT, V1 = ModelName("default"), ModelVersion("v1")
BY_NAME = "version 'v1' of model 'default' is damaged"


@pytest.fixture(scope="module")
def named() -> TrainedModel:
    return a_trained_model("v1", batch=a_batch(feature_names="abc"))


def arrays_of(model: TrainedModel) -> dict[str, Any]:
    return {**model.forest.arrays(), "offset": np.array([model.forest.offset]), "medians": model.medians}


def packed(members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as writer:
        for name, data in members.items():
            writer.writestr(name, data)
    return archive.getvalue()


def members_of(arrays: Mapping[str, Any]) -> dict[str, bytes]:
    members = {}
    for name, array in arrays.items():
        data = io.BytesIO()
        write: Callable[..., None] = npy.write_array
        write(data, array, allow_pickle=True)
        members[f"{name}.npy"] = data.getvalue()
    return members


def vouching(model: TrainedModel, forest: bytes) -> model_codec.Manifest:
    """Make a manifest whose size and hash are those of a crafted file."""
    told = json.loads(model_codec.encode(model).manifest)
    told["files"]["forest.npz"] = {"size": len(forest), "sha256": hashlib.sha256(forest).hexdigest()}
    return model_codec.decode_manifest(sealed(told), DEFAULT, V1)


def sealed(told: Mapping[str, Any]) -> bytes:
    """Write a crafted manifest that vouches for itself."""
    return msgspec.json.encode(msgspec.convert(told, model_codec.Manifest).sealed())


def assert_damaged(model: TrainedModel, forest: bytes) -> None:
    with pytest.raises(DamagedModel, match=f"{BY_NAME}: .*forest.npz"):
        model_codec.decode(vouching(model, forest), forest)


def test_a_model_survives_its_files(named: TrainedModel) -> None:
    files = model_codec.encode(named)

    loaded = model_codec.decode(
        model_codec.decode_manifest(files.manifest, DEFAULT, V1), files.files["forest.npz"]
    )

    assert loaded.metadata == named.metadata
    assert loaded.content_sha256() == named.content_sha256()
    X = some_readings(named)
    np.testing.assert_array_equal(loaded.score(X), named.score(X))


def test_the_same_model_gives_the_same_bytes_at_any_time(
    model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = model_codec.encode(model)
    moment = time.time()
    monkeypatch.setattr(time, "time", lambda: moment + 10**6)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(moment + 10**6))

    second = model_codec.encode(model)

    assert first.files["forest.npz"] == second.files["forest.npz"]
    assert first.content_sha256 == second.content_sha256
    later = model_codec.encode(renamed(model, "v1", trained_at=NOON.replace(year=2030)))
    assert later.content_sha256 == first.content_sha256


def test_numpy_reads_the_arrays_too(model: TrainedModel) -> None:
    with np.load(io.BytesIO(model_codec.encode(model).files["forest.npz"]), allow_pickle=False) as arrays:
        assert set(arrays) == {*ARRAY_DTYPES, "offset", "medians"}
        np.testing.assert_array_equal(arrays["threshold"], model.forest.threshold)


@pytest.mark.parametrize("damage", ["truncated", "other bytes", "longer", "empty"])
def test_a_forest_that_the_manifest_does_not_vouch_for_is_not_parsed(
    model: TrainedModel, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    files = model_codec.encode(model)
    forest = files.files["forest.npz"]
    damaged = {
        "truncated": forest[:-1],
        "other bytes": forest[:-1] + b"x",
        "longer": forest + b"\0",
        "empty": b"",
    }[damage]

    def parsed(*_: Any) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(npz, "read", parsed)
    with pytest.raises(DamagedModel, match=f"{BY_NAME}: forest.npz does not have the size and SHA-256"):
        model_codec.decode(model_codec.decode_manifest(files.manifest, DEFAULT, V1), damaged)


# A crafted forest.npz, its hash made to match


class Executed:
    """A pickle of this runs code when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


def with_array(name: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda arrays: {**arrays, name: change(arrays[name])}


def with_item(name: str, position: int, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(array: Any) -> Any:
        array = array.copy()
        array[position] = value
        return array

    return with_array(name, change)


CRAFTED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "a cycle": with_item("left", 0, 0),
    "a child out of range": with_item("right", 0, 2**31 - 1),
    "a child in another tree": with_array("right", lambda right: np.where(right >= 0, right.max(), right)),
    "a feature out of range": with_item("feature", 0, 3),
    "a negative feature": with_item("feature", 0, -2),
    "a threshold that is NaN": with_item("threshold", 0, np.nan),
    "an infinite path length": with_item("path_length", -1, np.inf),
    "trees that overlap": with_item("tree_start", 1, 0),
    "trees that overflow": with_array(
        "tree_start", lambda start: np.array([0, 2**63 - 1, -2, start[3], start[4], start[5]])
    ),
    "a tree fewer": with_array("tree_start", lambda start: start[[0, 2, 3, 4, 5]]),
    "no tree": with_array("tree_start", lambda start: start[:1]),
    "an offset that is NaN": with_item("offset", 0, np.nan),
    "two offsets": with_array("offset", lambda offset: np.repeat(offset, 2)),
    "no offset": with_array("offset", lambda offset: offset[:0]),
    "an offset without a dimension": with_array("offset", lambda offset: offset[0]),
    "a median fewer": with_array("medians", lambda medians: medians[:-1]),
    "a median that is NaN": with_item("medians", 0, np.nan),
    "a median beyond float32": with_item("medians", 0, 1e300),
    "float32 thresholds": with_array("threshold", lambda threshold: threshold.astype(np.float32)),
    "big-endian thresholds": with_array("threshold", lambda threshold: threshold.astype(">f8")),
    "int64 children": with_array("left", lambda left: left.astype(np.int64)),
    "unsigned children": with_array("left", lambda left: left.astype(np.uint32)),
    "text for thresholds": with_array("threshold", lambda threshold: threshold.astype("S8")),
    "records for thresholds": with_array("threshold", lambda threshold: threshold.view([("a", "<f8")])),
    "times for thresholds": with_array("threshold", lambda threshold: threshold.view("<M8[s]")),
    "2-D thresholds": with_array("threshold", lambda threshold: threshold[None, :].copy()),
    "Fortran thresholds": with_array("threshold", lambda t: np.asfortranarray(np.stack([t, t]))),
    "other feature, same shape": with_array("feature", lambda feature: np.where(feature == 0, 1, feature)),
    "an extra array": lambda arrays: {**arrays, "extra": np.zeros(1)},
    "a missing array": lambda arrays: {name: arrays[name] for name in arrays if name != "left"},
}


@pytest.mark.parametrize("crafted", CRAFTED)
def test_crafted_arrays_are_damaged_by_name(model: TrainedModel, crafted: str) -> None:
    assert_damaged(model, packed(members_of(CRAFTED[crafted](arrays_of(model)))))


def test_arrays_that_pickle_objects_run_nothing(model: TrainedModel, tmp_path: Path) -> None:
    objects = np.empty(model.forest.threshold.shape, object)
    objects[:] = [Executed(tmp_path / f"executed{n}") for n in range(objects.size)]

    assert_damaged(model, packed(members_of({**arrays_of(model), "threshold": objects})))

    assert list(tmp_path.iterdir()) == []


def header(text: str, version: bytes = b"\1\0") -> bytes:
    length = struct.pack("<H" if version == b"\1\0" else "<I", len(text))
    return b"\x93NUMPY" + version + length + text.encode("latin-1")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\1\0\xff\xff",
        b"garbage " * 20,
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n"),
        header("{'descr': '<f8', 'fortran_order': True, 'shape': (0,), }\n"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (9" + "9" * 5000 + ",), }\n"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (0,), }\n", b"\2\0"),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n") + b"cos\nsystem\n(S'false'\ntR.",
        header("(" * 60_000),
        header("__import__('os').system('false')\n"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (1L,), }\n") + b"\0" * 8,
    ],
    ids=range(13),
)
def test_crafted_headers_are_damaged_by_name(model: TrainedModel, data: bytes) -> None:
    assert_damaged(model, packed({**members_of(arrays_of(model)), "threshold.npy": data}))


@pytest.mark.parametrize("forest", [b"", b"PK\5\6" + b"\0" * 18, b"PK\3\4garbage", b"\x80\4N.", b"x" * 1000])
def test_what_is_no_archive_is_damaged_by_name(model: TrainedModel, forest: bytes) -> None:
    assert_damaged(model, forest)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_damaged_by_name(model: TrainedModel, compression: int) -> None:
    assert_damaged(model, packed(members_of(arrays_of(model)), compression))


def test_an_uncompressed_archive_is_as_good(model: TrainedModel) -> None:
    forest = packed(members_of(arrays_of(model)), zipfile.ZIP_STORED)

    X = some_readings(model)
    loaded = model_codec.decode(vouching(model, forest), forest)
    np.testing.assert_array_equal(loaded.score(X), model.score(X))


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_an_array_that_is_there_twice_is_damaged_by_name(model: TrainedModel) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        for name, data in [
            *members_of(arrays_of(model)).items(),
            *members_of({"left": model.forest.left}).items(),
        ]:
            writer.writestr(name, data)

    assert_damaged(model, archive.getvalue())


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("honest", [True, False], ids=["that says so", "that says otherwise"])
def test_a_zip_bomb_is_damaged_by_name_and_takes_no_memory(model: TrainedModel, honest: bool) -> None:
    """Two gigabytes of zeros in two megabytes."""
    size = 2 * 1024**3
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as writer:
        for name, data in members_of(arrays_of(model)).items():
            if name != "threshold.npy":
                writer.writestr(name, data)
        with writer.open("threshold.npy", "w", force_zip64=True) as member:
            for _ in range(size // 2**20):
                member.write(b"\0" * 2**20)
    forest = archive.getvalue()
    if not honest:
        # In the central directory, and in the data descriptor's place, which zipfile does not read.
        extra = struct.pack("<HHQ", 1, 8, size)
        assert extra not in forest
        entry = forest.rindex(b"PK\1\2")
        assert forest[entry + 46 : entry + 59] == b"threshold.npy"
        forest = forest[: entry + 24] + struct.pack("<L", 1000) + forest[entry + 28 :]
    before = peak_bytes()

    assert_damaged(model, forest)

    assert peak_bytes() - before < 256 * 1024**2


def test_no_flipped_byte_of_a_forest_does_anything_but_damage(model: TrainedModel) -> None:
    """The hash is made to match, so the parser sees it; a byte that means nothing may pass."""
    choice = random.Random(0)
    forest = model_codec.encode(model).files["forest.npz"]
    X = some_readings(model)
    expected = model.score(X)
    for _ in range(600):
        crafted = bytearray(forest)
        for _ in range(choice.randint(1, 4)):
            # Headers and the directory, where the structure is, as often as the packed arrays.
            near = choice.choice(
                [choice.randrange(len(forest)), forest.find(b"PK", choice.randrange(len(forest)))]
            )
            crafted[min(near + choice.randrange(60), len(forest) - 1)] = choice.choice(
                [0, 1, 0x7F, 0xFF, choice.randrange(256)]
            )
        try:
            loaded = model_codec.decode(vouching(model, bytes(crafted)), bytes(crafted))
        except DamagedModel:
            continue
        np.testing.assert_array_equal(loaded.score(X), expected)


# Manifest


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told["metadata"].update(feature_names=["b", "a", "c"]),
        lambda told: told["metadata"].update(trained_at="1999-01-01T00:00:00Z"),
        lambda told: told["files"]["model.joblib"].update(size=1),
        lambda told: told.update(manifest_sha256=""),
        lambda told: told.pop("manifest_sha256"),
    ],
    ids=["names in another order", "another time", "another size", "no hash", "hash left out"],
)
def test_an_edited_manifest_is_damaged_by_name(named: TrainedModel, change: Callable[[Any], object]) -> None:
    told = json.loads(model_codec.encode(named).manifest)
    change(told)
    with pytest.raises(DamagedModel, match=f"{BY_NAME}: manifest.json is not what was published"):
        model_codec.decode_manifest(json.dumps(told).encode(), DEFAULT, V1)


def changed_manifest(model: TrainedModel, change: Callable[[Any], object]) -> bytes:
    told = json.loads(model_codec.encode(model).manifest)
    change(told)
    # One that cannot be sealed is no manifest anyway.
    try:
        return sealed(told)
    except msgspec.ValidationError:
        return json.dumps(told).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"garbage",
        b"\xff\xfe",
        b'{"a": "\xff"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"metadata":' + b"[" * 100_000,
        b"\0" * 100,
        b"\x80\4N.",
    ],
    ids=range(12),
)
def test_what_is_no_manifest_is_damaged_by_name(data: bytes) -> None:
    with pytest.raises(DamagedModel, match=f"{BY_NAME}: manifest.json is not readable"):
        model_codec.decode_manifest(data, DEFAULT, V1)


def test_a_truncated_manifest_is_damaged_by_name(model: TrainedModel) -> None:
    manifest = model_codec.encode(model).manifest.rstrip()
    for length in range(0, len(manifest), 7):
        with pytest.raises(DamagedModel, match=BY_NAME):
            model_codec.decode_manifest(manifest[:length], DEFAULT, V1)


CONTRADICTIONS: dict[str, Callable[[Any], object]] = {
    "another version's": lambda told: told["metadata"].update(model_version="v2"),
    "another model's": lambda told: told["metadata"].update(model_name="other"),
    "of a later format": lambda told: told.update(format_version=2),
    "of no format": lambda told: told.pop("format_version"),
    "a field more": lambda told: told.update(more=1),
    "a field of metadata more": lambda told: told["metadata"].update(more=1),
    "a field of metadata fewer": lambda told: told["metadata"].pop("n_features"),
    "no features": lambda told: told["metadata"].update(n_features=0),
    "a number as text": lambda told: told["metadata"].update(n_features="3"),
    "negative counts": lambda told: told["metadata"].update(missing_per_feature=[0, -1, 0]),
    "too few counts": lambda told: told["metadata"].update(missing_per_feature=[0, 0]),
    "too few names": lambda told: told["metadata"].update(feature_names=["a", "b"]),
    "the same name twice": lambda told: told["metadata"].update(feature_names=["a", "b", "a"]),
    "an empty name": lambda told: told["metadata"].update(feature_names=["a", "", "c"]),
    "a time without an offset": lambda told: told["metadata"].update(trained_at="2026-03-01T12:00:00"),
    "no time": lambda told: told["metadata"].update(trained_at="yesterday"),
    "contamination of another kind": lambda told: told["metadata"].update(contamination="manual"),
    "a size that is none": lambda told: told["files"]["forest.npz"].update(size=-1),
    "a hash that is none": lambda told: told["files"]["forest.npz"].update(sha256="0" * 64 + "\n"),
    "no forest": lambda told: told["files"].pop("forest.npz"),
    "other trees": lambda told: told["metadata"].update(n_estimators=6),
    "other features": lambda told: told["metadata"].update(
        n_features=2, missing_per_feature=[0, 0], feature_names=None
    ),
    "other samples": lambda told: told["metadata"].update(max_samples=41),
    "samples without end": lambda told: told["metadata"].update(max_samples=10**400),
    "names in another order": lambda told: told["metadata"].update(feature_names=["b", "a", "c"]),
    "another content hash": lambda told: told.update(content_sha256="0" * 64),
}


@pytest.mark.parametrize("contradiction", CONTRADICTIONS)
def test_a_manifest_that_contradicts_itself_or_the_forest_is_damaged_by_name(
    named: TrainedModel, contradiction: str
) -> None:
    forest = model_codec.encode(named).files["forest.npz"]
    data = changed_manifest(named, CONTRADICTIONS[contradiction])

    with pytest.raises(DamagedModel, match=BY_NAME):
        model_codec.decode(model_codec.decode_manifest(data, DEFAULT, V1), forest)


@pytest.mark.parametrize("names", [["a", "a", "b"], ["a", "b"], ["", "a", "b"]])
def test_names_that_no_model_can_have_are_damage_and_no_refusal(
    named: TrainedModel, names: list[str]
) -> None:
    data = changed_manifest(named, lambda told: told["metadata"].update(feature_names=names))
    manifest = model_codec.decode_manifest(data, DEFAULT, V1)

    with pytest.raises(DamagedModel, match=BY_NAME):
        model_codec.metadata(manifest)


def test_a_manifest_is_readable_by_people(named: TrainedModel) -> None:
    manifest = model_codec.encode(named).manifest

    assert manifest.startswith(b'{\n  "format_version": 1,')
    assert msgspec.json.decode(manifest)["metadata"]["feature_names"] == ["a", "b", "c"]
