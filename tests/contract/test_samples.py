"""What every store promises of the sample of a training."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.contract.test_model_repository import DEFAULT, STORES, V1, V2
from tests.fakes import a_batch, a_trained_model, renamed
from vehicle_anomaly.core.errors import UnknownModelVersion
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.core.telemetry_sample import TelemetrySample


@pytest.fixture(params=STORES)
def models(request: pytest.FixtureRequest, tmp_path: Path, new_bucket: Callable[[], str]) -> ModelRepository:
    return STORES[request.param](tmp_path, new_bucket)


def test_the_sample_of_a_training_is_kept(models: ModelRepository) -> None:
    values = a_batch().values.copy()
    values[3, 1] = np.nan
    sample = TelemetrySample.of(a_batch(values))
    models.publish(replace(a_trained_model("v1"), sample=sample))

    kept = models.sample(DEFAULT, V1)

    assert kept is not None
    np.testing.assert_array_equal(kept.values, sample.values)
    np.testing.assert_array_equal(kept.records, sample.records)
    assert models.load(DEFAULT, V1).sample is None


def test_a_version_may_have_no_sample(models: ModelRepository) -> None:
    model = a_trained_model("v1")
    models.publish(model)

    assert models.sample(DEFAULT, V1) is None
    with pytest.raises(UnknownModelVersion):
        models.sample(DEFAULT, V2)
    # It is no content: the same version with a sample is the same version.
    models.publish(replace(renamed(model, "v1"), sample=TelemetrySample.of(a_batch())))
    assert models.sample(DEFAULT, V1) is None
