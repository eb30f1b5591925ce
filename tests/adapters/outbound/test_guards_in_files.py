"""Guards in the files of a version: they survive, nothing crafted gets through, and none is needed."""

import hashlib
import json
from typing import Any

import msgspec
import numpy as np
import pytest

from tests import simulated_trucks
from tests.fakes import a_trained_model
from tests.guarded import reasons_of_each, trained
from vehicle_anomaly.adapters.outbound import model_codec, npz
from vehicle_anomaly.core.errors import DamagedModel
from vehicle_anomaly.core.model import TrainedModel


@pytest.fixture(scope="module")
def guarded() -> TrainedModel:
    return trained(simulated_trucks.batch(simulated_trucks.trips(3, seed=1)), n_estimators=10)


def manifest_of(model: TrainedModel, data: bytes) -> model_codec.Manifest:
    return model_codec.decode_manifest(data, model.metadata.model_name, model.metadata.model_version)


def arrays_of(model: TrainedModel) -> dict[str, Any]:
    assert model.guards is not None
    scalars = {
        "depth": np.array([model.guards.trees.depth]),
        "isolation_limit": np.array([model.guards.isolation_limit]),
    }
    return {**model.guards.trees.arrays(), **model.guards.arrays(), **scalars}


def vouching(model: TrainedModel, guards: bytes) -> model_codec.Manifest:
    """Make a manifest whose size and hash are those of crafted guards."""
    told = json.loads(model_codec.encode(model).manifest)
    told["files"]["guards.npz"] = {"size": len(guards), "sha256": hashlib.sha256(guards).hexdigest()}
    sealed = msgspec.json.encode(msgspec.convert(told, model_codec.Manifest).sealed())
    return manifest_of(model, sealed)


def test_guards_survive_their_files(guarded: TrainedModel) -> None:
    encoded = model_codec.encode(guarded)
    manifest = manifest_of(guarded, encoded.manifest)

    loaded = model_codec.decode(manifest, encoded.files["forest.npz"], encoded.files["guards.npz"])

    assert loaded.metadata == guarded.metadata
    assert loaded.metadata.guards == "full"
    X = simulated_trucks.trips(1, seed=3) * 1.1
    assert reasons_of_each(loaded, X, loaded.score(X)) == reasons_of_each(guarded, X, guarded.score(X))


def test_the_same_guards_give_the_same_bytes(guarded: TrainedModel) -> None:
    first, second = model_codec.encode(guarded), model_codec.encode(guarded)

    assert first.files["guards.npz"] == second.files["guards.npz"]


def test_a_version_from_before_there_were_guards_says_that_it_has_none() -> None:
    model = a_trained_model()
    encoded = model_codec.encode(model)
    told = json.loads(encoded.manifest)

    # To the byte what it was before: the manifest's own hash covers it.
    assert not {"guards", "false_alarm_rate"} & told["metadata"].keys()
    assert "guards.npz" not in told["files"]
    loaded = model_codec.decode(manifest_of(model, encoded.manifest), encoded.files["forest.npz"])
    assert (loaded.metadata.guards, loaded.metadata.false_alarm_rate, loaded.guards) == ("none", None, None)


@pytest.mark.parametrize(
    "crafted",
    [
        {"split_feature": 8},
        {"split_feature": -1},
        {"split_threshold": np.nan},
        {"leaf": np.inf},
        {"guarded": 99},
        {"tree_start": 2**40},
        {"lowest": np.nan},
        {"cell_value": np.nan},
        {"always_there": 7},
        {"depth": 63},
        {"depth": -1},
        {"isolation_limit": np.nan},
    ],
    ids=str,
)
def test_crafted_guards_are_damaged_by_name(guarded: TrainedModel, crafted: dict[str, Any]) -> None:
    ((name, value),) = crafted.items()
    arrays = {each: array.copy() for each, array in arrays_of(guarded).items()}
    arrays[name][-1] = value
    data = npz.write(arrays)

    with pytest.raises(DamagedModel, match=r"guards\.npz"):
        model_codec.decode(vouching(guarded, data), model_codec.encode(guarded).files["forest.npz"], data)


@pytest.mark.parametrize("lost", ["leaf", "lowest", "depth"])
def test_guards_without_an_array_are_damaged(guarded: TrainedModel, lost: str) -> None:
    arrays = arrays_of(guarded)
    del arrays[lost]
    data = npz.write(arrays)

    with pytest.raises(DamagedModel, match=r"guards\.npz: expected the arrays"):
        model_codec.decode(vouching(guarded, data), model_codec.encode(guarded).files["forest.npz"], data)


def test_other_guards_than_those_published_are_damaged(guarded: TrainedModel) -> None:
    encoded = model_codec.encode(guarded)
    arrays = {**arrays_of(guarded), "isolation_limit": np.array([-0.5])}
    data = npz.write(arrays)

    with pytest.raises(DamagedModel, match="size and SHA-256"):
        model_codec.decode(manifest_of(guarded, encoded.manifest), encoded.files["forest.npz"], data)
    with pytest.raises(DamagedModel, match="not the content that was published"):
        model_codec.decode(vouching(guarded, data), encoded.files["forest.npz"], data)


def test_guards_that_are_listed_and_not_there_are_damage(guarded: TrainedModel) -> None:
    encoded = model_codec.encode(guarded)

    with pytest.raises(DamagedModel, match="guards"):
        model_codec.decode(manifest_of(guarded, encoded.manifest), encoded.files["forest.npz"])
