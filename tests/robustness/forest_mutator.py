"""Decodes mutated forests and scores with those that pass; a program of its own, under limits.

It is killed by SIGALRM when one of them takes ten seconds, and refused memory beyond 512 MB more than it had.
"""

import hashlib
import json
import random
import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tests.fakes import a_trained_model, some_readings
from tests.robustness.mutations import mutated
from vehicle_anomaly.adapters.outbound import model_codec, npz
from vehicle_anomaly.adapters.outbound.model_codec import Manifest, ModelFiles
from vehicle_anomaly.adapters.outbound.signatures import Signatures
from vehicle_anomaly.core.errors import DamagedModel
from vehicle_anomaly.core.forest import ARRAY_DTYPES, Forest
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel

SIGNED = Signatures([b"0123456789abcdef" * 2])
SECONDS_EACH = 10
BYTES_MORE = 512 * 1024**2
_SPECIAL = (0, 1, -1, -2, 2**31 - 1, -(2**31), 2**53, 1e308, -1e308, 1e-320, np.nan, np.inf, -np.inf)


def with_wrong_items(arrays: dict[str, Any], choice: random.Random) -> dict[str, Any]:
    """Return arrays of which a few items, or the length, are wrong."""
    changed = {name: array.copy() for name, array in arrays.items()}
    for _ in range(choice.choice([1, 1, 2, 5])):
        name = choice.choice([*changed])
        array = changed[name]
        if not array.size:
            continue
        at = choice.randrange(array.size)
        kind = choice.randrange(5)
        if kind == 0:
            changed[name] = array[:at]
        elif kind == 1:
            changed[name] = np.repeat(array, 2)
        elif kind == 2:
            array[at] = array[choice.randrange(array.size)]
        elif kind == 3:
            array[at] = array[at] + choice.choice([-1, 1])
        else:
            value = choice.choice(_SPECIAL)
            limits = np.iinfo(array.dtype) if array.dtype.kind == "i" else None
            array[at] = value if limits is None else _whole(value, limits)
    return changed


def _whole(value: float, limits: Any) -> int:
    return int(min(max(value, limits.min), limits.max)) if np.isfinite(value) else int(limits.max)


def vouching(model: TrainedModel, manifest: Manifest, forest: bytes) -> Manifest:
    """Return a signed manifest that vouches for crafted bytes, by hash and content."""
    told = json.loads(msgspec.json.encode(manifest))
    told["files"]["forest.npz"] = {"size": len(forest), "sha256": hashlib.sha256(forest).hexdigest()}
    try:
        arrays = npz.read(
            forest, {**ARRAY_DTYPES, "offset": np.float64, "medians": np.float64}, 2 * len(forest) + 10**6
        )
        (offset,) = arrays.pop("offset").tolist()
        medians = arrays.pop("medians")
        known = model.metadata
        grown = Forest(n_features=known.n_features, max_samples=known.max_samples, offset=offset, **arrays)
        told["content_sha256"] = replace(model, forest=grown, medians=medians).content_sha256()
    except ValueError:
        pass  # no model: nothing to hash, and it is to be refused whatever is said of it
    crafted = model_codec.encode_manifest(msgspec.convert(told, Manifest).sealed())
    signed = SIGNED.signed(ModelFiles({}, crafted, told["content_sha256"])).manifest
    name, version = ModelName("default"), ModelVersion("v1")
    return SIGNED.check(model_codec.decode_manifest(signed, name, version))


def run(mutations: int, seed: int) -> dict[str, int]:
    """Return how many were refused and how many scored."""
    choice = random.Random(seed)
    model = replace(a_trained_model("v1", n_estimators=8), guards=None)
    files = model_codec.encode(model)
    manifest = msgspec.json.decode(files.manifest, type=Manifest)
    forest = files.files["forest.npz"]
    arrays = {
        **model.forest.arrays(),
        "offset": np.array([model.forest.offset]),
        "medians": model.medians,
    }
    X = np.concatenate([some_readings(model), np.full((2, 3), np.nan), np.full((1, 3), 3e38)])
    told = {"refused": 0, "scored": 0}
    model_codec.decode(vouching(model, manifest, forest), forest).score(X)
    _bound_memory()
    for mutation in range(mutations):
        signal.alarm(SECONDS_EACH)
        crafted = npz.write(with_wrong_items(arrays, choice)) if mutation % 3 else mutated(forest, choice)
        try:
            loaded = model_codec.decode(vouching(model, manifest, crafted), crafted)
        except DamagedModel:
            told["refused"] += 1
            continue
        scores = loaded.forest.score_samples(X, loaded.medians)
        assert np.all((scores >= -1) & (scores <= 0)), (mutation, scores)
        assert np.all(np.isfinite(loaded.score(X))), mutation
        told["scored"] += 1
    signal.alarm(0)
    return told


def _bound_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    bound = pages * resource.getpagesize() + BYTES_MORE
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]))))  # noqa: T201
