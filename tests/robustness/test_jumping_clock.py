"""A clock that jumps back and forth a quarter of an hour: versions still order by publication."""

import random
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import NOON, FixedClock, a_batch
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import ModelName
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

DEFAULT = ModelName("default")
QUARTER = timedelta(minutes=15)


@pytest.mark.parametrize("auto_promote", [True, False], ids=["promoted", "waiting"])
@pytest.mark.parametrize("trainings", [20, pytest.param(300, marks=pytest.mark.soak)])
def test_versions_order_by_publication(tmp_path: Path, trainings: int, auto_promote: bool) -> None:
    choice, clock = random.Random(1), FixedClock()
    published = []
    for number in range(trainings):
        clock.moment = NOON + timedelta(seconds=number) + choice.choice([-QUARTER, timedelta(0), QUARTER])
        # A process of its own for each: what it knows of the time before, it has from the store.
        store = FilesystemModels(tmp_path)
        train = TrainModel(store, clock, ForestParameters(n_estimators=2), auto_promote=auto_promote)
        published.append(train(TrainModelCommand(a_batch(seed=number))))

    found = FilesystemModels(tmp_path).versions(DEFAULT)

    assert [*reversed(found.versions)] == published
    # So do the names that the service gives.
    names = [known.model_version.value for known in published]
    assert names == sorted(names)
    assert found.latest == (published[-1].model_version if auto_promote else None)
    # And no version is said to be from further on than the clock ever was, but for as many ticks.
    assert max(known.trained_at for known in published) <= NOON + QUARTER + timedelta(seconds=trainings)
