"""Healthy scores in the files of a version: they survive, and nothing crafted gets through."""

import hashlib
import json
from typing import Any

import msgspec
import numpy as np
import pytest

from tests import simulated_trucks
from tests.fakes import FixedClock, InMemoryModels, a_trained_model
from vehicle_anomaly.adapters.outbound import model_codec, npz
from vehicle_anomaly.core.errors import DamagedModel
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import TrainedModel
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    models = InMemoryModels()
    train = TrainModel(models, FixedClock(), ForestParameters(n_estimators=10))
    known = train(TrainModelCommand(simulated_trucks.batch(simulated_trucks.trips(2, seed=1))))
    return models.load(known.model_name, known.model_version)


def manifest_of(model: TrainedModel, data: bytes) -> model_codec.Manifest:
    return model_codec.decode_manifest(data, model.metadata.model_name, model.metadata.model_version)


def arrays_of(model: TrainedModel) -> dict[str, Any]:
    assert model.healthy_scores is not None
    offset = np.array([model.forest.offset])
    arrays = {**model.forest.arrays(), "offset": offset, "medians": model.medians}
    return {**arrays, **model.healthy_scores.arrays()}


def vouching(model: TrainedModel, forest: bytes) -> model_codec.Manifest:
    """Make a manifest whose size and hash are those of a crafted file."""
    told = json.loads(model_codec.encode(model).manifest)
    told["files"]["forest.npz"] = {"size": len(forest), "sha256": hashlib.sha256(forest).hexdigest()}
    return manifest_of(model, msgspec.json.encode(msgspec.convert(told, model_codec.Manifest).sealed()))


def test_healthy_scores_survive_their_files(model: TrainedModel) -> None:
    encoded = model_codec.encode(model)

    loaded = model_codec.decode(manifest_of(model, encoded.manifest), encoded.files["forest.npz"])

    assert loaded.metadata.percentile_readings == 1000
    assert loaded.healthy_scores is not None
    assert model.healthy_scores is not None
    scores = model.score(simulated_trucks.trips(1, seed=3))
    told = loaded.healthy_scores.percentiles(scores)
    assert told.tolist() == model.healthy_scores.percentiles(scores).tolist()


def test_a_version_from_before_there_were_percentiles_says_that_it_has_none() -> None:
    before = a_trained_model()
    encoded = model_codec.encode(before)

    # To the byte what it was before: the manifest's own hash covers it.
    assert "percentile_readings" not in json.loads(encoded.manifest)["metadata"]
    loaded = model_codec.decode(manifest_of(before, encoded.manifest), encoded.files["forest.npz"])
    assert (loaded.metadata.percentile_readings, loaded.healthy_scores) == (None, None)


@pytest.mark.parametrize(
    "crafted",
    [
        {"healthy_score": np.nan},
        {"healthy_score": -9.0},
        {"healthy_share": 2.0},
        {"healthy_share": np.inf},
        {"healthy_share": -1.0},
    ],
    ids=str,
)
def test_crafted_healthy_scores_are_damaged_by_name(model: TrainedModel, crafted: dict[str, Any]) -> None:
    ((name, value),) = crafted.items()
    arrays = {each: array.copy() for each, array in arrays_of(model).items()}
    arrays[name][-1] = value
    forest = npz.write(arrays)

    with pytest.raises(DamagedModel, match=rf"forest\.npz: {name}"):
        model_codec.decode(vouching(model, forest), forest)


@pytest.mark.parametrize("lost", [["healthy_score"], ["healthy_share"], ["healthy_score", "healthy_share"]])
def test_a_version_that_promises_percentiles_and_has_none_is_damaged(
    model: TrainedModel, lost: list[str]
) -> None:
    forest = npz.write({name: array for name, array in arrays_of(model).items() if name not in lost})

    with pytest.raises(DamagedModel, match=r"forest\.npz: expected the arrays"):
        model_codec.decode(vouching(model, forest), forest)


def test_other_healthy_scores_than_those_published_are_damaged(model: TrainedModel) -> None:
    arrays = arrays_of(model)
    arrays["healthy_share"] = np.sqrt(arrays["healthy_share"])
    forest = npz.write(arrays)

    with pytest.raises(DamagedModel, match="not the content that was published"):
        model_codec.decode(vouching(model, forest), forest)
