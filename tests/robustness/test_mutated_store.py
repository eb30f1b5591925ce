"""LATEST or a manifest that is cut, garbage or dangling: the last good model answers, and it is said."""

import random
from pathlib import Path

import numpy as np
import pytest

from tests.adapters.inbound.http.service import READING, problem_in, running
from tests.fakes import a_batch, a_trained_model, renamed, some_readings
from tests.robustness.mutations import MUTATIONS, mutated
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.model_cache import CachedModels
from vehicle_anomaly.core.errors import DamagedModel, UnknownModel
from vehicle_anomaly.core.model import ModelName, ModelVersion

DEFAULT, V1, V2 = ModelName("default"), ModelVersion("v1"), ModelVersion("v2")
DANGLING = (b"v3", b"..", b"v1/../v2", b".lock", b"v1\0", b"v1 v2", b"default")


@pytest.mark.parametrize("mutations", [100, pytest.param(1000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("file", ["LATEST", "v2/manifest.json"])
def test_the_last_good_model_keeps_answering(tmp_path: Path, file: str, mutations: int) -> None:
    choice = random.Random(20261126)
    good, newer = a_trained_model("v1"), a_trained_model("v2", seed=1)
    store = FilesystemModels(tmp_path)
    store.publish(good)
    store.publish(newer)
    latest, mutable = tmp_path / "default" / "LATEST", tmp_path / "default" / file
    X = some_readings(good)
    whole, degraded = mutable.read_bytes(), 0
    for mutation in range(mutations):
        latest.write_bytes(b"v1")
        serving = CachedModels(store, refresh_seconds=0, size=2)
        assert serving.latest(DEFAULT) == V1
        latest.write_bytes(b"v2")
        damaged = mutated(whole, choice)
        if file == "LATEST" and mutation % 3 == 0:
            damaged = choice.choice(DANGLING)
        mutable.write_bytes(damaged)

        answers = serving.latest(DEFAULT)

        # A byte that means nothing, white space say, leaves the version what it was.
        if DEFAULT.value in serving.degraded.told():
            degraded += 1
            assert answers == V1
            np.testing.assert_array_equal(serving.load(DEFAULT, answers).score(X), good.score(X))
        else:
            expected = good if answers == V1 else newer
            np.testing.assert_array_equal(serving.load(DEFAULT, answers).score(X), expected.score(X))
        # Who starts now has no last good model: it refuses by name.
        try:
            FilesystemModels(tmp_path).load(DEFAULT, FilesystemModels(tmp_path).latest(DEFAULT))
        except (DamagedModel, UnknownModel):
            assert DEFAULT.value in serving.degraded.told()
        mutable.write_bytes(whole)
        # And all is well again with the file.
        latest.write_bytes(b"v2")
        assert serving.latest(DEFAULT) == V2
        assert serving.degraded.told() == {}
    assert degraded > mutations * 0.8


@pytest.mark.parametrize("file", ["LATEST", "v2/manifest.json"])
def test_readiness_says_degraded(tmp_path: Path, file: str) -> None:
    choice = random.Random(1)
    with running(tmp_path, model_refresh_seconds=0.0) as service:
        good = service.container.models().load(DEFAULT, V1)
        FilesystemModels(tmp_path).publish(
            renamed(a_trained_model("v2", batch=a_batch(feature_names=good.metadata.feature_names)), "v2")
        )
        latest, mutable = tmp_path / "default" / "LATEST", tmp_path / "default" / file
        whole = mutable.read_bytes()
        latest.write_bytes(b"v1")
        assert service.still_scores()
        for mutate in MUTATIONS:
            latest.write_bytes(b"v2")
            damaged = mutate(whole, choice)
            mutable.write_bytes(b"v9" if damaged.strip() in (b"v1", b"v2") else damaged)

            verdict = service.client.post("/score", json=READING)
            ready = service.client.get("/health/ready")
            listed = service.client.get("/models/default")

            assert (verdict.status_code, verdict.json()["model_version"]) == (200, "v1"), mutate.__name__
            assert ready.status_code == 200
            assert [*ready.json()["degraded"]] == ["default"]
            if not listed.is_success:
                assert problem_in(listed).status < 500
            mutable.write_bytes(whole)
            latest.write_bytes(b"v1")
        assert service.still_scores()
        assert "degraded" not in service.client.get("/health/ready").json()


@pytest.mark.parametrize("file", ["LATEST", "v1/manifest.json"])
def test_readiness_says_degraded_before_anybody_asks_for_the_model(tmp_path: Path, file: str) -> None:
    choice = random.Random(2)
    with running(tmp_path, model_refresh_seconds=0.0) as service:
        assert service.still_scores()
        mutable = tmp_path / "default" / file
        whole = mutable.read_bytes()
        for mutate in MUTATIONS:
            damaged = mutate(whole, choice)
            mutable.write_bytes(b"v9" if damaged.strip() == b"v1" else damaged)

            ready = service.client.get("/health/ready")

            assert ready.status_code == 200
            assert [*ready.json()["degraded"]] == ["default"], mutate.__name__
            assert service.still_scores()
            mutable.write_bytes(whole)
            assert "degraded" not in service.client.get("/health/ready").json()
