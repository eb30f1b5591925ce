"""What reads what a store holds, whoever wrote it: hashes are made to match, so that it is all read."""

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tests.fakes import FixedClock, a_batch, a_trained_model, some_readings
from tests.fuzzing.decoder import Decoder
from tests.robustness.forest_mutator import vouching
from vehicle_anomaly.adapters.outbound import model_codec, npz, promotion_codec
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.model_codec import Manifest
from vehicle_anomaly.adapters.outbound.signatures import Signatures, UnusableSigningKeys
from vehicle_anomaly.core import contrast_trees, guards
from vehicle_anomaly.core.contrast_trees import ContrastTrees
from vehicle_anomaly.core.errors import DamagedModel
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.forest import ARRAY_DTYPES
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.judging import judge
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelVersion, TrainedModel
from vehicle_anomaly.core.scoring_threads import THIS_THREAD
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

_VERSION: Final = ModelVersion("v1")
_PROMOTION: Final = (
    b'{"number":1,"at":"2026-11-26T10:00:00Z","by":"ada","automatic":false,"from_version":null,'
    b'"to_version":"v1","to_trained_at":"2026-11-26T10:00:00Z"}'
)


_ARRAYS: Final = {**ARRAY_DTYPES, "offset": np.float64, "medians": np.float64}
_GUARD_ARRAYS: Final = {
    **contrast_trees.ARRAY_DTYPES,
    **guards.ARRAY_DTYPES,
    "depth": np.int64,
    "isolation_limit": np.float64,
}
_LENGTH: Final = struct.Struct("<H")


def stored_decoders(folder: Path) -> dict[str, Decoder]:
    """Return them by name.

    Args:
        folder: Empty; a store is made in it.
    """
    files = _published(folder)
    manifest = msgspec.json.decode(files[model_codec.MANIFEST], type=Manifest)
    whole = model_codec.decode(manifest, files[model_codec.FOREST], files[model_codec.GUARDS])
    forest_alone = replace(a_trained_model("v1", n_estimators=4), guards=None)
    small = model_codec.encode(forest_alone)
    small_manifest = msgspec.json.decode(small.manifest, type=Manifest)

    readings = some_readings(forest_alone)

    def read_forest(data: bytes) -> TrainedModel:
        return model_codec.decode(vouching(forest_alone, small_manifest, data), data)

    def read_guards(data: bytes) -> TrainedModel:
        listed = _listing(manifest, model_codec.GUARDS, data)
        return model_codec.decode(listed, files[model_codec.FOREST], data)

    def read_forest_of(data: bytes) -> None:
        score_within_bounds(read_forest(npz.write(_unstrung(data, _ARRAYS))))

    def read_guards_of(data: bytes) -> None:
        arrays = _unstrung(data, _GUARD_ARRAYS)
        packed = npz.write(arrays)
        told = msgspec.structs.replace(
            _listing(manifest, model_codec.GUARDS, packed), content_sha256=_content(whole, arrays)
        )
        score_within_bounds(model_codec.decode(told.sealed(), files[model_codec.FOREST], packed))

    def score_within_bounds(loaded: TrainedModel) -> None:
        scores = loaded.score(readings)
        if not (np.abs(scores) <= 1).all():
            raise AssertionError(f"scored {scores}")
        judge(loaded, readings, scores)

    def told_of(file: str, decode: Callable[[Manifest, bytes], object]) -> Decoder:
        return _of_a_store(lambda data: decode(_listing(manifest, file, data), data), files[file])

    return {
        "forest": _of_a_store(read_forest, small.files[model_codec.FOREST]),
        # Behind the checksums and the compression of the archive, the arrays themselves.
        "forest-arrays": _of_a_store(read_forest_of, _strung(small.files[model_codec.FOREST], _ARRAYS)),
        "guards-arrays": _of_a_store(read_guards_of, _strung(files[model_codec.GUARDS], _GUARD_ARRAYS)),
        "guards": _of_a_store(read_guards, files[model_codec.GUARDS]),
        "sample": told_of(model_codec.SAMPLE, model_codec.decode_sample),
        "report": told_of(model_codec.REPORT, model_codec.decode_report),
        "manifest": _of_a_store(_read_manifest, files[model_codec.MANIFEST], small.manifest),
        "promotion": _of_a_store(
            lambda data: promotion_codec.decode(data, DEFAULT_MODEL_NAME, "a record"), _PROMOTION
        ),
        "latest": _of_a_store(partial(_read_latest, folder), b"v1", b"v1\n\n", b"v2", b"../v1"),
        "signing-keys": Decoder(
            lambda data: Signatures.of(data.decode("latin-1")),
            (UnusableSigningKeys,),
            [b"0123456789abcdef" * 2, b"a" * 40 + b"," + b"b-_" * 20 + b"\n", b"/no/such/file"],
        ),
    }


def _content(model: TrainedModel, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the hash that a model has with such guards; that of none, where they are none."""
    try:
        rest = dict(arrays)
        (depth,), (limit,) = rest.pop("depth").tolist(), rest.pop("isolation_limit").tolist()
        of_trees = {name: rest.pop(name) for name in contrast_trees.ARRAY_DTYPES}
        trees = ContrastTrees(n_features=model.metadata.n_features, depth=depth, **of_trees)
        return replace(model, guards=Guards(trees=trees, isolation_limit=limit, **rest)).content_sha256()
    except ValueError:
        return ""


def _strung(packed: bytes, dtypes: Mapping[str, type[np.generic]]) -> bytes:
    """Return the arrays of an archive one behind the other, each behind its length in bytes."""
    arrays = npz.read(packed, dtypes, 10**6)
    parts = [arrays[name].tobytes() for name in dtypes]
    return b"".join(_LENGTH.pack(len(part)) + part for part in parts)


def _unstrung(data: bytes, dtypes: Mapping[str, type[np.generic]]) -> dict[str, NDArray[Any]]:
    """Return the arrays that bytes say: what is missing is empty, and what is over is left."""
    arrays: dict[str, NDArray[Any]] = {}
    at = 0
    for name, dtype in dtypes.items():
        length = _LENGTH.unpack_from(data, at)[0] if at + _LENGTH.size <= len(data) else 0
        at += _LENGTH.size
        part = data[at : at + length]
        at += length
        arrays[name] = np.frombuffer(part[: len(part) - len(part) % np.dtype(dtype).itemsize], dtype)
    return arrays


def _of_a_store(decode: Callable[[bytes], object], *seeds: bytes) -> Decoder:
    return Decoder(decode, (DamagedModel,), seeds)


def _published(folder: Path) -> dict[str, bytes]:
    """Publish a version with guards, a report and a sample; return its files."""
    forests, limits = ForestParameters(4, 0.05, 42), GuardParameters(0.05, 42)
    train = TrainModel(FilesystemModels(folder), FixedClock(), forests, limits, THIS_THREAD)
    train(TrainModelCommand(a_batch(n_readings=300), DEFAULT_MODEL_NAME, _VERSION))
    return {path.name: path.read_bytes() for path in (folder / "default" / "v1").iterdir()}


def _listing(manifest: Manifest, file: str, data: bytes) -> Manifest:
    """Return a manifest that lists a file as it now is."""
    told = json.loads(msgspec.json.encode(manifest))
    told["files"][file] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return msgspec.convert(told, Manifest).sealed()


def _read_manifest(data: bytes) -> None:
    try:
        sealed = model_codec.encode_manifest(msgspec.json.decode(data, type=Manifest).sealed())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        sealed = data
    manifest = model_codec.decode_manifest(sealed, DEFAULT_MODEL_NAME, _VERSION)
    model_codec.metadata(manifest)
    model_codec.listed_files(manifest)


def _read_latest(folder: Path, data: bytes) -> ModelVersion:
    (folder / "default" / model_codec.LATEST).write_bytes(data)
    return FilesystemModels(folder).latest(DEFAULT_MODEL_NAME)
