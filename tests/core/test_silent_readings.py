"""Readings in which no sensor has a value."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.acceptance.guarded_versions import batch_of
from tests.acceptance.telemetry import healthy
from tests.fakes import FixedClock, InMemoryModels
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.judging import judge
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelVersion, TrainedModel
from vehicle_anomaly.core.reasons import SILENCE
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

N_READINGS, N_FEATURES = 1500, 3
V1 = ModelVersion("v1")
SILENT = np.full((1, N_FEATURES), np.nan)


def trained(n_silent: int) -> TrainedModel:
    """Train on readings of which each sensor misses one in twenty, and some miss all."""
    X = healthy(N_READINGS, seed=1)
    rows = np.random.default_rng(2).permutation(N_READINGS)
    for feature, missing in enumerate(np.split(rows[: N_FEATURES * 75], N_FEATURES)):
        X[missing, feature] = np.nan
    X[rows[len(rows) - n_silent :]] = np.nan
    models = InMemoryModels()
    train = TrainModel(models, FixedClock(), ForestParameters(50, 0.02), GuardParameters(0.01))
    train(TrainModelCommand(batch_of(X), model_version=V1))
    return models.load(DEFAULT_MODEL_NAME, V1)


def judged(model: TrainedModel, X: NDArray[np.float64]) -> dict[int, tuple[object, ...]]:
    return dict(judge(model, X, model.score(X)))


@pytest.mark.parametrize("n_silent", [0, 10])
def test_what_training_hardly_ever_saw_is_an_anomaly(n_silent: int) -> None:
    model = trained(n_silent)
    assert model.metadata.records_without_values == n_silent
    assert not model.guards.always_there.any()  # type: ignore[union-attr]
    assert judged(model, SILENT) == {0: (SILENCE,)}
    # Among many, which are judged a block at a time, the same.
    X = healthy(100, seed=3)
    before = judged(model, X)
    X[50:52] = np.nan
    told = judged(model, X)
    assert told == {row: why for row, why in before.items() if row not in (50, 51)} | dict.fromkeys(
        (50, 51), (SILENCE,)
    )
    assert list(told) == sorted(told)


def test_what_training_often_saw_is_none() -> None:
    model = trained(n_silent=150)
    assert model.metadata.records_without_values == 150
    assert judged(model, SILENT) == {}


def test_one_value_is_no_silence() -> None:
    X = np.array([[np.nan, 60.0, np.nan]])
    assert SILENCE not in judged(trained(0), X).get(0, ())


def test_the_forest_alone_has_nothing_to_say_of_it() -> None:
    model = trained(0)
    assert judge(model, SILENT, model.score(SILENT), guarded=False) == {}


def test_a_sensor_that_always_spoke_says_so_itself() -> None:
    models = InMemoryModels()
    train = TrainModel(models, FixedClock(), ForestParameters(50, 0.02), GuardParameters(0.01))
    train(TrainModelCommand(batch_of(healthy(N_READINGS)), model_version=V1))
    reasons = judged(models.load(DEFAULT_MODEL_NAME, V1), SILENT)[0]
    assert [reason.code for reason in reasons] == ["missing"] * N_FEATURES  # type: ignore[attr-defined]
    assert SILENCE not in reasons


def test_it_is_stored_and_part_of_the_content(tmp_path: Path) -> None:
    often = trained(n_silent=150)
    store = FilesystemModels(tmp_path)
    store.publish(often)
    loaded = store.load(DEFAULT_MODEL_NAME, V1)
    assert loaded.metadata == often.metadata
    assert judged(loaded, SILENT) == {}
    other = replace(often, metadata=replace(often.metadata, records_without_values=0))
    assert other.content_sha256() != often.content_sha256()
    assert b"records_without_values" not in _manifest_of(tmp_path / "other", trained(0))


def _manifest_of(folder: Path, model: TrainedModel) -> bytes:
    FilesystemModels(folder).publish(model)
    return (folder / "default" / "v1" / "manifest.json").read_bytes()


@pytest.mark.parametrize("share", [0.4, 0.7, 0.9, 1.1])
def test_silent_readings_and_all_others_together_are_as_many_alarms_as_were_asked_for(share: float) -> None:
    """Whether they are anomalies, which uses up the rate, or too many to be unusual."""
    rate, rng = 0.01, np.random.default_rng(6)

    def draw(n_readings: int) -> NDArray[np.float64]:
        X = rng.normal(size=(n_readings, 1)) + 0.4 * rng.normal(size=(n_readings, N_FEATURES))
        X[rng.permutation(n_readings)[: int(share * rate * n_readings)]] = np.nan
        return X

    models = InMemoryModels()
    train = TrainModel(models, FixedClock(), ForestParameters(20, 0.01), GuardParameters(rate))
    train(TrainModelCommand(batch_of(draw(20_000)), model_version=V1))
    model = models.load(DEFAULT_MODEL_NAME, V1)

    X = draw(50_000)
    alarms = judged(model, X)

    assert rate / 1.5 < len(alarms) / len(X) < rate * 1.5
    silent = np.flatnonzero(np.isnan(X).all(axis=1))
    assert {SILENCE in alarms.get(row, ()) for row in silent.tolist()} == {share < 0.75}
